// The ops and skeleton classes of a mixture of experts print and parse.
// RUN: sinter-opt %s --verify-roundtrip | FileCheck %s

sinter.weight @gate_up : tensor<8x64x256x!sinter.q4_k> at 0 : 0
sinter.weight @down : tensor<8x256x32xf16> at 0 : 0
sinter.weight @scales : tensor<8xf32> at 0 : 0
sinter.weight @biases : tensor<8x64xf32> at 0 : 0
sinter.weight @selection : tensor<8xf32> at 0 : 0

// CHECK-LABEL: func.func @plain
func.func @plain(%x: tensor<?x256xf32>, %l: tensor<?x8xf32>, %h: tensor<?x2x32xf32>, %g1: tensor<?x1xf32>) {
  // CHECK: %[[I:.*]], %[[W:.*]] = sinter.route %{{.*}} softmax : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  %i, %w = sinter.route %l softmax : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  // CHECK: sinter.route %{{.*}} sigmoid bias @selection normalise groups 4 of 2 scale 2.5{{(0*e\+00)?}} : tensor<?x8xf32>
  %i1, %w1 = sinter.route %l sigmoid bias @selection normalise groups 4 of 2 scale 2.5 : tensor<?x8xf32> -> tensor<?x3xi32>, tensor<?x3xf32>
  // CHECK: sinter.route %{{.*}} softmax groups 4 of 2 best 1 : tensor<?x8xf32>
  %i4, %w4 = sinter.route %l softmax groups 4 of 2 best 1 : tensor<?x8xf32> -> tensor<?x3xi32>, tensor<?x3xf32>
  // CHECK: sinter.route %{{.*}} softmax times @selection : tensor<?x8xf32>
  %i3, %w3 = sinter.route %l softmax times @selection : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  // CHECK: sinter.route %{{.*}} softmax_chosen : tensor<?x8xf32>
  %i2, %w2 = sinter.route %l softmax_chosen : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  // CHECK: sinter.expert_matmul %{{.*}}, %[[I]], @gate_up scale @scales bias @biases : (tensor<?x256xf32>, tensor<?x2xi32>) -> tensor<?x2x32xf32>
  %g = sinter.expert_matmul %x, %i, @gate_up scale @scales bias @biases : (tensor<?x256xf32>, tensor<?x2xi32>) -> tensor<?x2x32xf32>
  // CHECK: sinter.expert_matmul %{{.*}}, %[[I]], @gate_up first 32 :
  %u = sinter.expert_matmul %x, %i, @gate_up first 32 : (tensor<?x256xf32>, tensor<?x2xi32>) -> tensor<?x2x32xf32>
  // CHECK: %[[D:.*]] = sinter.expert_matmul %{{.*}}, %[[I]], @down : (tensor<?x2x32xf32>, tensor<?x2xi32>) -> tensor<?x2x256xf32>
  %d = sinter.expert_matmul %h, %i, @down : (tensor<?x2x32xf32>, tensor<?x2xi32>) -> tensor<?x2x256xf32>
  // CHECK: sinter.combine %[[D]], %[[W]] : (tensor<?x2x256xf32>, tensor<?x2xf32>) -> tensor<?x256xf32>
  %y = sinter.combine %d, %w : (tensor<?x2x256xf32>, tensor<?x2xf32>) -> tensor<?x256xf32>
  // CHECK: sinter.gate_rows %{{.*}}, %{{.*}} : tensor<?x256xf32>, tensor<?x1xf32>
  %s = sinter.gate_rows %y, %g1 : tensor<?x256xf32>, tensor<?x1xf32>
  // CHECK: sinter.clamped_swiglu %[[G:.*]], %{{.*}} : tensor<?x2x32xf32>
  %c = sinter.clamped_swiglu %g, %u : tensor<?x2x32xf32>
  return
}

// CHECK: tile.kernel @route #tile.route<experts = 8, top = 2, scoring = "sigmoid", stride = 8, bias = true, scale = 1.000000e+00 : f64>
tile.kernel @route #tile.route<experts = 8, top = 2, scoring = "sigmoid", stride = 8, bias = true, scale = 1.0 : f64> {}
// CHECK: tile.kernel @group #tile.group<experts = 8, top = 2>
tile.kernel @group #tile.group<experts = 8, top = 2> {}
// CHECK: tile.kernel @experts #tile.grouped_gemm<format = "f16", experts = 8, top = 2, weightRows = 256, input = <width = 32, stride = 32>, output = <width = 256, stride = 256>, slots = true, biasRows = 256, biasFirst = [0]>
tile.kernel @experts #tile.grouped_gemm<format = "f16", experts = 8, top = 2, weightRows = 256, input = <width = 32, stride = 32>, output = <width = 256, stride = 256>, slots = true, biasRows = 256, biasFirst = [0]> {}
// CHECK: tile.kernel @combine #tile.combine<width = 256, slots = 2, stride = 2>
tile.kernel @combine #tile.combine<width = 256, slots = 2, stride = 2> {}
// CHECK: tile.packed_experts @packed from [@gate_up, @gate_up] first [0, 32] rows 32 scales [@scales, @scales] alternating
tile.packed_experts @packed from [@gate_up, @gate_up] first [0, 32] rows 32 scales [@scales, @scales] alternating
