// What a user asks for: every cache of f16 holds it.
// RUN: sinter-opt %s --sinter-choose-cache-element=element=q8_0 | FileCheck %s --check-prefixes=CHECK,Q8
// RUN: sinter-opt %s --sinter-choose-cache-element=element=fp8 | FileCheck %s --check-prefixes=CHECK,FP8
// RUN: sinter-opt %s --sinter-choose-cache-element=element=bf16 | FileCheck %s --check-prefixes=CHECK,BF16
// RUN: sinter-opt %s --sinter-choose-cache-element=element=q8_0 > %t.once
// RUN: sinter-opt %t.once --sinter-choose-cache-element=element=q8_0 | diff - %t.once
// RUN: not sinter-opt %s --sinter-choose-cache-element=element=q4_0 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: error: unknown cache element 'q4_0'; expected auto, bf16, q8_0 or fp8

module attributes {sinter.target = #sinter.target<level = "x86-64-v4", features = "avx512vnni,avx512bf16", cores = 2, l1 = 32768, l2 = 1048576, l3 = 1048576>} {
sinter.weight @f32 : tensor<64x256xf32> at 0 : 0

// Whatever the model's matrices are; the window, recurrent states and what was
// asked for as f32 stay.
// CHECK-LABEL: func.func @step
// Q8-SAME: !sinter.kv_cache<heads = 2, keys = 32, values = 64, !sinter.q8_0>
// Q8-SAME: !sinter.kv_cache<heads = 2, keys = 32, values = 32, !sinter.q8_0, window = 16>
// FP8-SAME: !sinter.kv_cache<heads = 2, keys = 32, values = 64, f8E4M3FN>
// FP8-SAME: !sinter.kv_cache<heads = 2, keys = 32, values = 32, f8E4M3FN, window = 16>
// BF16-SAME: !sinter.kv_cache<heads = 2, keys = 32, values = 64, bf16>
// BF16-SAME: !sinter.kv_cache<heads = 2, keys = 32, values = 32, bf16, window = 16>
// CHECK-SAME: !sinter.kv_cache<heads = 2, keys = 20, values = 32, f32>
// CHECK-SAME: !sinter.recurrent<heads = 2, keys = 4, values = 8>
func.func @step(%x: tensor<?x256xf32>, %k: tensor<?x64xf32>, %v: tensor<?x128xf32>, %batch: !sinter.batch, %a: !sinter.kv_cache<heads = 2, keys = 32, values = 64, f16>, %b: !sinter.kv_cache<heads = 2, keys = 32, values = 32, f16, window = 16>, %c: !sinter.kv_cache<heads = 2, keys = 20, values = 32, f32>, %r: !sinter.recurrent<heads = 2, keys = 4, values = 8>) -> tensor<?x64xf32> {
  // Q8: sinter.cache_write {{.*}}!sinter.q8_0>
  sinter.cache_write %k, %v, %a, %batch : tensor<?x64xf32>, tensor<?x128xf32>, !sinter.kv_cache<heads = 2, keys = 32, values = 64, f16>
  %q = sinter.matmul %x, @f32 : (tensor<?x256xf32>) -> tensor<?x64xf32>
  return %q : tensor<?x64xf32>
}
}
