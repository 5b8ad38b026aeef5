// RUN: sinter-opt %s --sinter-choose-activation-format | FileCheck %s
// RUN: sinter-opt %s --sinter-choose-activation-format > %t.once
// RUN: sinter-opt %t.once --sinter-choose-activation-format | diff - %t.once

sinter.weight @q4_k : tensor<64x256x!sinter.q4_k> at 0 : 0
sinter.weight @q6_k : tensor<64x256x!sinter.q6_k> at 0 : 0
sinter.weight @q8_0 : tensor<64x256x!sinter.q8_0> at 0 : 0
sinter.weight @q2_k : tensor<64x256x!sinter.q2_k> at 0 : 0
sinter.weight @nvfp4 : tensor<64x256x!sinter.nvfp4> at 0 : 0
sinter.weight @f16 : tensor<64x256xf16> at 0 : 0
sinter.weight @heads_q8_0 : tensor<4x16x32x!sinter.q8_0> at 0 : 0
sinter.weight @heads_f16 : tensor<4x16x32xf16> at 0 : 0
sinter.weight @bf16 : tensor<64x256xbf16> at 0 : 0

// The sums of all the formats that read the value: mins32 (2) for q4_k,
// codes16 (4) for q6_k, multiplied by its offset of 2^5 (16 * 5); one quantize
// for both.
// CHECK-LABEL: func.func @union
func.func @union(%x: tensor<?x256xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  // CHECK-NEXT: %[[X:.*]] = sinter.quantize %{{.*}} : tensor<?x256xf32> -> tensor<?x256x!sinter.q8<86>>
  // CHECK-NEXT: sinter.matmul %[[X]], @q4_k : (tensor<?x256x!sinter.q8<86>>)
  // CHECK-NEXT: sinter.matmul %[[X]], @q6_k : (tensor<?x256x!sinter.q8<86>>)
  %a = sinter.matmul %x, @q4_k : (tensor<?x256xf32>) -> tensor<?x64xf32>
  %b = sinter.matmul %x, @q6_k : (tensor<?x256xf32>) -> tensor<?x64xf32>
  return %a, %b : tensor<?x64xf32>, tensor<?x64xf32>
}

// CHECK-LABEL: func.func @each
func.func @each(%x: tensor<?x256xf32>, %y: tensor<?x256xf32>, %z: tensor<?x256xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>) {
  // CHECK: sinter.quantize %arg0 {{.*}} -> tensor<?x256x!sinter.q8<113>>
  %a = sinter.matmul %x, @q8_0 : (tensor<?x256xf32>) -> tensor<?x64xf32>
  // CHECK: sinter.quantize %arg1 {{.*}} -> tensor<?x256x!sinter.q8<8>>
  %b = sinter.matmul %y, @q2_k : (tensor<?x256xf32>) -> tensor<?x64xf32>
  // CHECK: sinter.quantize %arg2 {{.*}} -> tensor<?x256x!sinter.q8<68>>
  %c = sinter.matmul %z, @nvfp4 : (tensor<?x256xf32>) -> tensor<?x64xf32>
  return %a, %b, %c : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>
}

// Heads that have a matrix each.
// CHECK-LABEL: func.func @heads
func.func @heads(%x: tensor<?x128xf32>, %y: tensor<?x128xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  // CHECK: sinter.quantize %arg0 {{.*}} -> tensor<?x128x!sinter.q8<113>>
  %a = sinter.head_matmul %x, @heads_q8_0 : (tensor<?x128xf32>) -> tensor<?x64xf32>
  // CHECK-NOT: sinter.quantize
  // CHECK: return
  %b = sinter.head_matmul %y, @heads_f16 : (tensor<?x128xf32>) -> tensor<?x64xf32>
  return %a, %b : tensor<?x64xf32>, tensor<?x64xf32>
}

// Readers of different offsets (32 and 16) get the sums as they are.
// CHECK-LABEL: func.func @disagree
func.func @disagree(%x: tensor<?x256xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  // CHECK: sinter.quantize %arg0 {{.*}} -> tensor<?x256x!sinter.q8<4>>
  %a = sinter.matmul %x, @q6_k : (tensor<?x256xf32>) -> tensor<?x64xf32>
  %b = sinter.matmul %x, @nvfp4 : (tensor<?x256xf32>) -> tensor<?x64xf32>
  return %a, %b : tensor<?x64xf32>, tensor<?x64xf32>
}

// Plain weights keep float32, also beside integer ones.
// CHECK-LABEL: func.func @both
func.func @both(%x: tensor<?x256xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  // CHECK: sinter.matmul %arg0, @f16 : (tensor<?x256xf32>)
  // CHECK: %[[X:.*]] = sinter.quantize %arg0
  // CHECK-NEXT: sinter.matmul %[[X]], @q8_0
  %a = sinter.matmul %x, @f16 : (tensor<?x256xf32>) -> tensor<?x64xf32>
  %b = sinter.matmul %x, @q8_0 : (tensor<?x256xf32>) -> tensor<?x64xf32>
  return %a, %b : tensor<?x64xf32>, tensor<?x64xf32>
}

// CHECK-LABEL: func.func @plain
func.func @plain(%x: tensor<?x256xf32>) -> tensor<?x64xf32> {
  // CHECK-NOT: sinter.quantize
  // CHECK: return
  %a = sinter.matmul %x, @bf16 : (tensor<?x256xf32>) -> tensor<?x64xf32>
  return %a : tensor<?x64xf32>
}
