// RUN: sinter-opt %s --sinter-fuse-residual-norm | FileCheck %s
// RUN: sinter-opt %s --sinter-fuse-residual-norm > %t.once
// RUN: sinter-opt %t.once --sinter-fuse-residual-norm | diff - %t.once
// RUN: sinter-opt %s --sinter-fuse-residual-norm --sinter-inline-regions | FileCheck %s --check-prefix=INLINE

sinter.weight @norm : tensor<64xf32> at 0 : 0
sinter.weight @head : tensor<16xf32> at 0 : 0
sinter.weight @ln : tensor<8xf32> at 0 : 0

// CHECK-LABEL: func.func @both
// CHECK-SAME: sinter.fused = {"fuse-residual-norm" = 1 : i64}
// CHECK-NOT: sinter.refused
// INLINE-LABEL: func.func @both
func.func @both(%x: tensor<?x64xf32>, %a: tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  // CHECK-NEXT: %[[R:.*]]:2 = sinter.region "residual_norm" (%arg0, %arg1)
  // CHECK-NEXT: ^bb0(%[[X:.*]]: tensor<?x64xf32>, %[[A:.*]]: tensor<?x64xf32>):
  // CHECK-NEXT: %[[S:.*]] = sinter.add %[[X]], %[[A]]
  // CHECK-NEXT: %[[N:.*]] = sinter.rms_norm %[[S]], @norm
  // CHECK-NEXT: sinter.yield %[[S]], %[[N]]
  // CHECK: return %[[R]]#0, %[[R]]#1
  // INLINE-NEXT: %[[S:.*]] = sinter.add %arg0, %arg1
  // INLINE-NEXT: %[[N:.*]] = sinter.rms_norm %[[S]], @norm
  // INLINE-NEXT: return %[[S]], %[[N]]
  %s = sinter.add %x, %a : tensor<?x64xf32>
  %n = sinter.rms_norm %s, @norm epsilon 1.0e-6 : tensor<?x64xf32>
  return %s, %n : tensor<?x64xf32>, tensor<?x64xf32>
}

// The sum stays inside if nothing else reads it.
// CHECK-LABEL: func.func @only_norm
func.func @only_norm(%x: tensor<?x64xf32>, %a: tensor<?x64xf32>) -> tensor<?x64xf32> {
  // CHECK: %[[R:.*]] = sinter.region "residual_norm" {{.*}} -> tensor<?x64xf32>
  // CHECK: sinter.yield %{{.*}} : tensor<?x64xf32>
  // CHECK: return %[[R]]
  %s = sinter.add %x, %a : tensor<?x64xf32>
  %n = sinter.rms_norm %s, @norm epsilon 1.0e-6 : tensor<?x64xf32>
  return %n : tensor<?x64xf32>
}

// The last norm: rows are selected in between.
// CHECK-LABEL: func.func @selected
// CHECK-SAME: sinter.fused = {"fuse-residual-norm" = 0 : i64}
// CHECK-SAME: ["select_rows stands between the sum and the norm x1 (first at norm)"]
func.func @selected(%x: tensor<?x64xf32>, %b: !sinter.batch) -> tensor<?x64xf32> {
  // CHECK-NOT: sinter.region
  // CHECK: return
  %s = sinter.add %x, %x : tensor<?x64xf32>
  %l = sinter.select_rows %s, %b : tensor<?x64xf32>
  %n = sinter.rms_norm %l, @norm epsilon 1.0e-6 : tensor<?x64xf32>
  return %n : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @no_sum
// CHECK-SAME: ["input is not a sum x2 (first at norm)"]
func.func @no_sum(%x: tensor<?x64xf32>, %y: tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  %n = sinter.rms_norm %x, @norm epsilon 1.0e-6 : tensor<?x64xf32>
  %m = sinter.rms_norm %y, @norm epsilon 1.0e-6 : tensor<?x64xf32>
  return %n, %m : tensor<?x64xf32>, tensor<?x64xf32>
}

// One sum, two norms: the first takes it.
// CHECK-LABEL: func.func @twice
// CHECK-SAME: sinter.fused = {"fuse-residual-norm" = 1 : i64}
// CHECK-SAME: ["input is not a sum x1
func.func @twice(%x: tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  %s = sinter.add %x, %x : tensor<?x64xf32>
  %n = sinter.rms_norm %s, @norm epsilon 1.0e-6 : tensor<?x64xf32>
  %m = sinter.rms_norm %s, @norm epsilon 1.0e-5 : tensor<?x64xf32>
  return %n, %m : tensor<?x64xf32>, tensor<?x64xf32>
}

// Near miss: the norm of each head is not a norm of the stream.
// CHECK-LABEL: func.func @heads
// CHECK-SAME: sinter.fused = {"fuse-residual-norm" = 0 : i64}
// CHECK-NOT: sinter.refused
func.func @heads(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  // CHECK: return
  %s = sinter.add %x, %x : tensor<?x64xf32>
  %n = sinter.rms_norm %s, @head epsilon 1.0e-6 : tensor<?x64xf32>
  return %n : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @layer_norm
// CHECK-SAME: sinter.fused = {"fuse-residual-norm" = 1 : i64}
func.func @layer_norm(%x: tensor<?x8xf32>, %a: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK: sinter.region "residual_norm" (%arg0, %arg1)
  // CHECK: sinter.layer_norm
  %s = sinter.add %x, %a : tensor<?x8xf32>
  %n = sinter.layer_norm %s, @ln bias @ln epsilon 1.0e-5 : tensor<?x8xf32>
  return %n : tensor<?x8xf32>
}

// A layer norm of heads is none of its business.
// CHECK-LABEL: func.func @head_layer_norm
// CHECK-SAME: sinter.fused = {"fuse-residual-norm" = 0 : i64}
// CHECK-NOT: sinter.refused
// CHECK: return
func.func @head_layer_norm(%x: tensor<?x8xf32>, %a: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %s = sinter.add %x, %a : tensor<?x8xf32>
  %n = sinter.layer_norm %s, @ln epsilon 1.0e-5 heads 2 : tensor<?x8xf32>
  return %n : tensor<?x8xf32>
}
