// RUN: sinter-opt %s --split-input-file --sinter-legalize-for-target=remarks=1 --verify-diagnostics | FileCheck %s

!kv48 = !sinter.kv_cache<heads = 2, keys = 48, values = 48, f16>
!kv = !sinter.kv_cache<heads = 2, keys = 32, values = 32, f16>
module attributes {sinter.target = #sinter.target<level = "x86-64-v4", features = "avx512vnni", cores = 2, l1 = 32768, l2 = 1048576, l3 = 33554432>} {
  sinter.weight @v_b : tensor<2x48x64xf32> at 0 : 0
  // Heads of 48 values: the box is inlined.
  // CHECK-LABEL: func.func @narrow
  // CHECK-SAME: sinter.inlined = ["act_quant: heads of 48 values do not fill blocks of 32 x1 (first at sinter.region)"]
  func.func @narrow(%b: !sinter.batch, %kv: !kv48, %x: tensor<?x192xf32>) -> tensor<?x192x!sinter.q8<1>> {
    // CHECK-NEXT: %[[O:.*]] = sinter.attention %arg2, %arg1, %arg0
    // CHECK-NEXT: %[[Q:.*]] = sinter.quantize %[[O]]
    // CHECK-NEXT: return %[[Q]]
    // expected-remark @below {{inlined: heads of 48 values do not fill blocks of 32}}
    %q = sinter.region "act_quant" (%x, %kv, %b) : (tensor<?x192xf32>, !kv48, !sinter.batch) -> tensor<?x192x!sinter.q8<1>> {
    ^bb0(%y: tensor<?x192xf32>, %c: !kv48, %d: !sinter.batch):
      %o = sinter.attention %y, %c, %d heads 4 scale 0.14 : (tensor<?x192xf32>, !kv48, !sinter.batch) -> tensor<?x192xf32>
      %q = sinter.quantize %o : tensor<?x192xf32> -> tensor<?x192x!sinter.q8<1>>
      sinter.yield %q : tensor<?x192x!sinter.q8<1>>
    }
    return %q : tensor<?x192x!sinter.q8<1>>
  }

  // Near miss: heads of 32 have the kernel.
  // CHECK-LABEL: func.func @wide
  // CHECK-NOT: sinter.inlined
  func.func @wide(%b: !sinter.batch, %kv: !kv, %x: tensor<?x128xf32>) -> tensor<?x128x!sinter.q8<1>> {
    // CHECK: sinter.region "act_quant"
    %q = sinter.region "act_quant" (%x, %kv, %b) : (tensor<?x128xf32>, !kv, !sinter.batch) -> tensor<?x128x!sinter.q8<1>> {
    ^bb0(%y: tensor<?x128xf32>, %c: !kv, %d: !sinter.batch):
      %o = sinter.attention %y, %c, %d heads 4 scale 0.17 : (tensor<?x128xf32>, !kv, !sinter.batch) -> tensor<?x128xf32>
      %q = sinter.quantize %o : tensor<?x128xf32> -> tensor<?x128x!sinter.q8<1>>
      sinter.yield %q : tensor<?x128x!sinter.q8<1>>
    }
    return %q : tensor<?x128x!sinter.q8<1>>
  }

  // The columns of a head that are quantised by themselves, the same; and the
  // rows of a head's matrix.
  // CHECK-LABEL: func.func @heads
  // CHECK-SAME: sinter.inlined = ["act_quant: heads of 48 values do not fill blocks of 32 x2 (first at sinter.region)"]
  func.func @heads(%x: tensor<?x128xf32>, %y: tensor<?x128xf32>) -> (tensor<?x96x!sinter.q8<1>>, tensor<?x96x!sinter.q8<1>>) {
    // expected-remark @below {{inlined: heads of 48 values do not fill blocks of 32}}
    %q = sinter.region "act_quant" (%x) : (tensor<?x128xf32>) -> tensor<?x96x!sinter.q8<1>> {
    ^bb0(%a: tensor<?x128xf32>):
      %o = sinter.head_columns %a heads 2 at 0 : tensor<?x128xf32> -> tensor<?x96xf32>
      %e = sinter.quantize %o : tensor<?x96xf32> -> tensor<?x96x!sinter.q8<1>>
      sinter.yield %e : tensor<?x96x!sinter.q8<1>>
    }
    // expected-remark @below {{inlined: heads of 48 values do not fill blocks of 32}}
    %r = sinter.region "act_quant" (%y) : (tensor<?x128xf32>) -> tensor<?x96x!sinter.q8<1>> {
    ^bb0(%a: tensor<?x128xf32>):
      %o = sinter.head_matmul %a, @v_b : (tensor<?x128xf32>) -> tensor<?x96xf32>
      %e = sinter.quantize %o : tensor<?x96xf32> -> tensor<?x96x!sinter.q8<1>>
      sinter.yield %e : tensor<?x96x!sinter.q8<1>>
    }
    return %q, %r : tensor<?x96x!sinter.q8<1>>, tensor<?x96x!sinter.q8<1>>
  }

  // A kind without kernel is inlined, a kind with one that it holds stays.
  // CHECK-LABEL: func.func @unknown
  // CHECK-SAME: sinter.inlined = ["dream: no kernel of this kind x1 (first at sinter.region)"]
  func.func @unknown(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
    // CHECK-NEXT: sinter.region "swiglu"
    // expected-remark @below {{inlined: no kernel of this kind}}
    %r = sinter.region "dream" (%x) : (tensor<?x64xf32>) -> tensor<?x64xf32> {
    ^bb0(%a: tensor<?x64xf32>):
      %b = sinter.region "swiglu" (%a) : (tensor<?x64xf32>) -> tensor<?x64xf32> {
      ^bb0(%c: tensor<?x64xf32>):
        %d = sinter.swiglu %c, %c : tensor<?x64xf32>
        sinter.yield %d : tensor<?x64xf32>
      }
      sinter.yield %b : tensor<?x64xf32>
    }
    return %r : tensor<?x64xf32>
  }
}

// -----

module attributes {sinter.target = #sinter.target<level = "x86-64-v3", features = "", cores = 2, l1 = 32768, l2 = 1048576, l3 = 33554432>} {
  func.func @step() {
    // expected-error @below {{op 'arith.constant' of arith.constant has no kernel on target 'x86-64-v3'}}
    %x = arith.constant 1.0 : f32
    return
  }
}

// -----

// expected-error @below {{target 'abacus' has no kernels}}
module attributes {sinter.target = #sinter.target<level = "abacus", features = "", cores = 2, l1 = 32768, l2 = 1048576, l3 = 33554432>} {
}

// -----

// expected-error @below {{has no sinter.target to legalize for}}
module {
}
