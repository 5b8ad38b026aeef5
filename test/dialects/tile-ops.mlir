// RUN: sinter-opt %s --verify-roundtrip | FileCheck %s
// RUN: sinter-opt %s --emit-bytecode | sinter-opt | FileCheck %s

!kv = !sinter.kv_cache<heads = 2, keys = 32, values = 32, f16>
sinter.weight @g : tensor<64x256x!sinter.q4_k> at 0 : 0
sinter.weight @u : tensor<64x256x!sinter.q4_k> at 0 : 0
sinter.weight @b : tensor<64xf32> at 0 : 0
sinter.weight @one : tensor<1xf32> at 0 : 0

// CHECK: tile.kernel @swiglu_q4_k_n128_k256 #tile.gemm<format = "q4_k", weightRows = 128, input = <width = 256, q8 = true, sums = 2>, output = <width = 64, stride = 64>, segments = 2, decode = true> config <rowGroups = 4, tokens = 8, prefetch = 512> {
// CHECK-NEXT: ^bb0(%[[G:.*]]: f32, %[[U:.*]]: f32):
// CHECK-NEXT: %[[R:.*]] = arith.mulf %[[G]], %[[U]] : f32
// CHECK-NEXT: tile.yield %[[R]] : f32
tile.kernel @swiglu_q4_k_n128_k256 #tile.gemm<format = "q4_k", weightRows = 128, input = <width = 256, q8 = true, sums = 2>, output = <width = 64, stride = 64>, segments = 2, decode = true> config #tile.config<rowGroups = 4, tokens = 8, prefetch = 512> {
^bb0(%g: f32, %u: f32):
  %r = arith.mulf %g, %u : f32
  tile.yield %r : f32
}
// CHECK: tile.kernel @gemm #tile.gemm<format = "f16", weightRows = 64, input = <width = 256, stride = 256>, output = <width = 64, stride = 64>, bias = true, outputs = true> {
tile.kernel @gemm #tile.gemm<format = "f16", weightRows = 64, input = <width = 256, stride = 256>, output = <width = 64, stride = 64>, bias = true, outputs = true> {
}
// CHECK: tile.kernel @norm #tile.norm<input = <width = 256, stride = 256>, output = <width = 256, q8 = true, sums = 1>, group = 256, epsilon = {{.*}} : f64, addend = true>
tile.kernel @norm #tile.norm<input = <width = 256, stride = 256>, output = <width = 256, q8 = true, sums = 1>, group = 256, epsilon = 1.0e-6 : f64, addend = true> {
}
// CHECK: tile.kernel @add #tile.elementwise<[256, 512] -> <width = 256, stride = 256>>
tile.kernel @add #tile.elementwise<[256, 512] -> <width = 256, stride = 256>> {
^bb0(%a: f32, %b: f32):
  %c = arith.addf %a, %b : f32
  tile.yield %c : f32
}
// CHECK: tile.kernel @gather #tile.elementwise<[256] -> <width = 256, stride = 256> gather = true outputs = true>
tile.kernel @gather #tile.elementwise<[256] -> <width = 256, stride = 256> gather = true outputs = true> {
}
// CHECK: tile.kernel @heads #tile.heads<queryHeads = 4, cacheHeads = 2, keyWidth = 32, valueWidth = 32, rotary = 32, neox = true, queryNorm = true, epsilon = {{.*}} : f64, queryStride = 128, keyStride = 64, valueStride = 64, outputStride = 128, cacheElement = f32>
tile.kernel @heads #tile.heads<queryHeads = 4, cacheHeads = 2, keyWidth = 32, valueWidth = 32, rotary = 32, neox = true, queryNorm = true, epsilon = 1.0e-6 : f64, queryStride = 128, keyStride = 64, valueStride = 64, outputStride = 128, cacheElement = f32> {
}
// CHECK: tile.kernel @splits #tile.attention_splits<attention = <heads = 4, cacheHeads = 2, keyWidth = 32, valueWidth = 32, scale = {{.*}} : f64, queryStride = 128, output = <width = 128, stride = 128>, sinks = true>> config <mma = true>
tile.kernel @splits #tile.attention_splits<attention = <heads = 4, cacheHeads = 2, keyWidth = 32, valueWidth = 32, scale = 0.125 : f64, queryStride = 128, output = <width = 128, stride = 128>, sinks = true>> config #tile.config<mma = true> {
}
// CHECK: tile.kernel @merge #tile.merge_splits<attention = <heads = 4, cacheHeads = 2, keyWidth = 32, valueWidth = 32, scale = {{.*}} : f64, queryStride = 128, output = <width = 128, stride = 128>>>
tile.kernel @merge #tile.merge_splits<attention = <heads = 4, cacheHeads = 2, keyWidth = 32, valueWidth = 32, scale = 0.125 : f64, queryStride = 128, output = <width = 128, stride = 128>>> {
}
// CHECK: tile.kernel @attention #tile.attention<heads = 4, cacheHeads = 2, keyWidth = 32, valueWidth = 32, scale = {{.*}} : f64, queryStride = 128, output = <width = 128, stride = 128>, pageTokens = 32>
tile.kernel @attention #tile.attention<heads = 4, cacheHeads = 2, keyWidth = 32, valueWidth = 32, scale = 0.125 : f64, queryStride = 128, output = <width = 128, stride = 128>, pageTokens = 32> {
}
// CHECK: tile.kernel @embed #tile.embed<format = "q4_k", weightRows = 64, output = <width = 256, stride = 256>>
tile.kernel @embed #tile.embed<format = "q4_k", weightRows = 64, output = <width = 256, stride = 256>> {
}

// CHECK: tile.packed @gate_up from [@g, @u] scales [@one, @one] alternating
tile.packed @gate_up from [@g, @u] scales [@one, @one] alternating
// CHECK: tile.packed @plain from [@g]{{$}}
tile.packed @plain from [@g]
// CHECK: tile.vector @bias from [@b, @b]
tile.vector @bias from [@b, @b]
// CHECK: tile.rope_table @rope <width = 32, base = 1.000000e+06 : f64, neox = true>
tile.rope_table @rope #sinter.rope<width = 32, base = 1.0e6 : f64, neox = true>

// CHECK-LABEL: func.func @decode
func.func @decode(%kv: !kv, %x: tensor<?x256xf32>) -> tensor<?x128xf32> {
  // CHECK: tile.columns %arg1 at 128 : tensor<?x256xf32> -> tensor<?x128xf32>
  %q = tile.columns %x at 128 : tensor<?x256xf32> -> tensor<?x128xf32>
  // CHECK: tile.launch @attention (%{{.*}}, %arg0) [] order ["i0", "i1", "o0"] label "blk.0.attention" : (tensor<?x128xf32>, !sinter.kv_cache<heads = 2, keys = 32, values = 32, f16>) -> tensor<?x128xf32>
  %o = tile.launch @attention (%q, %kv) [] order ["i0", "i1", "o0"] label "blk.0.attention" : (tensor<?x128xf32>, !kv) -> tensor<?x128xf32>
  // CHECK: tile.launch @heads (%{{.*}}, %arg0) [@rope] order ["i0", "s0", "i1"] label "blk.0.keys" writes_state : (tensor<?x128xf32>, !sinter.kv_cache<heads = 2, keys = 32, values = 32, f16>) -> ()
  tile.launch @heads (%q, %kv) [@rope] order ["i0", "s0", "i1"] label "blk.0.keys" writes_state : (tensor<?x128xf32>, !kv) -> ()
  return %o : tensor<?x128xf32>
}
