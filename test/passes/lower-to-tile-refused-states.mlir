// Boxes that are no kernel, each with the reason for which it is inlined:
// recurrences with their states, and mixtures of experts.
// RUN: sinter-opt %s --sinter-lower-to-tile -split-input-file -verify-diagnostics -o /dev/null

!x = tensor<?x512xf32>
!h = tensor<?x4xf32>
!w = tensor<?x1536xf32>
!r = tensor<?x16384xf32>
!o = tensor<?x1x256xf32>
!b = !sinter.batch
!state = !sinter.recurrent<heads = 4, keys = 64, values = 64>
!window = !sinter.recurrent<heads = 1, keys = 3, values = 512>
sinter.weight @a : tensor<4xf32> at 0 : 0
sinter.weight @taps : tensor<512x4xf32> at 0 : 0

func.func @delta(%x: !x, %h: !h, %b: !b, %s: !state, %t: !state, %rows: !r) -> (!o, !o, !o, !o) {
  // expected-remark @below {{inlined 'load': not one load and one store of a state}}
  %0 = sinter.region "load" (%x, %h, %s, %b) : (!x, !h, !state, !b) -> !o {
  ^bb0(%c: !x, %d: !h, %e: !state, %f: !b):
    %i = sinter.state_load %e, %f : !state -> !r
    %o, %n = sinter.gated_delta_net %c, %d, %d, %i, %f decay @a bias @a heads 2 : 4 epsilon 1.0e-6 : (!x, !h, !h, !r) -> !o
    sinter.yield %o : !o
  }
  // expected-remark @below {{inlined 'rows': the state loaded or stored is another}}
  %1 = sinter.region "rows" (%x, %h, %s, %rows, %b) : (!x, !h, !state, !r, !b) -> !o {
  ^bb0(%c: !x, %d: !h, %e: !state, %g: !r, %f: !b):
    %i = sinter.state_load %e, %f : !state -> !r
    %o, %n = sinter.gated_delta_net %c, %d, %d, %g, %f decay @a bias @a heads 2 : 4 epsilon 1.0e-6 : (!x, !h, !h, !r) -> !o
    sinter.state_store %n, %e, %f : !r, !state
    sinter.yield %o : !o
  }
  // expected-remark @below {{inlined 'two': loads one state and stores another}}
  %2 = sinter.region "two" (%x, %h, %s, %t, %b) : (!x, !h, !state, !state, !b) -> !o {
  ^bb0(%c: !x, %d: !h, %e: !state, %g: !state, %f: !b):
    %i = sinter.state_load %e, %f : !state -> !r
    %o, %n = sinter.gated_delta_net %c, %d, %d, %i, %f decay @a bias @a heads 2 : 4 epsilon 1.0e-6 : (!x, !h, !h, !r) -> !o
    sinter.state_store %n, %g, %f : !r, !state
    sinter.yield %o : !o
  }
  // expected-remark @below {{inlined 'silu': ops beside the delta rule and its state}}
  %3 = sinter.region "silu" (%x, %h, %rows, %b) : (!x, !h, !r, !b) -> !o {
  ^bb0(%c: !x, %d: !h, %i: !r, %f: !b):
    %o, %n = sinter.gated_delta_net %c, %d, %d, %i, %f decay @a bias @a heads 2 : 4 epsilon 1.0e-6 : (!x, !h, !h, !r) -> !o
    %p = sinter.silu %o : !o
    sinter.yield %p : !o
  }
  return %0, %1, %2, %3 : !o, !o, !o, !o
}

func.func @delta_next(%x: !x, %h: !h, %b: !b, %s: !state) -> (!o, !r) {
  // expected-remark @below {{inlined 'box': an inner value is used outside}}
  %0, %1 = sinter.region "box" (%x, %h, %s, %b) : (!x, !h, !state, !b) -> (!o, !r) {
  ^bb0(%c: !x, %d: !h, %e: !state, %f: !b):
    %i = sinter.state_load %e, %f : !state -> !r
    %o, %n = sinter.gated_delta_net %c, %d, %d, %i, %f decay @a bias @a heads 2 : 4 epsilon 1.0e-6 : (!x, !h, !h, !r) -> !o
    sinter.state_store %n, %e, %f : !r, !state
    sinter.yield %o, %n : !o, !r
  }
  return %0, %1 : !o, !r
}

func.func @scan(%x: !x, %h: !h, %b: !b, %s: !state, %rows: !r) -> (!o, !o, !r) {
  // expected-remark @below {{inlined 'silu': ops beside the scan and its state}}
  %0 = sinter.region "silu" (%x, %h, %rows, %b) : (!x, !h, !r, !b) -> !o {
  ^bb0(%c: !x, %d: !h, %i: !r, %f: !b):
    %o, %n = sinter.ssm_scan %c, %d, %i, %f decay @a bias @a skip @a heads 4 groups 2 : (!x, !h, !r) -> !o
    %p = sinter.silu %o : !o
    sinter.yield %p : !o
  }
  // expected-remark @below {{inlined 'next': an inner value is used outside}}
  %1, %2 = sinter.region "next" (%x, %h, %s, %b) : (!x, !h, !state, !b) -> (!o, !r) {
  ^bb0(%c: !x, %d: !h, %e: !state, %f: !b):
    %i = sinter.state_load %e, %f : !state -> !r
    %o, %n = sinter.ssm_scan %c, %d, %i, %f decay @a bias @a skip @a heads 4 groups 2 : (!x, !h, !r) -> !o
    sinter.state_store %n, %e, %f : !r, !state
    sinter.yield %o, %n : !o, !r
  }
  return %0, %1, %2 : !o, !o, !r
}

func.func @conv(%x: !x, %y: !x, %b: !b, %c: !window, %w: !w) -> (!x, !x, !x, !x, !x) {
  // expected-remark @below {{inlined 'window': the window stored is not the convolution's}}
  %0 = sinter.region "window" (%x, %y, %c, %b) : (!x, !x, !window, !b) -> !x {
  ^bb0(%d: !x, %e: !x, %f: !window, %g: !b):
    %i = sinter.state_load %f, %g : !window -> !w
    %o = sinter.short_conv %d, %i, %g by @taps : (!x, !w) -> !x
    %n = sinter.conv_window %e, %i, %g : !x, !w
    sinter.state_store %n, %f, %g : !w, !window
    sinter.yield %o : !x
  }
  // expected-remark @below {{inlined 'sum': ops beside a convolution, its window and SiLU}}
  %1 = sinter.region "sum" (%x, %w, %b) : (!x, !w, !b) -> !x {
  ^bb0(%d: !x, %i: !w, %g: !b):
    %o = sinter.short_conv %d, %i, %g by @taps : (!x, !w) -> !x
    %p = sinter.add %o, %d : !x
    sinter.yield %p : !x
  }
  // expected-remark @below {{inlined 'input': the SiLU is not of the convolution}}
  %2 = sinter.region "input" (%x, %w, %b) : (!x, !w, !b) -> !x {
  ^bb0(%d: !x, %i: !w, %g: !b):
    %p = sinter.silu %d : !x
    %o = sinter.short_conv %p, %i, %g by @taps : (!x, !w) -> !x
    sinter.yield %o : !x
  }
  // expected-remark @below {{inlined 'both': an inner value is used outside}}
  %3, %4 = sinter.region "both" (%x, %w, %b) : (!x, !w, !b) -> (!x, !x) {
  ^bb0(%d: !x, %i: !w, %g: !b):
    %o = sinter.short_conv %d, %i, %g by @taps : (!x, !w) -> !x
    %p = sinter.silu %o : !x
    sinter.yield %o, %p : !x, !x
  }
  return %0, %1, %2, %3, %4 : !x, !x, !x, !x, !x
}

func.func @states(%x: !x, %b: !b, %c: !window, %w: !w) -> (!w, !w) {
  // expected-remark @below {{inlined 'windows': not one window alone}}
  %0 = sinter.region "windows" (%x, %w, %b) : (!x, !w, !b) -> !w {
  ^bb0(%d: !x, %i: !w, %g: !b):
    %n = sinter.conv_window %d, %i, %g : !x, !w
    %o = sinter.conv_window %d, %n, %g : !x, !w
    sinter.yield %o : !w
  }
  // expected-remark @below {{inlined 'copy': a state beside other ops}}
  %1 = sinter.region "copy" (%c, %b) : (!window, !b) -> !w {
  ^bb0(%f: !window, %g: !b):
    %i = sinter.state_load %f, %g : !window -> !w
    sinter.state_store %i, %f, %g : !w, !window
    sinter.yield %i : !w
  }
  return %0, %1 : !w, !w
}

// -----

!x = tensor<?x64xf32>
!i = tensor<?x2xi32>
!s = tensor<?x2xf32>
!e = tensor<?x2x64xf32>
sinter.weight @router : tensor<8x64xf32> at 0 : 0
sinter.weight @w : tensor<8x64x64xf32> at 0 : 0

func.func @mixtures(%x: !x, %given: !e) -> (!x, !x, !x) {
  // expected-remark @below {{inlined 'given': not one product behind the activation}}
  %0 = sinter.region "given" (%x, %given) : (!x, !e) -> !x {
  ^bb0(%a: !x, %d: !e):
    %l = sinter.matmul %a, @router : (!x) -> tensor<?x8xf32>
    %i, %s = sinter.route %l softmax : tensor<?x8xf32> -> !i, !s
    %y = sinter.combine %d, %s : (!e, !s) -> !x
    sinter.yield %y : !x
  }
  // expected-remark @below {{inlined 'linear': no activation between the products}}
  %1 = sinter.region "linear" (%x) : (!x) -> !x {
  ^bb0(%a: !x):
    %l = sinter.matmul %a, @router : (!x) -> tensor<?x8xf32>
    %i, %s = sinter.route %l softmax : tensor<?x8xf32> -> !i, !s
    %u = sinter.expert_matmul %a, %i, @w : (!x, !i) -> !e
    %d = sinter.expert_matmul %u, %i, @w : (!e, !i) -> !e
    %y = sinter.combine %d, %s : (!e, !s) -> !x
    sinter.yield %y : !x
  }
  // expected-remark @below {{inlined 'outside': the activation is not of expert products}}
  %2 = sinter.region "outside" (%x, %given) : (!x, !e) -> !x {
  ^bb0(%a: !x, %g: !e):
    %l = sinter.matmul %a, @router : (!x) -> tensor<?x8xf32>
    %i, %s = sinter.route %l softmax : tensor<?x8xf32> -> !i, !s
    %h = sinter.silu %g : !e
    %d = sinter.expert_matmul %h, %i, @w : (!e, !i) -> !e
    %y = sinter.combine %d, %s : (!e, !s) -> !x
    sinter.yield %y : !x
  }
  return %0, %1, %2 : !x, !x, !x
}

func.func @mixture_results(%x: !x) -> (!x, !i, !x) {
  // expected-remark @below {{inlined 'ids': not one mixture of experts}}
  %0, %1 = sinter.region "ids" (%x) : (!x) -> (!x, !i) {
  ^bb0(%a: !x):
    %l = sinter.matmul %a, @router : (!x) -> tensor<?x8xf32>
    %i, %s = sinter.route %l softmax : tensor<?x8xf32> -> !i, !s
    %u = sinter.expert_matmul %a, %i, @w : (!x, !i) -> !e
    %h = sinter.silu %u : !e
    %d = sinter.expert_matmul %h, %i, @w : (!e, !i) -> !e
    %y = sinter.combine %d, %s : (!e, !s) -> !x
    sinter.yield %y, %i : !x, !i
  }
  // expected-remark @below {{inlined 'norm': ops beside the mixture's}}
  %2 = sinter.region "norm" (%x) : (!x) -> !x {
  ^bb0(%a: !x):
    %n = sinter.silu %a : !x
    %l = sinter.matmul %n, @router : (!x) -> tensor<?x8xf32>
    %i, %s = sinter.route %l softmax : tensor<?x8xf32> -> !i, !s
    %u = sinter.expert_matmul %n, %i, @w : (!x, !i) -> !e
    %h = sinter.silu %u : !e
    %d = sinter.expert_matmul %h, %i, @w : (!e, !i) -> !e
    %y = sinter.combine %d, %s : (!e, !s) -> !x
    sinter.yield %y : !x
  }
  return %0, %1, %2 : !x, !i, !x
}

// -----

// Ids from outside have no grouping.
sinter.weight @w : tensor<8x64x64xf32> at 0 : 0
func.func @ids(%x: tensor<?x64xf32>, %i: tensor<?x2xi32>) -> tensor<?x2x64xf32> {
  // expected-error @below {{has no kernel: ids that no route gives}}
  %u = sinter.expert_matmul %x, %i, @w : (tensor<?x64xf32>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
  return %u : tensor<?x2x64xf32>
}

// -----

// The kernel of a sum steps by whole rows.
sinter.weight @w : tensor<64x64xf32> at 0 : 0
func.func @wide_rows(%x: tensor<?x64xf32>, %g: tensor<?x1xf32>) -> tensor<?x64xf32> {
  %a, %b = sinter.region "projections" (%x) : (tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  ^bb0(%c: tensor<?x64xf32>):
    %d = sinter.matmul %c, @w : (tensor<?x64xf32>) -> tensor<?x64xf32>
    %e = sinter.matmul %c, @w : (tensor<?x64xf32>) -> tensor<?x64xf32>
    sinter.yield %d, %e : tensor<?x64xf32>, tensor<?x64xf32>
  }
  // expected-error @below {{has no kernel: rows that are columns of wider ones}}
  %r = sinter.gate_rows %a, %g : tensor<?x64xf32>, tensor<?x1xf32>
  return %r : tensor<?x64xf32>
}
