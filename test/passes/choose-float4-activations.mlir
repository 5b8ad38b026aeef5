// RUN: sinter-opt %s --sinter-choose-activation-format --sinter-choose-float4-activations --split-input-file | FileCheck %s
// RUN: sinter-opt %s --sinter-choose-activation-format --sinter-choose-float4-activations --split-input-file > %t.once
// RUN: sinter-opt %t.once --sinter-choose-float4-activations --split-input-file | diff - %t.once

module attributes {sinter.target = #sinter.target<level = "sm_121a", features = "mma,fp4", cores = 48, l1 = 0, l2 = 524288, l3 = 25165824>} {
sinter.weight @mxfp4 : tensor<64x256x!sinter.mxfp4> at 0 : 0
sinter.weight @nvfp4 : tensor<64x256x!sinter.nvfp4> at 0 : 0
sinter.weight @iq4 : tensor<64x256x!sinter.iq4_nl> at 0 : 0
sinter.weight @experts : tensor<4x64x256x!sinter.mxfp4> at 0 : 0

// Groups of 32 under powers of two, of 16 under 8-bit floats, or both.
// CHECK-LABEL: func.func @each
// CHECK: sinter.quantize %arg0 : {{.*}}!sinter.q8<193>>
// CHECK: sinter.quantize %arg1 : {{.*}}!sinter.q8<324>>
// CHECK: sinter.quantize %arg2 : {{.*}}!sinter.q8<453>>
func.func @each(%x: tensor<?x256xf32>, %y: tensor<?x256xf32>, %z: tensor<?x256xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>) {
  %a = sinter.matmul %x, @mxfp4 : (tensor<?x256xf32>) -> tensor<?x64xf32>
  %b = sinter.matmul %y, @nvfp4 : (tensor<?x256xf32>) -> tensor<?x64xf32>
  %c = sinter.matmul %z, @mxfp4 : (tensor<?x256xf32>) -> tensor<?x64xf32>
  %d = sinter.matmul %z, @nvfp4 : (tensor<?x256xf32>) -> tensor<?x64xf32>
  return %a, %b, %c, %d : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>
}

// Experts too.
// CHECK-LABEL: func.func @routed
// CHECK: sinter.quantize %arg0 : {{.*}}!sinter.q8<193>>
func.func @routed(%x: tensor<?x256xf32>, %ids: tensor<?x2xi32>) -> tensor<?x2x64xf32> {
  %y = sinter.expert_matmul %x, %ids, @experts : (tensor<?x256xf32>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
  return %y : tensor<?x2x64xf32>
}

// Another format of 4 bits is no float.
// CHECK-LABEL: func.func @near
// CHECK: sinter.quantize %arg0 : {{.*}}!sinter.q8<113>>
func.func @near(%x: tensor<?x256xf32>) -> tensor<?x64xf32> {
  %a = sinter.matmul %x, @iq4 : (tensor<?x256xf32>) -> tensor<?x64xf32>
  return %a : tensor<?x64xf32>
}
}

// -----

// Nor has every target such units.
module attributes {sinter.target = #sinter.target<level = "sm_90a", features = "mma", cores = 132, l1 = 0, l2 = 397187, l3 = 52428800>} {
sinter.weight @mxfp4 : tensor<64x256x!sinter.mxfp4> at 0 : 0
// CHECK-LABEL: func.func @elsewhere
// CHECK: sinter.quantize %arg0 : {{.*}}!sinter.q8<65>>
func.func @elsewhere(%x: tensor<?x256xf32>) -> tensor<?x64xf32> {
  %a = sinter.matmul %x, @mxfp4 : (tensor<?x256xf32>) -> tensor<?x64xf32>
  return %a : tensor<?x64xf32>
}
}
