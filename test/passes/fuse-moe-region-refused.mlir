// RUN: sinter-opt %s --sinter-fuse-moe-region | FileCheck %s

// Mixtures whose parts come from elsewhere; fuse-moe-region.mlir has those of
// other formats, scales, ids and order.

sinter.weight @router : tensor<8x256xf32> at 0 : 0
sinter.weight @both : tensor<8x128x256xf16> at 0 : 0
sinter.weight @down : tensor<8x256x64xf16> at 0 : 0

// CHECK-LABEL: func.func @no_down
// CHECK-SAME: sinter.fused = {"fuse-moe-region" = 0 : i64}
// CHECK-SAME: "sums rows of no expert matmul x1
func.func @no_down(%x: tensor<?x256xf32>, %d: tensor<?x2x256xf32>) -> tensor<?x256xf32> {
  %l = sinter.matmul %x, @router : (tensor<?x256xf32>) -> tensor<?x8xf32>
  %i, %w = sinter.route %l softmax : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %y = sinter.combine %d, %w : (tensor<?x2x256xf32>, tensor<?x2xf32>) -> tensor<?x256xf32>
  return %y : tensor<?x256xf32>
}

// CHECK-LABEL: func.func @no_router
// CHECK-SAME: sinter.fused = {"fuse-moe-region" = 0 : i64}
// CHECK-SAME: "the logits are not a matmul's alone x1
func.func @no_router(%x: tensor<?x256xf32>, %l: tensor<?x8xf32>) -> tensor<?x256xf32> {
  %i, %w = sinter.route %l softmax : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %u = sinter.expert_matmul %x, %i, @both : (tensor<?x256xf32>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
  %h = sinter.relu2 %u : tensor<?x2x64xf32>
  %d = sinter.expert_matmul %h, %i, @down : (tensor<?x2x64xf32>, tensor<?x2xi32>) -> tensor<?x2x256xf32>
  %y = sinter.combine %d, %w : (tensor<?x2x256xf32>, tensor<?x2xf32>) -> tensor<?x256xf32>
  return %y : tensor<?x256xf32>
}

// CHECK-LABEL: func.func @no_up
// CHECK-SAME: sinter.fused = {"fuse-moe-region" = 0 : i64}
// CHECK-SAME: "the activation is not of expert matmuls x1
func.func @no_up(%x: tensor<?x256xf32>, %u: tensor<?x2x64xf32>) -> tensor<?x256xf32> {
  %l = sinter.matmul %x, @router : (tensor<?x256xf32>) -> tensor<?x8xf32>
  %i, %w = sinter.route %l softmax : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %h = sinter.relu2 %u : tensor<?x2x64xf32>
  %d = sinter.expert_matmul %h, %i, @down : (tensor<?x2x64xf32>, tensor<?x2xi32>) -> tensor<?x2x256xf32>
  %y = sinter.combine %d, %w : (tensor<?x2x256xf32>, tensor<?x2xf32>) -> tensor<?x256xf32>
  return %y : tensor<?x256xf32>
}

// CHECK-LABEL: func.func @two_inputs
// CHECK-SAME: sinter.fused = {"fuse-moe-region" = 0 : i64}
// CHECK-SAME: "gate and up read different rows x1
func.func @two_inputs(%x: tensor<?x256xf32>, %z: tensor<?x256xf32>) -> tensor<?x256xf32> {
  %l = sinter.matmul %x, @router : (tensor<?x256xf32>) -> tensor<?x8xf32>
  %i, %w = sinter.route %l softmax : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %g = sinter.expert_matmul %x, %i, @both : (tensor<?x256xf32>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
  %u = sinter.expert_matmul %z, %i, @both first 64 : (tensor<?x256xf32>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
  %h = sinter.swiglu %g, %u : tensor<?x2x64xf32>
  %d = sinter.expert_matmul %h, %i, @down : (tensor<?x2x64xf32>, tensor<?x2xi32>) -> tensor<?x2x256xf32>
  %y = sinter.combine %d, %w : (tensor<?x2x256xf32>, tensor<?x2xf32>) -> tensor<?x256xf32>
  return %y : tensor<?x256xf32>
}
