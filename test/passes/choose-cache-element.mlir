// RUN: sinter-opt %s --sinter-choose-cache-element --split-input-file | FileCheck %s
// RUN: sinter-opt %s --sinter-choose-cache-element --split-input-file > %t.once
// RUN: sinter-opt %t.once --sinter-choose-cache-element --split-input-file | diff - %t.once

module attributes {sinter.target = #sinter.target<level = "x86-64-v4", features = "avx512vnni,avx512bf16", cores = 2, l1 = 32768, l2 = 1048576, l3 = 1048576>} {
sinter.weight @q4_k : tensor<64x256x!sinter.q4_k> at 0 : 0
sinter.weight @experts : tensor<4x64x256x!sinter.q6_k> at 0 : 0
sinter.weight @bf16 : tensor<64x256xbf16> at 0 : 0
sinter.weight @f16 : tensor<64x256xf16> at 0 : 0
sinter.weight @f32 : tensor<64x256xf32> at 0 : 0

// Every cache of a step with integer weights; the window stays.
// CHECK-LABEL: func.func @integer
// CHECK-SAME: keys = 32, values = 16, bf16>
// CHECK-SAME: keys = 32, values = 32, bf16, window = 16>
func.func @integer(%x: tensor<?x256xf32>, %k: tensor<?x64xf32>, %v: tensor<?x32xf32>, %batch: !sinter.batch, %a: !sinter.kv_cache<heads = 2, keys = 32, values = 16, f16>, %b: !sinter.kv_cache<heads = 2, keys = 32, values = 32, f16, window = 16>) -> tensor<?x64xf32> {
  // CHECK: sinter.cache_write {{.*}}<heads = 2, keys = 32, values = 16, bf16>
  sinter.cache_write %k, %v, %a, %batch : tensor<?x64xf32>, tensor<?x32xf32>, !sinter.kv_cache<heads = 2, keys = 32, values = 16, f16>
  %q = sinter.matmul %x, @q4_k : (tensor<?x256xf32>) -> tensor<?x64xf32>
  return %q : tensor<?x64xf32>
}

// What rounds activations less needs a cache of more bits.
// CHECK-LABEL: func.func @floats
// CHECK-SAME: values = 32, f16>
func.func @floats(%x: tensor<?x256xf32>, %a: !sinter.kv_cache<heads = 2, keys = 32, values = 32, f16>) -> (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>) {
  %q = sinter.matmul %x, @f16 : (tensor<?x256xf32>) -> tensor<?x64xf32>
  %k = sinter.matmul %x, @f32 : (tensor<?x256xf32>) -> tensor<?x64xf32>
  %v = sinter.matmul %x, @bf16 : (tensor<?x256xf32>) -> tensor<?x64xf32>
  return %q, %k, %v : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>
}

// Which expert is chosen may turn on the last bit.
// CHECK-LABEL: func.func @routed
// CHECK-SAME: values = 32, f16>
func.func @routed(%x: tensor<?x256xf32>, %ids: tensor<?x2xi32>, %a: !sinter.kv_cache<heads = 2, keys = 32, values = 32, f16>) -> (tensor<?x64xf32>, tensor<?x2x64xf32>) {
  %q = sinter.matmul %x, @q4_k : (tensor<?x256xf32>) -> tensor<?x64xf32>
  %y = sinter.expert_matmul %x, %ids, @experts : (tensor<?x256xf32>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
  return %q, %y : tensor<?x64xf32>, tensor<?x2x64xf32>
}

// What is asked for as f32, lies row by row, or fills no register stays.
// CHECK-LABEL: func.func @others
// CHECK-SAME: keys = 32, values = 32, f32>
// CHECK-SAME: keys = 576, values = 0, f16>
// CHECK-SAME: keys = 32, values = 30, f16>
func.func @others(%x: tensor<?x256xf32>, %a: !sinter.kv_cache<heads = 2, keys = 32, values = 32, f32>, %b: !sinter.kv_cache<heads = 1, keys = 576, values = 0, f16>, %c: !sinter.kv_cache<heads = 2, keys = 32, values = 30, f16>) -> tensor<?x64xf32> {
  %q = sinter.matmul %x, @q4_k : (tensor<?x256xf32>) -> tensor<?x64xf32>
  return %q : tensor<?x64xf32>
}
}

// -----

// A target without such products.
module attributes {sinter.target = #sinter.target<level = "x86-64-v4", features = "avx512vnni", cores = 2, l1 = 32768, l2 = 1048576, l3 = 1048576>} {
sinter.weight @q4_k : tensor<64x256x!sinter.q4_k> at 0 : 0
// CHECK-LABEL: func.func @elsewhere
// CHECK-SAME: values = 32, f16>
func.func @elsewhere(%x: tensor<?x256xf32>, %a: !sinter.kv_cache<heads = 2, keys = 32, values = 32, f16>) -> tensor<?x64xf32> {
  %q = sinter.matmul %x, @q4_k : (tensor<?x256xf32>) -> tensor<?x64xf32>
  return %q : tensor<?x64xf32>
}
}
