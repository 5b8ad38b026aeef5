// RUN: sinter-opt %s --sinter-fuse-act-quant | FileCheck %s
// RUN: sinter-opt %s --sinter-fuse-act-quant > %t.once
// RUN: sinter-opt %t.once --sinter-fuse-act-quant | diff - %t.once
// RUN: sinter-opt %s --sinter-inline-regions > %t.plain
// RUN: sinter-opt %s --sinter-fuse-act-quant --sinter-inline-regions | sed 's/ attributes {sinter[.].*} {$/ {/' | diff - %t.plain

!kv = !sinter.kv_cache<heads = 2, keys = 32, values = 32, f16>
!latent = !sinter.kv_cache<heads = 1, keys = 80, values = 0, f16>
sinter.weight @k_b : tensor<4x64x32x!sinter.q8_0> at 0 : 0
sinter.weight @v_b : tensor<4x32x64x!sinter.q8_0> at 0 : 0
sinter.weight @norm : tensor<64xf32> at 0 : 0
sinter.weight @w : tensor<64x64xf32> at 0 : 0

// CHECK-LABEL: func.func @rms_norm
// CHECK-SAME: sinter.fused = {"fuse-act-quant" = 1 : i64}
// CHECK-NOT: sinter.refused
func.func @rms_norm(%x: tensor<?x64xf32>) -> tensor<?x64x!sinter.q8<1>> {
  // CHECK-NEXT: %[[R:.*]] = sinter.region "act_quant" (%arg0)
  // CHECK-NEXT: ^bb0(%[[X:.*]]: tensor<?x64xf32>):
  // CHECK-NEXT: %[[N:.*]] = sinter.rms_norm %[[X]], @norm
  // CHECK-NEXT: %[[Q:.*]] = sinter.quantize %[[N]]
  // CHECK-NEXT: sinter.yield %[[Q]]
  // CHECK: return %[[R]]
  %n = sinter.rms_norm %x, @norm epsilon 1.0e-6 : tensor<?x64xf32>
  %q = sinter.quantize %n : tensor<?x64xf32> -> tensor<?x64x!sinter.q8<1>>
  return %q : tensor<?x64x!sinter.q8<1>>
}

// The sum goes out beside the codes; the inner region stays.
// CHECK-LABEL: func.func @residual
func.func @residual(%x: tensor<?x64xf32>, %a: tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64x!sinter.q8<1>>) {
  // CHECK: %[[R:.*]]:2 = sinter.region "act_quant" (%arg0, %arg1)
  // CHECK: %[[I:.*]]:2 = sinter.region "residual_norm"
  // CHECK: %[[Q:.*]] = sinter.quantize %[[I]]#1
  // CHECK-NEXT: sinter.yield %[[I]]#0, %[[Q]]
  // CHECK: return %[[R]]#0, %[[R]]#1
  %r:2 = sinter.region "residual_norm" (%x, %a) : (tensor<?x64xf32>, tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  ^bb0(%p: tensor<?x64xf32>, %o: tensor<?x64xf32>):
    %s = sinter.add %p, %o : tensor<?x64xf32>
    %n = sinter.rms_norm %s, @norm epsilon 1.0e-6 : tensor<?x64xf32>
    sinter.yield %s, %n : tensor<?x64xf32>, tensor<?x64xf32>
  }
  %q = sinter.quantize %r#1 : tensor<?x64xf32> -> tensor<?x64x!sinter.q8<1>>
  return %r#0, %q : tensor<?x64xf32>, tensor<?x64x!sinter.q8<1>>
}

// CHECK-LABEL: func.func @swiglu
func.func @swiglu(%x: tensor<?x64xf32>) -> tensor<?x64x!sinter.q8<1>> {
  // CHECK: sinter.region "act_quant" (%arg0)
  // CHECK: sinter.region "swiglu"
  // CHECK: sinter.quantize
  %s = sinter.region "swiglu" (%x) : (tensor<?x64xf32>) -> tensor<?x64xf32> {
  ^bb0(%a: tensor<?x64xf32>):
    %b = sinter.swiglu %a, %a : tensor<?x64xf32>
    sinter.yield %b : tensor<?x64xf32>
  }
  %q = sinter.quantize %s : tensor<?x64xf32> -> tensor<?x64x!sinter.q8<1>>
  return %q : tensor<?x64x!sinter.q8<1>>
}

// CHECK-LABEL: func.func @swiglu_op
func.func @swiglu_op(%x: tensor<?x64xf32>) -> tensor<?x64x!sinter.q8<1>> {
  // CHECK: sinter.region "act_quant" (%arg0)
  %s = sinter.swiglu %x, %x : tensor<?x64xf32>
  %q = sinter.quantize %s : tensor<?x64xf32> -> tensor<?x64x!sinter.q8<1>>
  return %q : tensor<?x64x!sinter.q8<1>>
}

// States pass through.
// CHECK-LABEL: func.func @attention
func.func @attention(%b: !sinter.batch, %kv: !kv, %x: tensor<?x128xf32>) -> tensor<?x128x!sinter.q8<1>> {
  // CHECK: sinter.region "act_quant" (%arg2, %arg1, %arg0)
  %o = sinter.attention %x, %kv, %b heads 4 scale 0.1767766 : (tensor<?x128xf32>, !kv, !sinter.batch) -> tensor<?x128xf32>
  %q = sinter.quantize %o : tensor<?x128xf32> -> tensor<?x128x!sinter.q8<1>>
  return %q : tensor<?x128x!sinter.q8<1>>
}

// Latent attention, and what stands before and behind it, end in 8-bit rows.
// CHECK-LABEL: func.func @latent
// CHECK-SAME: sinter.fused = {"fuse-act-quant" = 3 : i64}
// CHECK-NOT: sinter.refused
func.func @latent(%b: !sinter.batch, %kv: !latent, %q: tensor<?x192xf32>, %r: tensor<?x64xf32>) -> tensor<?x128x!sinter.q8<1>> {
  // CHECK: sinter.region "act_quant"
  // CHECK-NEXT: ^bb0
  // CHECK-NEXT: sinter.head_columns
  %n = sinter.head_columns %q heads 4 at 0 : tensor<?x192xf32> -> tensor<?x128xf32>
  %n8 = sinter.quantize %n : tensor<?x128xf32> -> tensor<?x128x!sinter.q8<1>>
  %a = sinter.head_matmul %n8, @k_b : (tensor<?x128x!sinter.q8<1>>) -> tensor<?x256xf32>
  // CHECK: sinter.region "act_quant"
  // CHECK-NEXT: ^bb0
  // CHECK-NEXT: sinter.latent_attention
  %o = sinter.latent_attention %a, %r, %kv, %b heads 4 scale 0.125 : (tensor<?x256xf32>, tensor<?x64xf32>, !latent) -> tensor<?x256xf32>
  %o8 = sinter.quantize %o : tensor<?x256xf32> -> tensor<?x256x!sinter.q8<1>>
  // CHECK: sinter.region "act_quant"
  // CHECK-NEXT: ^bb0
  // CHECK-NEXT: sinter.head_matmul
  %v = sinter.head_matmul %o8, @v_b : (tensor<?x256x!sinter.q8<1>>) -> tensor<?x128xf32>
  %v8 = sinter.quantize %v : tensor<?x128xf32> -> tensor<?x128x!sinter.q8<1>>
  return %v8 : tensor<?x128x!sinter.q8<1>>
}

// CHECK-LABEL: func.func @used
// CHECK-SAME: sinter.fused = {"fuse-act-quant" = 0 : i64}
// CHECK-SAME: ["float32 result has other users x1 (first at sinter.quantize)"]
func.func @used(%x: tensor<?x64xf32>) -> (tensor<?x64x!sinter.q8<1>>, tensor<?x64xf32>) {
  // CHECK-NOT: sinter.region
  // CHECK: return
  %n = sinter.rms_norm %x, @norm epsilon 1.0e-6 : tensor<?x64xf32>
  %q = sinter.quantize %n : tensor<?x64xf32> -> tensor<?x64x!sinter.q8<1>>
  return %q, %n : tensor<?x64x!sinter.q8<1>>, tensor<?x64xf32>
}

// CHECK-LABEL: func.func @others
// CHECK-SAME: ["producer cannot write 8-bit rows (argument) x1 (first at sinter.quantize)", "producer cannot write 8-bit rows (sinter.matmul) x1 (first at sinter.quantize)"]
func.func @others(%x: tensor<?x64xf32>) -> (tensor<?x64x!sinter.q8<1>>, tensor<?x64x!sinter.q8<1>>) {
  %p = sinter.quantize %x : tensor<?x64xf32> -> tensor<?x64x!sinter.q8<1>>
  %m = sinter.matmul %x, @w : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %q = sinter.quantize %m : tensor<?x64xf32> -> tensor<?x64x!sinter.q8<1>>
  return %p, %q : tensor<?x64x!sinter.q8<1>>, tensor<?x64x!sinter.q8<1>>
}

// Near miss: of this region the sum is quantised, not the norm.
// CHECK-LABEL: func.func @sum
// CHECK-SAME: ["producer cannot write 8-bit rows (sinter.region residual_norm) x1
func.func @sum(%x: tensor<?x64xf32>, %a: tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64x!sinter.q8<1>>) {
  %r:2 = sinter.region "residual_norm" (%x, %a) : (tensor<?x64xf32>, tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  ^bb0(%p: tensor<?x64xf32>, %o: tensor<?x64xf32>):
    %s = sinter.add %p, %o : tensor<?x64xf32>
    %n = sinter.rms_norm %s, @norm epsilon 1.0e-6 : tensor<?x64xf32>
    sinter.yield %s, %n : tensor<?x64xf32>, tensor<?x64xf32>
  }
  %q = sinter.quantize %r#0 : tensor<?x64xf32> -> tensor<?x64x!sinter.q8<1>>
  return %r#1, %q : tensor<?x64xf32>, tensor<?x64x!sinter.q8<1>>
}

// A block without a norm reads the stream itself, which stays float32.
// CHECK-LABEL: func.func @stream
// CHECK-SAME: ["producer cannot write 8-bit rows (sinter.add) x1
func.func @stream(%x: tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64x!sinter.q8<1>>) {
  %s = sinter.add %x, %x : tensor<?x64xf32>
  %q = sinter.quantize %s : tensor<?x64xf32> -> tensor<?x64x!sinter.q8<1>>
  return %s, %q : tensor<?x64xf32>, tensor<?x64x!sinter.q8<1>>
}
