// RUN: sinter-opt %s --split-input-file --sinter-lower-to-tile | FileCheck %s

sinter.weight @router : tensor<8x256xf32> at 0 : 0
sinter.weight @gate : tensor<8x64x256x!sinter.q4_k> at 0 : 0
sinter.weight @up : tensor<8x64x256x!sinter.q4_k> at 0 : 0
sinter.weight @down : tensor<8x256x64xf16> at 0 : 0
sinter.weight @bias : tensor<8xf32> at 0 : 0

// The box of a mixture: the router, the step's rows grouped by expert once, gate
// and up alternating in one grouped gemm with the product as its body, down
// writing each choice's own rows, and their weighted sum.
// CHECK-DAG: tile.kernel @route_sigmoid_e8_t2 #tile.route<experts = 8, top = 2, scoring = "sigmoid", stride = 8, bias = true, normalise = true, groups = 4, usedGroups = 2, scale = 2.500000e+00 : f64>
// CHECK-DAG: tile.kernel @group_e8_t2 #tile.group<experts = 8, top = 2>
// CHECK: tile.kernel @swiglu_experts_q4_k_n128_k256 #tile.grouped_gemm<format = "q4_k", experts = 8, top = 2, weightRows = 128, input = <width = 256, q8 = true, sums = 2>, output = <width = 64, stride = 64>, segments = 2> {
// CHECK-NEXT: ^bb0(%[[G:.*]]: f32, %[[U:.*]]: f32):
// CHECK: arith.mulf %{{.*}}, %[[U]] : f32
// CHECK: tile.packed_experts @gate_up.experts from [@gate, @up] first [0, 0] rows 64 scales [] alternating
// CHECK: tile.kernel @experts_f16_n256_k64 #tile.grouped_gemm<{{.*}}output = <width = 256, stride = 256>, slots = true>
// CHECK: tile.packed_experts @down.experts from [@down] first [0] rows 256 scales []
// CHECK-LABEL: func.func @region
func.func @region(%x: tensor<?x256xf32>, %q: tensor<?x256x!sinter.q8<2>>) -> tensor<?x256xf32> {
  // CHECK-NEXT: %[[L:.*]] = tile.launch @matmul_f32_n8_k256 (%arg0)
  // CHECK-NEXT: %[[R:.*]]:2 = tile.launch @route_sigmoid_e8_t2 (%[[L]]) [@bias.f32]
  // CHECK-NEXT: %[[I:.*]]:2 = tile.launch @group_e8_t2 (%[[R]]#0) [] {{.*}} -> (tensor<18xi32>, tensor<?x2xi32>)
  // CHECK-NEXT: %[[H:.*]] = tile.launch @swiglu_experts_q4_k_n128_k256 (%arg1, %[[I]]#0, %[[I]]#1) [@gate_up.experts]
  // CHECK-NEXT: %[[D:.*]] = tile.launch @experts_f16_n256_k64 (%[[H]], %[[I]]#0, %[[I]]#1) [@down.experts]
  // CHECK-NEXT: %[[Y:.*]] = tile.launch @combine_n256_s2 (%[[D]], %[[R]]#1)
  // CHECK-NEXT: return %[[Y]]
  %r = sinter.region "moe" (%x, %q) : (tensor<?x256xf32>, tensor<?x256x!sinter.q8<2>>) -> tensor<?x256xf32> {
  ^bb0(%a: tensor<?x256xf32>, %a8: tensor<?x256x!sinter.q8<2>>):
    %l = sinter.matmul %a, @router : (tensor<?x256xf32>) -> tensor<?x8xf32>
    %i, %w = sinter.route %l sigmoid bias @bias normalise groups 4 of 2 scale 2.5 : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
    %g = sinter.expert_matmul %a8, %i, @gate : (tensor<?x256x!sinter.q8<2>>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
    %u = sinter.expert_matmul %a8, %i, @up : (tensor<?x256x!sinter.q8<2>>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
    %h = sinter.swiglu %g, %u : tensor<?x2x64xf32>
    %d = sinter.expert_matmul %h, %i, @down : (tensor<?x2x64xf32>, tensor<?x2xi32>) -> tensor<?x2x256xf32>
    %y = sinter.combine %d, %w : (tensor<?x2x256xf32>, tensor<?x2xf32>) -> tensor<?x256xf32>
    sinter.yield %y : tensor<?x256xf32>
  }
  return %r : tensor<?x256xf32>
}

// -----

sinter.weight @router : tensor<8x256xf32> at 0 : 0
sinter.weight @both : tensor<8x128x256xf16> at 0 : 0
sinter.weight @down : tensor<8x256x64xf16> at 0 : 0

// Without the box each op is a launch of its own; the grouping is shared, and
// gate and up, halves of one tensor, are two packings of it for one kernel.
// CHECK: tile.kernel @experts_f16_n64_k256 #tile.grouped_gemm
// CHECK-NEXT: }
// CHECK-NEXT: tile.packed_experts @both.experts from [@both] first [0] rows 64 scales []
// CHECK-NEXT: tile.packed_experts @both.experts_64 from [@both] first [64] rows 64 scales []
// CHECK-LABEL: func.func @apart
func.func @apart(%x: tensor<?x256xf32>) -> tensor<?x256xf32> {
  // CHECK: %[[R:.*]]:2 = tile.launch @route_softmax_e8_t2
  // CHECK-NEXT: %[[I:.*]]:2 = tile.launch @group_e8_t2 (%[[R]]#0)
  // CHECK-NEXT: %[[G:.*]] = tile.launch @experts_f16_n64_k256 (%arg0, %[[I]]#0, %[[I]]#1) [@both.experts]
  // CHECK-NEXT: %[[U:.*]] = tile.launch @experts_f16_n64_k256 (%arg0, %[[I]]#0, %[[I]]#1) [@both.experts_64]
  // CHECK-NEXT: %[[H:.*]] = tile.launch @swiglu_f32_n64_s2 (%[[G]], %[[U]])
  // CHECK-NEXT: tile.launch @experts_f16_n256_k64 (%[[H]], %[[I]]#0, %[[I]]#1) [@down.experts]
  // CHECK-NEXT: tile.launch @combine_n256_s2
  %l = sinter.matmul %x, @router : (tensor<?x256xf32>) -> tensor<?x8xf32>
  %i, %w = sinter.route %l softmax : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %g = sinter.expert_matmul %x, %i, @both : (tensor<?x256xf32>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
  %u = sinter.expert_matmul %x, %i, @both first 64 : (tensor<?x256xf32>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
  %h = sinter.swiglu %g, %u : tensor<?x2x64xf32>
  %d = sinter.expert_matmul %h, %i, @down : (tensor<?x2x64xf32>, tensor<?x2xi32>) -> tensor<?x2x256xf32>
  %y = sinter.combine %d, %w : (tensor<?x2x256xf32>, tensor<?x2xf32>) -> tensor<?x256xf32>
  return %y : tensor<?x256xf32>
}
