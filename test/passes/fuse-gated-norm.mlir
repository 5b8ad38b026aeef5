// RUN: sinter-opt %s --sinter-fuse-gated-norm | FileCheck %s
// RUN: sinter-opt %s --sinter-fuse-gated-norm > %t.once
// RUN: sinter-opt %t.once --sinter-fuse-gated-norm | diff - %t.once

sinter.weight @head : tensor<64xf32> at 0 : 0
sinter.weight @wide : tensor<256xf32> at 0 : 0

// CHECK-LABEL: func.func @norm_first
// CHECK-SAME: sinter.fused = {"fuse-gated-norm" = 1 : i64}
// CHECK-NOT: sinter.refused
func.func @norm_first(%o: tensor<?x1x256xf32>, %z: tensor<?x1x256xf32>) -> tensor<?x1x256xf32> {
  // CHECK: %[[R:.*]] = sinter.region "gated_norm" (%arg0, %arg1)
  // CHECK: sinter.rms_norm
  // CHECK: sinter.swiglu
  // CHECK: return %[[R]]
  %n = sinter.rms_norm %o, @head epsilon 1.0e-6 : tensor<?x1x256xf32>
  %g = sinter.swiglu %z, %n : tensor<?x1x256xf32>
  return %g : tensor<?x1x256xf32>
}

// CHECK-LABEL: func.func @gate_first
// CHECK-SAME: sinter.fused = {"fuse-gated-norm" = 1 : i64}
func.func @gate_first(%y: tensor<?x1x256xf32>, %z: tensor<?x1x256xf32>) -> tensor<?x1x256xf32> {
  // CHECK: sinter.region "gated_norm"
  %g = sinter.swiglu %z, %y : tensor<?x1x256xf32>
  %n = sinter.grouped_norm %g, @wide groups 4 epsilon 1.0e-6 : tensor<?x1x256xf32>
  return %n : tensor<?x1x256xf32>
}

// CHECK-LABEL: func.func @norm_read
// CHECK-SAME: ["the normed rows have other users x1
func.func @norm_read(%o: tensor<?x256xf32>, %z: tensor<?x256xf32>) -> (tensor<?x256xf32>, tensor<?x256xf32>) {
  %n = sinter.rms_norm %o, @head epsilon 1.0e-6 : tensor<?x256xf32>
  %g = sinter.swiglu %z, %n : tensor<?x256xf32>
  return %g, %n : tensor<?x256xf32>, tensor<?x256xf32>
}

// CHECK-LABEL: func.func @gate_read
// CHECK-SAME: ["the gated rows have other users x1
func.func @gate_read(%y: tensor<?x256xf32>, %z: tensor<?x256xf32>) -> (tensor<?x256xf32>, tensor<?x256xf32>) {
  %g = sinter.swiglu %z, %y : tensor<?x256xf32>
  %n = sinter.grouped_norm %g, @wide groups 4 epsilon 1.0e-6 : tensor<?x256xf32>
  return %g, %n : tensor<?x256xf32>, tensor<?x256xf32>
}

// The gate of a feed-forward block is none of its business.
// CHECK-LABEL: func.func @feed_forward
// CHECK-SAME: sinter.fused = {"fuse-gated-norm" = 0 : i64}
// CHECK-NOT: sinter.refused
func.func @feed_forward(%g: tensor<?x256xf32>, %u: tensor<?x256xf32>) -> tensor<?x256xf32> {
  // CHECK-NOT: sinter.region
  %s = sinter.swiglu %g, %u : tensor<?x256xf32>
  return %s : tensor<?x256xf32>
}
