// RUN: sinter-opt %s --sinter-lower-to-tile -split-input-file -verify-diagnostics | FileCheck %s

sinter.weight @embd.weight : tensor<512x256x!sinter.q4_k> at 0 : 0
sinter.weight @n.weight : tensor<256xf32> at 0 : 0
sinter.weight @head_norm.weight : tensor<64xf16> at 0 : 0
sinter.weight @q.weight : tensor<256x256x!sinter.q4_k> at 0 : 0
sinter.weight @k.weight : tensor<128x256x!sinter.q4_k> at 0 : 0
sinter.weight @v.weight : tensor<128x256x!sinter.q4_k> at 0 : 0
sinter.weight @q.bias : tensor<256xf32> at 0 : 0

// Constants and kernels exist once, before the functions.
// CHECK-DAG: tile.packed @embd.packed from [@embd.weight]
// CHECK-DAG: tile.vector @n.f32 from [@n.weight]
// CHECK-DAG: tile.kernel @rms_norm_f32_n256 #tile.norm<input = <width = 256, stride = 256>, output = <width = 256, stride = 256>, group = 256, epsilon = {{.*}} : f64>

// CHECK-LABEL: func.func @rows
func.func @rows(%batch: !sinter.batch) -> tensor<?x256xf32> {
  // CHECK-NEXT: %[[X:.*]] = tile.launch @embed_q4_k_n512_k256 () [@embd.packed] order ["s0", "o0"]
  %x = sinter.embed %batch, @embd.weight : tensor<?x256xf32>
  // CHECK-NEXT: %[[A:.*]] = tile.launch @rms_norm_f32_n256 (%[[X]]) [@n.f32] order ["i0", "s0", "o0"]
  %a = sinter.rms_norm %x, @n.weight epsilon 1.0e-6 : tensor<?x256xf32>
  // CHECK-NEXT: %[[B:.*]] = tile.launch @rms_norm_f32_n256 (%[[A]]) [@n.f32]
  %b = sinter.rms_norm %a, @n.weight epsilon 1.0e-6 : tensor<?x256xf32>
  // CHECK-NEXT: %[[C:.*]] = tile.launch @add_f32_n256 (%[[A]], %[[B]]) []
  %c = sinter.add %a, %b : tensor<?x256xf32>
  // After select_rows kernels count outputs: another kernel.
  // CHECK-NEXT: %[[L:.*]] = tile.launch @select_rows_f32_n256 (%[[C]])
  %l = sinter.select_rows %c, %batch : tensor<?x256xf32>
  // CHECK-NEXT: %[[N:.*]] = tile.launch @rms_norm_f32_n256_1 (%[[L]])
  %n = sinter.rms_norm %l, @n.weight epsilon 1.0e-6 : tensor<?x256xf32>
  // CHECK-NEXT: return %[[N]]
  return %n : tensor<?x256xf32>
}

// CHECK-LABEL: func.func @projections
// CHECK-SAME: (%[[X8:.*]]: tensor<?x256x!sinter.q8<2>>)
func.func @projections(%x: tensor<?x256x!sinter.q8<2>>) -> tensor<?x128xf32> {
  // CHECK-NEXT: %[[W:.*]] = tile.launch @matmul_q4_k_n512_k256 (%[[X8]]) [@q_k_v.packed] order ["i0", "s0", "o0"] label "{{.*}}" : (tensor<?x256x!sinter.q8<2>>) -> tensor<?x512xf32>
  // CHECK-DAG: %[[K:.*]] = tile.columns %[[W]] at 256
  // CHECK-DAG: %[[V:.*]] = tile.columns %[[W]] at 384
  %q, %k, %v = sinter.region "projections" (%x) : (tensor<?x256x!sinter.q8<2>>) -> (tensor<?x256xf32>, tensor<?x128xf32>, tensor<?x128xf32>) {
  ^bb0(%a: tensor<?x256x!sinter.q8<2>>):
    %b = sinter.matmul %a, @q.weight : (tensor<?x256x!sinter.q8<2>>) -> tensor<?x256xf32>
    %c = sinter.matmul %a, @k.weight : (tensor<?x256x!sinter.q8<2>>) -> tensor<?x128xf32>
    %d = sinter.matmul %a, @v.weight : (tensor<?x256x!sinter.q8<2>>) -> tensor<?x128xf32>
    sinter.yield %b, %c, %d : tensor<?x256xf32>, tensor<?x128xf32>, tensor<?x128xf32>
  }
  // Users step over the rest of the joined row.
  // CHECK: tile.launch @[[ADD:add_f32_n128.*]] (%[[K]], %[[V]])
  %s = sinter.add %k, %v : tensor<?x128xf32>
  return %s : tensor<?x128xf32>
}

// CHECK-LABEL: func.func @bias
func.func @bias(%x: tensor<?x256x!sinter.q8<2>>) -> tensor<?x256xf32> {
  // CHECK-NEXT: tile.launch @matmul_q4_k_n256_k256 (%arg0) [@q.packed, @q.bias.f32] order ["i0", "s0", "s1", "o0"]
  %q = sinter.matmul %x, @q.weight bias @q.bias : (tensor<?x256x!sinter.q8<2>>) -> tensor<?x256xf32>
  return %q : tensor<?x256xf32>
}

// CHECK-LABEL: func.func @swiglu
func.func @swiglu(%x: tensor<?x256x!sinter.q8<2>>) -> tensor<?x256x!sinter.q8<2>> {
  // CHECK-NEXT: %[[S:.*]] = tile.launch @swiglu_q4_k_n512_k256 (%arg0) [@q_q.packed]
  // CHECK-NEXT: return %[[S]]
  %r = sinter.region "act_quant" (%x) : (tensor<?x256x!sinter.q8<2>>) -> tensor<?x256x!sinter.q8<2>> {
  ^bb0(%a: tensor<?x256x!sinter.q8<2>>):
    %s = sinter.region "swiglu" (%a) : (tensor<?x256x!sinter.q8<2>>) -> tensor<?x256xf32> {
    ^bb0(%b: tensor<?x256x!sinter.q8<2>>):
      %g = sinter.matmul %b, @q.weight : (tensor<?x256x!sinter.q8<2>>) -> tensor<?x256xf32>
      %u = sinter.matmul %b, @q.weight : (tensor<?x256x!sinter.q8<2>>) -> tensor<?x256xf32>
      %t = sinter.swiglu %g, %u : tensor<?x256xf32>
      sinter.yield %t : tensor<?x256xf32>
    }
    %q = sinter.quantize %s : tensor<?x256xf32> -> tensor<?x256x!sinter.q8<2>>
    sinter.yield %q : tensor<?x256x!sinter.q8<2>>
  }
  return %r : tensor<?x256x!sinter.q8<2>>
}

// CHECK-LABEL: func.func @residual_norm
func.func @residual_norm(%x: tensor<?x256xf32>, %y: tensor<?x256xf32>) -> (tensor<?x256xf32>, tensor<?x256xf32>) {
  // CHECK-NEXT: %[[R:.*]]:2 = tile.launch @residual_norm_f32_n256 (%arg0, %arg1) [@n.f32] order ["i0", "i1", "s0", "o0", "o1"]
  // CHECK-NEXT: return %[[R]]#0, %[[R]]#1
  %s, %n = sinter.region "residual_norm" (%x, %y) : (tensor<?x256xf32>, tensor<?x256xf32>) -> (tensor<?x256xf32>, tensor<?x256xf32>) {
  ^bb0(%a: tensor<?x256xf32>, %b: tensor<?x256xf32>):
    %c = sinter.add %a, %b : tensor<?x256xf32>
    %d = sinter.rms_norm %c, @n.weight epsilon 1.0e-6 : tensor<?x256xf32>
    sinter.yield %c, %d : tensor<?x256xf32>, tensor<?x256xf32>
  }
  return %s, %n : tensor<?x256xf32>, tensor<?x256xf32>
}

!kv = !sinter.kv_cache<heads = 2, keys = 64, values = 64, f16>

// CHECK-LABEL: func.func @heads
func.func @heads(%q: tensor<?x256xf32>, %k: tensor<?x128xf32>, %v: tensor<?x128xf32>, %kv: !kv, %batch: !sinter.batch) -> tensor<?x256xf32> {
  // CHECK-NEXT: %[[Q:.*]] = tile.launch @rope_cache_write_h6_k64 (%arg0, %arg1, %arg2, %arg3) [@head_norm.f32, @rope_table] order ["i0", "s0", "i1", "i2", "s1", "i3", "o0"]
  // CHECK-SAME: writes_state
  %r = sinter.region "rope_cache_write" (%q, %k, %v, %kv, %batch) : (tensor<?x256xf32>, tensor<?x128xf32>, tensor<?x128xf32>, !kv, !sinter.batch) -> tensor<?x256xf32> {
  ^bb0(%a: tensor<?x256xf32>, %b: tensor<?x128xf32>, %c: tensor<?x128xf32>, %s: !kv, %t: !sinter.batch):
    %n = sinter.rms_norm %a, @head_norm.weight epsilon 1.0e-6 : tensor<?x256xf32>
    %d = sinter.rope %n, %t heads 4 <width = 64, base = 1.0e6 : f64, neox = true> : tensor<?x256xf32>
    %e = sinter.rope %b, %t heads 2 <width = 64, base = 1.0e6 : f64, neox = true> : tensor<?x128xf32>
    sinter.cache_write %e, %c, %s, %t : tensor<?x128xf32>, tensor<?x128xf32>, !kv
    sinter.yield %d : tensor<?x256xf32>
  }
  // CHECK-NEXT: tile.launch @attention_f32_h4_k64 (%[[Q]], %arg3) [] order ["i0", "i1", "o0"]
  %o = sinter.attention %r, %kv, %batch heads 4 scale 0.125 : (tensor<?x256xf32>, !kv, !sinter.batch) -> tensor<?x256xf32>
  return %o : tensor<?x256xf32>
}

// -----

sinter.weight @n.weight : tensor<256xf32> at 0 : 0

// A region that is no kernel is inlined, and the function says so.
// CHECK-LABEL: func.func @inlined
// CHECK-SAME: sinter.inlined = ["pair: not one norm, perhaps with a sum and a quantisation x1 {{.*}}"]
func.func @inlined(%x: tensor<?x256xf32>) -> tensor<?x256xf32> {
  // CHECK-NEXT: tile.launch @rms_norm_f32_n256
  // CHECK-NEXT: tile.launch @rms_norm_f32_n256
  // expected-remark @below {{inlined 'pair': not one norm}}
  %r = sinter.region "pair" (%x) : (tensor<?x256xf32>) -> tensor<?x256xf32> {
  ^bb0(%a: tensor<?x256xf32>):
    %b = sinter.rms_norm %a, @n.weight epsilon 1.0e-6 : tensor<?x256xf32>
    %c = sinter.rms_norm %b, @n.weight epsilon 1.0e-6 : tensor<?x256xf32>
    sinter.yield %c : tensor<?x256xf32>
  }
  return %r : tensor<?x256xf32>
}

// -----

sinter.weight @n.weight : tensor<128xf32> at 0 : 0
sinter.weight @w.weight : tensor<128x256x!sinter.q4_k> at 0 : 0

// The kernel of a sum and its norm has no stride for the addend: the sum gets a
// kernel of its own, which has.
// CHECK-LABEL: func.func @wide_addend
// CHECK-SAME: sinter.inlined = ["residual_norm: the addend is columns of wider rows x1 {{.*}}"]
func.func @wide_addend(%x: tensor<?x128xf32>, %y: tensor<?x256x!sinter.q8<2>>) -> (tensor<?x128xf32>, tensor<?x128xf32>) {
  %k, %v = sinter.region "projections" (%y) : (tensor<?x256x!sinter.q8<2>>) -> (tensor<?x128xf32>, tensor<?x128xf32>) {
  ^bb0(%a: tensor<?x256x!sinter.q8<2>>):
    %b = sinter.matmul %a, @w.weight : (tensor<?x256x!sinter.q8<2>>) -> tensor<?x128xf32>
    %c = sinter.matmul %a, @w.weight : (tensor<?x256x!sinter.q8<2>>) -> tensor<?x128xf32>
    sinter.yield %b, %c : tensor<?x128xf32>, tensor<?x128xf32>
  }
  // CHECK: %[[V:.*]] = tile.columns %{{.*}} at 128
  // CHECK: %[[S:.*]] = tile.launch @add_f32_n128 (%arg0, %[[V]])
  // CHECK-NEXT: %[[N:.*]] = tile.launch @rms_norm_f32_n128 (%[[S]])
  // CHECK-NEXT: return %[[S]], %[[N]]
  // expected-remark @below {{inlined 'residual_norm': the addend is columns of wider rows}}
  %s, %n = sinter.region "residual_norm" (%x, %v) : (tensor<?x128xf32>, tensor<?x128xf32>) -> (tensor<?x128xf32>, tensor<?x128xf32>) {
  ^bb0(%a: tensor<?x128xf32>, %b: tensor<?x128xf32>):
    %c = sinter.add %a, %b : tensor<?x128xf32>
    %d = sinter.rms_norm %c, @n.weight epsilon 1.0e-6 : tensor<?x128xf32>
    sinter.yield %c, %d : tensor<?x128xf32>, tensor<?x128xf32>
  }
  return %s, %n : tensor<?x128xf32>, tensor<?x128xf32>
}

// -----

func.func @late(%x: tensor<?x256xf32>, %batch: !sinter.batch) -> tensor<?x256xf32> {
  %l = sinter.select_rows %x, %batch : tensor<?x256xf32>
  // expected-error @below {{follows select_rows, but needs a row per token}}
  %r = sinter.rope %l, %batch heads 4 <width = 64, base = 1.0e6 : f64, neox = true> : tensor<?x256xf32>
  return %r : tensor<?x256xf32>
}
