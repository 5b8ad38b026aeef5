// Boxes that are no kernel, each with the reason for which it is inlined:
// products, rows, norms and columns. Their neighbours that are kernels stand in
// lower-to-tile.mlir.
// RUN: sinter-opt %s --sinter-lower-to-tile -split-input-file -verify-diagnostics -o /dev/null

!x = tensor<?x64xf32>
!x8 = tensor<?x64x!sinter.q8<1>>
sinter.weight @n : tensor<64xf32> at 0 : 0
sinter.weight @part : tensor<16xf32> at 0 : 0
sinter.weight @bias : tensor<64xf32> at 0 : 0
sinter.weight @scale : tensor<1xf32> at 0 : 0
sinter.weight @w : tensor<64x64xf32> at 0 : 0
sinter.weight @w16 : tensor<64x64xf16> at 0 : 0
sinter.weight @odd : tensor<40x64xf32> at 0 : 0

func.func @empty(%x: !x) -> !x {
  // expected-remark @below {{inlined 'box': an empty region}}
  %r = sinter.region "box" (%x) : (!x) -> !x {
  ^bb0(%a: !x):
    sinter.yield %a : !x
  }
  return %r : !x
}

func.func @formats(%x: !x) -> (!x, !x) {
  // expected-remark @below {{inlined 'box': weights of different formats}}
  %r, %s = sinter.region "box" (%x) : (!x) -> (!x, !x) {
  ^bb0(%a: !x):
    %b = sinter.matmul %a, @w : (!x) -> !x
    %c = sinter.matmul %a, @w16 : (!x) -> !x
    sinter.yield %b, %c : !x, !x
  }
  return %r, %s : !x, !x
}

func.func @inputs(%x: !x, %y: !x) -> (!x, !x) {
  // expected-remark @below {{inlined 'box': matmuls of different inputs}}
  %r, %s = sinter.region "box" (%x, %y) : (!x, !x) -> (!x, !x) {
  ^bb0(%a: !x, %d: !x):
    %b = sinter.matmul %a, @w : (!x) -> !x
    %c = sinter.matmul %d, @w : (!x) -> !x
    sinter.yield %b, %c : !x, !x
  }
  return %r, %s : !x, !x
}

func.func @one_scale(%x: !x) -> (!x, !x) {
  // expected-remark @below {{inlined 'box': only some weights have a tensor scale}}
  %r, %s = sinter.region "box" (%x) : (!x) -> (!x, !x) {
  ^bb0(%a: !x):
    %b = sinter.matmul %a, @w scale @scale : (!x) -> !x
    %c = sinter.matmul %a, @w : (!x) -> !x
    sinter.yield %b, %c : !x, !x
  }
  return %r, %s : !x, !x
}

func.func @one_bias(%x: !x) -> (!x, !x) {
  // expected-remark @below {{inlined 'box': only some matmuls have a bias}}
  %r, %s = sinter.region "box" (%x) : (!x) -> (!x, !x) {
  ^bb0(%a: !x):
    %b = sinter.matmul %a, @w bias @bias : (!x) -> !x
    %c = sinter.matmul %a, @w : (!x) -> !x
    sinter.yield %b, %c : !x, !x
  }
  return %r, %s : !x, !x
}

func.func @activation(%x: !x) -> (!x, !x) {
  // expected-remark @below {{inlined 'three': not matmuls and their activation}}
  %r = sinter.region "three" (%x) : (!x) -> !x {
  ^bb0(%a: !x):
    %b = sinter.matmul %a, @w : (!x) -> !x
    %c = sinter.matmul %b, @w : (!x) -> !x
    %d = sinter.gelu %c : !x
    sinter.yield %d : !x
  }
  // expected-remark @below {{inlined 'twice': the activation's operands are not the matmuls}}
  %s = sinter.region "twice" (%x) : (!x) -> !x {
  ^bb0(%a: !x):
    %b = sinter.matmul %a, @w : (!x) -> !x
    %c = sinter.matmul %a, @w : (!x) -> !x
    %d = sinter.swiglu %b, %b : !x
    sinter.yield %d : !x
  }
  return %r, %s : !x, !x
}

func.func @activation_result(%x: !x) -> (!x8, !x8, !x, !x) {
  // expected-remark @below {{inlined 'input': quantises something else}}
  %r = sinter.region "input" (%x) : (!x) -> !x8 {
  ^bb0(%a: !x):
    %b = sinter.matmul %a, @w : (!x) -> !x
    %d = sinter.gelu %b : !x
    %q = sinter.quantize %b : !x -> !x8
    sinter.yield %q : !x8
  }
  // expected-remark @below {{inlined 'both': an inner value is used outside}}
  %s, %t = sinter.region "both" (%x) : (!x) -> (!x, !x8) {
  ^bb0(%a: !x):
    %b = sinter.matmul %a, @w : (!x) -> !x
    %d = sinter.gelu %b : !x
    %q = sinter.quantize %d : !x -> !x8
    sinter.yield %b, %q : !x, !x8
  }
  // expected-remark @below {{inlined 'biases': gate and up have biases}}
  %u = sinter.region "biases" (%x) : (!x) -> !x {
  ^bb0(%a: !x):
    %b = sinter.matmul %a, @w bias @bias : (!x) -> !x
    %c = sinter.matmul %a, @w bias @bias : (!x) -> !x
    %d = sinter.swiglu %b, %c : !x
    sinter.yield %d : !x
  }
  return %r, %t, %s, %u : !x8, !x8, !x, !x
}

func.func @turns(%x: !x) -> tensor<?x40xf32> {
  // expected-remark @below {{inlined 'box': gate and up cannot take turns of 16 rows}}
  %r = sinter.region "box" (%x) : (!x) -> tensor<?x40xf32> {
  ^bb0(%a: !x):
    %b = sinter.matmul %a, @odd : (!x) -> tensor<?x40xf32>
    %c = sinter.matmul %a, @odd : (!x) -> tensor<?x40xf32>
    %d = sinter.swiglu %b, %c : tensor<?x40xf32>
    sinter.yield %d : tensor<?x40xf32>
  }
  return %r : tensor<?x40xf32>
}

func.func @matmul_results(%x: !x) -> (!x, !x8) {
  // expected-remark @below {{inlined 'sum': matmuls beside other ops}}
  %r = sinter.region "sum" (%x) : (!x) -> !x {
  ^bb0(%a: !x):
    %b = sinter.matmul %a, @w : (!x) -> !x
    %c = sinter.add %a, %b : !x
    sinter.yield %c : !x
  }
  // expected-remark @below {{inlined 'input': quantises something else than the one product}}
  %s = sinter.region "input" (%x) : (!x) -> !x8 {
  ^bb0(%a: !x):
    %b = sinter.matmul %a, @w : (!x) -> !x
    %q = sinter.quantize %a : !x -> !x8
    sinter.yield %q : !x8
  }
  return %r, %s : !x, !x8
}

func.func @folded(%x: tensor<?x1x64xf32>) -> (!x, tensor<?x1x64xf32>, !x) {
  // expected-remark @below {{inlined 'before': not one product and its fold}}
  %r = sinter.region "before" (%x) : (tensor<?x1x64xf32>) -> !x {
  ^bb0(%a: tensor<?x1x64xf32>):
    %f = sinter.fold %a : tensor<?x1x64xf32> -> !x
    %b = sinter.matmul %f, @w : (!x) -> !x
    sinter.yield %b : !x
  }
  // expected-remark @below {{inlined 'both': an inner value is used outside}}
  %s, %t = sinter.region "both" (%x) : (tensor<?x1x64xf32>) -> (tensor<?x1x64xf32>, !x) {
  ^bb0(%a: tensor<?x1x64xf32>):
    %b = sinter.matmul %a, @w : (tensor<?x1x64xf32>) -> tensor<?x1x64xf32>
    %f = sinter.fold %b : tensor<?x1x64xf32> -> !x
    sinter.yield %b, %f : tensor<?x1x64xf32>, !x
  }
  return %r, %s, %t : !x, tensor<?x1x64xf32>, !x
}

func.func @embedding(%batch: !sinter.batch) -> !x {
  // expected-remark @below {{inlined 'box': no embedding alone}}
  %r = sinter.region "box" (%batch) : (!sinter.batch) -> !x {
  ^bb0(%b: !sinter.batch):
    %e = sinter.embed %b, @w : !x
    %s = sinter.silu %e : !x
    sinter.yield %s : !x
  }
  return %r : !x
}

func.func @norms(%x: !x, %y: !x) -> (!x, !x8, !x, !x) {
  // expected-remark @below {{inlined 'addend': the norm is not of the sum}}
  %r = sinter.region "addend" (%x, %y) : (!x, !x) -> !x {
  ^bb0(%a: !x, %b: !x):
    %s = sinter.add %a, %b : !x
    %n = sinter.rms_norm %a, @n epsilon 1.0e-6 : !x
    sinter.yield %n : !x
  }
  // expected-remark @below {{inlined 'input': the quantisation is not of the norm}}
  %s8 = sinter.region "input" (%x) : (!x) -> !x8 {
  ^bb0(%a: !x):
    %n = sinter.rms_norm %a, @n epsilon 1.0e-6 : !x
    %q = sinter.quantize %a : !x -> !x8
    sinter.yield %q : !x8
  }
  // expected-remark @below {{inlined 'both': an inner value is used outside}}
  %t, %t8 = sinter.region "both" (%x) : (!x) -> (!x, !x8) {
  ^bb0(%a: !x):
    %n = sinter.rms_norm %a, @n epsilon 1.0e-6 : !x
    %q = sinter.quantize %n : !x -> !x8
    sinter.yield %n, %q : !x, !x8
  }
  // expected-remark @below {{inlined 'unit': a norm without weight beside other ops}}
  %u = sinter.region "unit" (%x) : (!x) -> !x {
  ^bb0(%a: !x):
    %n = sinter.unit_norm %a epsilon 1.0e-6 : !x
    %s = sinter.silu %n : !x
    sinter.yield %s : !x
  }
  return %r, %s8, %t, %u : !x, !x8, !x, !x
}

func.func @rows(%x: !x) -> (!x, !x8, !x, !x8) {
  // expected-remark @below {{inlined 'two': not one op over rows, perhaps with a quantisation}}
  %r = sinter.region "two" (%x) : (!x) -> !x {
  ^bb0(%a: !x):
    %b = sinter.silu %a : !x
    %c = sinter.add %a, %b : !x
    sinter.yield %c : !x
  }
  // expected-remark @below {{inlined 'input': the quantisation is not of the op}}
  %s = sinter.region "input" (%x) : (!x) -> !x8 {
  ^bb0(%a: !x):
    %b = sinter.silu %a : !x
    %q = sinter.quantize %a : !x -> !x8
    sinter.yield %q : !x8
  }
  // expected-remark @below {{inlined 'both': an inner value is used outside}}
  %t, %t8 = sinter.region "both" (%x) : (!x) -> (!x, !x8) {
  ^bb0(%a: !x):
    %b = sinter.silu %a : !x
    %q = sinter.quantize %b : !x -> !x8
    sinter.yield %b, %q : !x, !x8
  }
  return %r, %s, %t, %t8 : !x, !x8, !x, !x8
}

func.func @gated(%x: !x, %z: !x) -> (!x, !x, !x8, !x, !x8) {
  // expected-remark @below {{inlined 'two': not one norm with a gate, perhaps with a quantisation}}
  %r = sinter.region "two" (%x) : (!x) -> !x {
  ^bb0(%a: !x):
    %n = sinter.grouped_norm %a, @n groups 2 epsilon 1.0e-6 : !x
    %m = sinter.silu %n : !x
    sinter.yield %m : !x
  }
  // expected-remark @below {{inlined 'other': the gate is not the norm's}}
  %s = sinter.region "other" (%x, %z) : (!x, !x) -> !x {
  ^bb0(%a: !x, %g: !x):
    %n = sinter.grouped_norm %a, @n groups 2 epsilon 1.0e-6 : !x
    %m = sinter.swiglu %g, %a : !x
    sinter.yield %m : !x
  }
  // expected-remark @below {{inlined 'input': the quantisation is not of the norm}}
  %t = sinter.region "input" (%x) : (!x) -> !x8 {
  ^bb0(%a: !x):
    %n = sinter.grouped_norm %a, @n groups 2 epsilon 1.0e-6 : !x
    %q = sinter.quantize %a : !x -> !x8
    sinter.yield %q : !x8
  }
  // expected-remark @below {{inlined 'both': an inner value is used outside}}
  %u, %v = sinter.region "both" (%x) : (!x) -> (!x, !x8) {
  ^bb0(%a: !x):
    %n = sinter.grouped_norm %a, @n groups 2 epsilon 1.0e-6 : !x
    %q = sinter.quantize %n : !x -> !x8
    sinter.yield %n, %q : !x, !x8
  }
  return %r, %s, %t, %u, %v : !x, !x, !x8, !x, !x8
}

func.func @narrow_groups(%x: !x) -> !x8 {
  // expected-remark @below {{inlined 'box': groups of 16 columns do not fill blocks of 32}}
  %r = sinter.region "box" (%x) : (!x) -> !x8 {
  ^bb0(%a: !x):
    %n = sinter.grouped_norm %a, @n groups 4 epsilon 1.0e-6 : !x
    %q = sinter.quantize %n : !x -> !x8
    sinter.yield %q : !x8
  }
  return %r : !x8
}

// -----

// A gated norm goes by tokens.
sinter.weight @n : tensor<64xf32> at 0 : 0
func.func @gated_outputs(%x: tensor<?x64xf32>, %batch: !sinter.batch) -> tensor<?x64xf32> {
  %r = sinter.select_rows %x, %batch : tensor<?x64xf32>
  // expected-error @below {{has no kernel: rows of outputs}}
  %n = sinter.grouped_norm %r, @n groups 2 epsilon 1.0e-6 : tensor<?x64xf32>
  return %n : tensor<?x64xf32>
}

// -----

// So do the columns of several heads.
func.func @columns_outputs(%x: tensor<?x64xf32>, %batch: !sinter.batch) -> tensor<?x32xf32> {
  %r = sinter.select_rows %x, %batch : tensor<?x64xf32>
  // expected-error @below {{has no kernel: rows of outputs}}
  %c = sinter.head_columns %r heads 2 at 0 : tensor<?x64xf32> -> tensor<?x32xf32>
  return %c : tensor<?x32xf32>
}
