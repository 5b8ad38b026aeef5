// RUN: sinter-opt %s --sinter-fuse-moe-region | FileCheck %s
// RUN: sinter-opt %s --sinter-fuse-moe-region > %t.once
// RUN: sinter-opt %t.once --sinter-fuse-moe-region | diff - %t.once
// RUN: sinter-opt %s --sinter-fuse-moe-region --sinter-inline-regions | FileCheck %s --check-prefix=INLINE

sinter.weight @router : tensor<8x256xf32> at 0 : 0
sinter.weight @gate : tensor<8x64x256x!sinter.q4_k> at 0 : 0
sinter.weight @up : tensor<8x64x256x!sinter.q4_k> at 0 : 0
sinter.weight @up5 : tensor<8x64x256x!sinter.q5_k> at 0 : 0
sinter.weight @both : tensor<8x128x256xf16> at 0 : 0
sinter.weight @odd : tensor<8x24x256xf16> at 0 : 0
sinter.weight @odd_down : tensor<8x256x24xf16> at 0 : 0
sinter.weight @down : tensor<8x256x64xf16> at 0 : 0
sinter.weight @scale : tensor<8xf32> at 0 : 0

// Gate and up apart, activations quantised once for all experts.
// CHECK-LABEL: func.func @apart
// CHECK-SAME: sinter.fused = {"fuse-moe-region" = 1 : i64}
// INLINE-LABEL: func.func @apart
func.func @apart(%x: tensor<?x256xf32>) -> tensor<?x256xf32> {
  // CHECK: %[[Q:.*]] = sinter.quantize %arg0
  // CHECK: %[[R:.*]] = sinter.region "moe" (%arg0, %[[Q]])
  // CHECK: sinter.matmul %{{.*}}, @router
  // CHECK: sinter.route
  // CHECK: sinter.expert_matmul %{{.*}}, @gate
  // CHECK: sinter.expert_matmul %{{.*}}, @up
  // CHECK: sinter.swiglu
  // CHECK: sinter.expert_matmul %{{.*}}, @down
  // CHECK: %[[Y:.*]] = sinter.combine
  // CHECK-NEXT: sinter.yield %[[Y]]
  // CHECK: return %[[R]]
  // INLINE-NOT: sinter.region
  // INLINE: return
  %x8 = sinter.quantize %x : tensor<?x256xf32> -> tensor<?x256x!sinter.q8<2>>
  %l = sinter.matmul %x, @router : (tensor<?x256xf32>) -> tensor<?x8xf32>
  %i, %w = sinter.route %l softmax normalise : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %g = sinter.expert_matmul %x8, %i, @gate : (tensor<?x256x!sinter.q8<2>>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
  %u = sinter.expert_matmul %x8, %i, @up : (tensor<?x256x!sinter.q8<2>>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
  %h = sinter.swiglu %g, %u : tensor<?x2x64xf32>
  %d = sinter.expert_matmul %h, %i, @down : (tensor<?x2x64xf32>, tensor<?x2xi32>) -> tensor<?x2x256xf32>
  %y = sinter.combine %d, %w : (tensor<?x2x256xf32>, tensor<?x2xf32>) -> tensor<?x256xf32>
  return %y : tensor<?x256xf32>
}

// Gate and up are halves of one tensor; the other layout.
// CHECK-LABEL: func.func @joined
// CHECK-SAME: sinter.fused = {"fuse-moe-region" = 1 : i64}
func.func @joined(%x: tensor<?x256xf32>) -> tensor<?x256xf32> {
  // CHECK-NEXT: %[[R:.*]] = sinter.region "moe" (%arg0)
  // CHECK: sinter.expert_matmul %{{.*}}, @both :
  // CHECK: sinter.expert_matmul %{{.*}}, @both first 64 :
  // CHECK: return %[[R]]
  %l = sinter.matmul %x, @router : (tensor<?x256xf32>) -> tensor<?x8xf32>
  %i, %w = sinter.route %l softmax : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %g = sinter.expert_matmul %x, %i, @both : (tensor<?x256xf32>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
  %u = sinter.expert_matmul %x, %i, @both first 64 : (tensor<?x256xf32>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
  %h = sinter.swiglu %g, %u : tensor<?x2x64xf32>
  %d = sinter.expert_matmul %h, %i, @down : (tensor<?x2x64xf32>, tensor<?x2xi32>) -> tensor<?x2x256xf32>
  %y = sinter.combine %d, %w : (tensor<?x2x256xf32>, tensor<?x2xf32>) -> tensor<?x256xf32>
  return %y : tensor<?x256xf32>
}

// An activation of one operand needs no gate.
// CHECK-LABEL: func.func @ungated
// CHECK-SAME: sinter.fused = {"fuse-moe-region" = 1 : i64}
func.func @ungated(%x: tensor<?x256xf32>) -> tensor<?x256xf32> {
  %l = sinter.matmul %x, @router : (tensor<?x256xf32>) -> tensor<?x8xf32>
  %i, %w = sinter.route %l sigmoid normalise : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %u = sinter.expert_matmul %x, %i, @both : (tensor<?x256xf32>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
  %h = sinter.relu2 %u : tensor<?x2x64xf32>
  %d = sinter.expert_matmul %h, %i, @down : (tensor<?x2x64xf32>, tensor<?x2xi32>) -> tensor<?x2x256xf32>
  %y = sinter.combine %d, %w : (tensor<?x2x256xf32>, tensor<?x2xf32>) -> tensor<?x256xf32>
  return %y : tensor<?x256xf32>
}

// Near miss: the formats of gate and up differ.
// CHECK-LABEL: func.func @formats
// CHECK-SAME: "fuse-moe-region" = ["gate and up have different formats (q4_k, q5_k) x1 (first at blk.0.moe)"]
func.func @formats(%x: tensor<?x256xf32>, %x8: tensor<?x256x!sinter.q8<2>>) -> tensor<?x256xf32> {
  // CHECK-NOT: sinter.region
  // CHECK: return
  %l = sinter.matmul %x, @router : (tensor<?x256xf32>) -> tensor<?x8xf32>
  %i, %w = sinter.route %l softmax : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %g = sinter.expert_matmul %x8, %i, @gate : (tensor<?x256x!sinter.q8<2>>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
  %u = sinter.expert_matmul %x8, %i, @up5 : (tensor<?x256x!sinter.q8<2>>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
  %h = sinter.swiglu %g, %u : tensor<?x2x64xf32>
  %d = sinter.expert_matmul %h, %i, @down : (tensor<?x2x64xf32>, tensor<?x2xi32>) -> tensor<?x2x256xf32>
  %y = sinter.combine %d, %w : (tensor<?x2x256xf32>, tensor<?x2xf32>) -> tensor<?x256xf32> loc("blk.0.moe")
  return %y : tensor<?x256xf32>
}

// Near miss: gate has a tensor scale, up has none.
// CHECK-LABEL: func.func @scales
// CHECK-SAME: "fuse-moe-region" = ["tensor scales on gate or up only x1
func.func @scales(%x: tensor<?x256xf32>) -> tensor<?x256xf32> {
  %l = sinter.matmul %x, @router : (tensor<?x256xf32>) -> tensor<?x8xf32>
  %i, %w = sinter.route %l softmax : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %g = sinter.expert_matmul %x, %i, @both scale @scale : (tensor<?x256xf32>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
  %u = sinter.expert_matmul %x, %i, @both first 64 : (tensor<?x256xf32>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
  %h = sinter.swiglu %g, %u : tensor<?x2x64xf32>
  %d = sinter.expert_matmul %h, %i, @down : (tensor<?x2x64xf32>, tensor<?x2xi32>) -> tensor<?x2x256xf32>
  %y = sinter.combine %d, %w : (tensor<?x2x256xf32>, tensor<?x2xf32>) -> tensor<?x256xf32>
  return %y : tensor<?x256xf32>
}

// CHECK-LABEL: func.func @odd_rows
// CHECK-SAME: "fuse-moe-region" = ["rows not a multiple of 16 (24) x1
func.func @odd_rows(%x: tensor<?x256xf32>) -> tensor<?x256xf32> {
  %l = sinter.matmul %x, @router : (tensor<?x256xf32>) -> tensor<?x8xf32>
  %i, %w = sinter.route %l softmax : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %g = sinter.expert_matmul %x, %i, @odd : (tensor<?x256xf32>, tensor<?x2xi32>) -> tensor<?x2x24xf32>
  %u = sinter.expert_matmul %x, %i, @odd : (tensor<?x256xf32>, tensor<?x2xi32>) -> tensor<?x2x24xf32>
  %h = sinter.swiglu %g, %u : tensor<?x2x24xf32>
  %d = sinter.expert_matmul %h, %i, @odd_down : (tensor<?x2x24xf32>, tensor<?x2xi32>) -> tensor<?x2x256xf32>
  %y = sinter.combine %d, %w : (tensor<?x2x256xf32>, tensor<?x2xf32>) -> tensor<?x256xf32>
  return %y : tensor<?x256xf32>
}

// Near miss: the weights are of another route than the ids.
// CHECK-LABEL: func.func @two_routes
// CHECK-SAME: "fuse-moe-region" = ["weights and ids are not of one route x1
func.func @two_routes(%x: tensor<?x256xf32>) -> tensor<?x256xf32> {
  %l = sinter.matmul %x, @router : (tensor<?x256xf32>) -> tensor<?x8xf32>
  %i, %v = sinter.route %l softmax : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %j, %w = sinter.route %l sigmoid : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %g = sinter.expert_matmul %x, %i, @both : (tensor<?x256xf32>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
  %u = sinter.expert_matmul %x, %i, @both first 64 : (tensor<?x256xf32>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
  %h = sinter.swiglu %g, %u : tensor<?x2x64xf32>
  %d = sinter.expert_matmul %h, %i, @down : (tensor<?x2x64xf32>, tensor<?x2xi32>) -> tensor<?x2x256xf32>
  %y = sinter.combine %d, %w : (tensor<?x2x256xf32>, tensor<?x2xf32>) -> tensor<?x256xf32>
  return %y : tensor<?x256xf32>
}

// Near miss: gate goes to other experts than down.
// CHECK-LABEL: func.func @other_ids
// CHECK-SAME: "fuse-moe-region" = ["gate and up go to other experts than down x1
func.func @other_ids(%x: tensor<?x256xf32>) -> tensor<?x256xf32> {
  %l = sinter.matmul %x, @router : (tensor<?x256xf32>) -> tensor<?x8xf32>
  %i, %w = sinter.route %l softmax : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %j, %v = sinter.route %l sigmoid : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %g = sinter.expert_matmul %x, %j, @both : (tensor<?x256xf32>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
  %u = sinter.expert_matmul %x, %i, @both first 64 : (tensor<?x256xf32>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
  %h = sinter.swiglu %g, %u : tensor<?x2x64xf32>
  %d = sinter.expert_matmul %h, %i, @down : (tensor<?x2x64xf32>, tensor<?x2xi32>) -> tensor<?x2x256xf32>
  %y = sinter.combine %d, %w : (tensor<?x2x256xf32>, tensor<?x2xf32>) -> tensor<?x256xf32>
  return %y : tensor<?x256xf32>
}

// Near miss: something else reads what the box would hide.
// CHECK-LABEL: func.func @outside
// CHECK-SAME: "fuse-moe-region" = ["an inner value is used outside x1
func.func @outside(%x: tensor<?x256xf32>) -> (tensor<?x256xf32>, tensor<?x2x64xf32>) {
  %l = sinter.matmul %x, @router : (tensor<?x256xf32>) -> tensor<?x8xf32>
  %i, %w = sinter.route %l softmax : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %g = sinter.expert_matmul %x, %i, @both : (tensor<?x256xf32>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
  %u = sinter.expert_matmul %x, %i, @both first 64 : (tensor<?x256xf32>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
  %h = sinter.swiglu %g, %u : tensor<?x2x64xf32>
  %d = sinter.expert_matmul %h, %i, @down : (tensor<?x2x64xf32>, tensor<?x2xi32>) -> tensor<?x2x256xf32>
  %y = sinter.combine %d, %w : (tensor<?x2x256xf32>, tensor<?x2xf32>) -> tensor<?x256xf32>
  return %y, %h : tensor<?x256xf32>, tensor<?x2x64xf32>
}

// A reordered graph: the sum comes between activation and product.
// CHECK-LABEL: func.func @reordered
// CHECK-SAME: "fuse-moe-region" = ["no activation between the expert matmuls x1
func.func @reordered(%x: tensor<?x256xf32>) -> tensor<?x256xf32> {
  %l = sinter.matmul %x, @router : (tensor<?x256xf32>) -> tensor<?x8xf32>
  %i, %w = sinter.route %l softmax : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %g = sinter.expert_matmul %x, %i, @both : (tensor<?x256xf32>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
  %u = sinter.expert_matmul %x, %i, @both first 64 : (tensor<?x256xf32>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
  %h = sinter.add %g, %u : tensor<?x2x64xf32>
  %d = sinter.expert_matmul %h, %i, @down : (tensor<?x2x64xf32>, tensor<?x2xi32>) -> tensor<?x2x256xf32>
  %y = sinter.combine %d, %w : (tensor<?x2x256xf32>, tensor<?x2xf32>) -> tensor<?x256xf32>
  return %y : tensor<?x256xf32>
}
