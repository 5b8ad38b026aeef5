// Projections, heads and attention that divide their items alike need no
// barrier between them in a step of one token (passes/plan/HeadShares.h).
// RUN: sinter-opt %s --sinter-lower-to-plan --sinter-plan-memory -split-input-file | FileCheck %s

!kv = !sinter.kv_cache<heads = 2, keys = 64, values = 64, f16>
#in = #tile.row<width = 256, q8 = true, sums = 2>

sinter.weight @w.weight : tensor<512x256x!sinter.q4_k> at 0 : 0
sinter.weight @n.weight : tensor<256xf16> at 0 : 0
tile.packed @w.packed from [@w.weight] {bytes = 73728 : i64}
tile.vector @n.f32 from [@n.weight]
tile.rope_table @rope_table <width = 64, base = 1.0e6 : f64, neox = true>
tile.kernel @embed #tile.embed<format = "q4_k", weightRows = 512, output = <width = 256, stride = 256>> config <> {}
tile.kernel @norm #tile.norm<input = <width = 256, stride = 256>, output = #in, group = 256, epsilon = 1.0e-6 : f64> config <> {}
tile.kernel @qkv #tile.gemm<format = "q4_k", weightRows = 512, input = #in, output = <width = 512, stride = 512>> config <rowGroups = 2, tokens = 4> {}
tile.kernel @wide #tile.gemm<format = "q4_k", weightRows = 512, input = #in, output = <width = 512, stride = 512>> config <rowGroups = 16, tokens = 4> {}
tile.kernel @heads #tile.heads<queryHeads = 4, cacheHeads = 2, keyWidth = 64, valueWidth = 64, rotary = 64, neox = true, queryStride = 512, keyStride = 512, valueStride = 512, outputStride = 256> config <> {}
tile.kernel @att #tile.attention<heads = 4, cacheHeads = 2, keyWidth = 64, valueWidth = 64, scale = 0.125 : f64, queryStride = 256, output = #in> config <tokens = 4> {}
tile.kernel @relu #tile.elementwise<[512] -> <width = 512, stride = 512>> config <columns = 512> {}

// CHECK-LABEL: plan.regime max_tokens 8
func.func @decode(%batch: !sinter.batch, %kv: !kv {sinter.name = "blk.0.kv"}, %kv1: !kv {sinter.name = "blk.1.kv"}) -> tensor<?x512xf32> attributes {sinter.max_tokens = 8 : i64} {
  %x = tile.launch @embed () [@w.packed] order ["s0", "o0"] label "e" : () -> tensor<?x256xf32>
  // CHECK: @norm {{.*}} replicated batch_barrier
  %n = tile.launch @norm (%x) [@n.f32] order ["i0", "s0", "o0"] label "n" : (tensor<?x256xf32>) -> tensor<?x256x!sinter.q8<2>>
  // Query, key and value rows, each divided by the two cache heads.
  // CHECK-NEXT: @qkv {{.*}} count 16 tile 1 shares <2 of [8, 4, 4]> batch_barrier label
  %w = tile.launch @qkv (%n) [@w.packed] order ["i0", "s0", "o0"] label "m" : (tensor<?x256x!sinter.q8<2>>) -> tensor<?x512xf32>
  %k = tile.columns %w at 256 : tensor<?x512xf32> -> tensor<?x128xf32>
  %v = tile.columns %w at 384 : tensor<?x512xf32> -> tensor<?x128xf32>
  // CHECK-NEXT: @heads {{.*}} count 6 tile 1 shares <2 of [4, 2]> unshared_barrier label
  %q = tile.launch @heads (%w, %k, %v, %kv) [@rope_table] order ["i0", "i1", "i2", "s0", "i3", "o0"] label "h" writes_state : (tensor<?x512xf32>, tensor<?x128xf32>, tensor<?x128xf32>, !kv) -> tensor<?x256xf32>
  // CHECK-NEXT: @att {{.*}} count 2 tile 4 shares <2 of [2]> unshared_barrier label
  %a = tile.launch @att (%q, %kv) [] order ["i0", "i1", "o0"] label "a" : (tensor<?x256xf32>, !kv) -> tensor<?x256x!sinter.q8<2>>
  // All columns for each of its own: everybody waits. An item of 256 rows
  // holds keys and values, so what follows waits as well.
  // CHECK-NEXT: @wide {{.*}} count 2 tile 1 barrier label
  %w1 = tile.launch @wide (%a) [@w.packed] order ["i0", "s0", "o0"] label "m1" : (tensor<?x256x!sinter.q8<2>>) -> tensor<?x512xf32>
  %k1 = tile.columns %w1 at 256 : tensor<?x512xf32> -> tensor<?x128xf32>
  %v1 = tile.columns %w1 at 384 : tensor<?x512xf32> -> tensor<?x128xf32>
  // CHECK-NEXT: @heads {{.*}} shares <2 of [4, 2]> barrier label
  %q1 = tile.launch @heads (%w1, %k1, %v1, %kv1) [@rope_table] order ["i0", "i1", "i2", "s0", "i3", "o0"] label "h1" writes_state : (tensor<?x512xf32>, tensor<?x128xf32>, tensor<?x128xf32>, !kv) -> tensor<?x256xf32>
  // CHECK-NEXT: @att {{.*}} shares <2 of [2]> unshared_barrier label
  %a1 = tile.launch @att (%q1, %kv1) [] order ["i0", "i1", "o0"] label "a1" : (tensor<?x256xf32>, !kv) -> tensor<?x256x!sinter.q8<2>>
  // CHECK-NEXT: @qkv {{.*}} count 16 tile 1 barrier label
  %l = tile.launch @qkv (%a1) [@w.packed] order ["i0", "s0", "o0"] label "l" : (tensor<?x256x!sinter.q8<2>>) -> tensor<?x512xf32>
  return %l : tensor<?x512xf32>
}

// Larger regimes have no steps of one token.
// CHECK-LABEL: plan.regime max_tokens 64
// CHECK-NOT: shares
func.func @prefill(%batch: !sinter.batch, %kv: !kv {sinter.name = "blk.0.kv"}) -> tensor<?x512xf32> attributes {sinter.max_tokens = 64 : i64} {
  %x = tile.launch @embed () [@w.packed] order ["s0", "o0"] label "e" : () -> tensor<?x256xf32>
  %n = tile.launch @norm (%x) [@n.f32] order ["i0", "s0", "o0"] label "n" : (tensor<?x256xf32>) -> tensor<?x256x!sinter.q8<2>>
  %w = tile.launch @qkv (%n) [@w.packed] order ["i0", "s0", "o0"] label "m" : (tensor<?x256x!sinter.q8<2>>) -> tensor<?x512xf32>
  %k = tile.columns %w at 256 : tensor<?x512xf32> -> tensor<?x128xf32>
  %v = tile.columns %w at 384 : tensor<?x512xf32> -> tensor<?x128xf32>
  // CHECK: @heads {{.*}} barrier label
  %q = tile.launch @heads (%w, %k, %v, %kv) [@rope_table] order ["i0", "i1", "i2", "s0", "i3", "o0"] label "h" writes_state : (tensor<?x512xf32>, tensor<?x128xf32>, tensor<?x128xf32>, !kv) -> tensor<?x256xf32>
  // CHECK: @att {{.*}} barrier label
  %a = tile.launch @att (%q, %kv) [] order ["i0", "i1", "o0"] label "a" : (tensor<?x256xf32>, !kv) -> tensor<?x256x!sinter.q8<2>>
  %l = tile.launch @qkv (%a) [@w.packed] order ["i0", "s0", "o0"] label "l" : (tensor<?x256x!sinter.q8<2>>) -> tensor<?x512xf32>
  return %l : tensor<?x512xf32>
}

// -----

// Of a product that others read too, those wait: here an elementwise kernel
// that takes the whole row.
!kv = !sinter.kv_cache<heads = 2, keys = 64, values = 64, f16>
sinter.weight @w.weight : tensor<384x256x!sinter.q4_k> at 0 : 0
tile.packed @w.packed from [@w.weight] {bytes = 55296 : i64}
tile.kernel @embed #tile.embed<format = "q4_k", weightRows = 384, output = <width = 256, q8 = true, sums = 2>> config <> {}
tile.kernel @kv #tile.gemm<format = "q4_k", weightRows = 384, input = <width = 256, q8 = true, sums = 2>, output = <width = 384, stride = 384>> config <rowGroups = 1, tokens = 4> {}
tile.kernel @write #tile.heads<cacheHeads = 2, keyWidth = 64, valueWidth = 64, keyStride = 384, valueStride = 384> config <> {}
tile.kernel @relu #tile.elementwise<[384] -> <width = 384, stride = 384>> config <columns = 384> {}
// CHECK-LABEL: plan.regime max_tokens 8
func.func @decode(%batch: !sinter.batch, %cache: !kv {sinter.name = "blk.0.kv"}) -> tensor<?x384xf32> attributes {sinter.max_tokens = 8 : i64} {
  %n = tile.launch @embed () [@w.packed] order ["s0", "o0"] label "e" : () -> tensor<?x256x!sinter.q8<2>>
  // The rest of the columns is a part too.
  // CHECK: @kv {{.*}} shares <2 of [8, 8, 8]> batch_barrier label
  %w = tile.launch @kv (%n) [@w.packed] order ["i0", "s0", "o0"] label "m" : (tensor<?x256x!sinter.q8<2>>) -> tensor<?x384xf32>
  %k = tile.columns %w at 128 : tensor<?x384xf32> -> tensor<?x128xf32>
  %v = tile.columns %w at 256 : tensor<?x384xf32> -> tensor<?x128xf32>
  // CHECK-NEXT: @write {{.*}} shares <2 of [2]> unshared_barrier label
  tile.launch @write (%k, %v, %cache) [] order ["i0", "i1", "i2"] label "h" writes_state : (tensor<?x128xf32>, tensor<?x128xf32>, !kv) -> ()
  // CHECK-NEXT: @relu {{.*}} replicated barrier label
  %l = tile.launch @relu (%w) [] order ["i0", "o0"] label "l" : (tensor<?x384xf32>) -> tensor<?x384xf32>
  return %l : tensor<?x384xf32>
}
