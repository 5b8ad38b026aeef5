// RUN: sinter-opt %s --sinter-lower-to-plan -split-input-file -verify-diagnostics | FileCheck %s

!kv = !sinter.kv_cache<heads = 2, keys = 64, values = 64, f16>

sinter.weight @w.weight : tensor<512x256x!sinter.q4_k> at 0 : 0
sinter.weight @n.weight : tensor<256xf16> at 0 : 0
// CHECK-DAG: plan.weight @plan.w.packed at 0 bytes 73728
// CHECK-DAG: plan.weight @plan.n.f32 at 73728 bytes 1024
// CHECK-DAG: plan.weight @plan.rope_table.frequencies at 74752 bytes 128
// CHECK-DAG: plan.rope_table @plan.rope_table frequencies @plan.rope_table.frequencies pairs 32 magnitude 1.250000e+00 temperature [1.000000e-01, 4.096000e+03]
// CHECK-DAG: plan.state @plan.blk.0.kv : !sinter.kv_cache<{{.*}}> page_bytes 32768
tile.packed @w.packed from [@w.weight] {bytes = 73728 : i64}
tile.vector @n.f32 from [@n.weight]
tile.rope_table @rope_table <width = 64, base = 1.0e6 : f64, neox = true, yarn = [4.0, 4096.0, 1.0, 1.25, 32.0, 1.0], temperature = [0.1, 4096.0]>
tile.kernel @embed #tile.embed<format = "q4_k", weightRows = 512, output = <width = 256, stride = 256>> config <> {}
tile.kernel @norm #tile.norm<input = <width = 256, stride = 256>, output = <width = 256, q8 = true, sums = 2>, group = 256, epsilon = 1.0e-6 : f64> config <> {}
tile.kernel @heads #tile.heads<queryHeads = 2, cacheHeads = 2, keyWidth = 64, valueWidth = 64, rotary = 64, neox = true, queryStride = 512, keyStride = 512, valueStride = 512, outputStride = 128> config <> {}
tile.kernel @att #tile.attention<heads = 2, cacheHeads = 2, keyWidth = 64, valueWidth = 64, scale = 0.125 : f64, queryStride = 128, output = <width = 128, stride = 128>> config <tokens = 4> {}
tile.kernel @row #tile.elementwise<[128] -> <width = 128, stride = 128> gather = true outputs = true> config <columns = 96> {}
tile.kernel @mm #tile.gemm<format = "q4_k", weightRows = 512, input = <width = 256, q8 = true, sums = 2>, output = <width = 512, stride = 512>> config <rowGroups = 3, tokens = 4> {}

// CHECK: plan.regime max_tokens 2 arena [[ARENA:[0-9]+]]
// CHECK-SAME: plan.buffers
func.func @decode(%batch: !sinter.batch, %kv: !kv {sinter.name = "blk.0.kv"}) -> tensor<?x512xf32> attributes {sinter.max_tokens = 2 : i64} {
  // Every value has its own buffer: 2 rows of 1024 bytes and 64 to spare.
  // CHECK: plan.launch @embed operands [#plan.operand<"weight" of @plan.w.packed>, #plan.operand<"arena">] items "tokens" count 1 tile 1 replicated barrier label "e" {plan.writes = array<i32: 1>}
  %x = tile.launch @embed () [@w.packed] order ["s0", "o0"] label "e" : () -> tensor<?x256xf32>
  // CHECK: plan.launch @norm operands [#plan.operand<"arena">, #plan.operand<"weight" of @plan.n.f32>, #plan.operand<"arena" at 2112>] items "tokens" count 1
  %n = tile.launch @norm (%x) [@n.f32] order ["i0", "s0", "o0"] label "n" : (tensor<?x256xf32>) -> tensor<?x256x!sinter.q8<2>>
  // CHECK: plan.launch @mm operands {{.*}} items "one" count 11 tile 1
  %w = tile.launch @mm (%n) [@w.packed] order ["i0", "s0", "o0"] label "m" : (tensor<?x256x!sinter.q8<2>>) -> tensor<?x512xf32>
  %k = tile.columns %w at 128 : tensor<?x512xf32> -> tensor<?x128xf32>
  %v = tile.columns %w at 256 : tensor<?x512xf32> -> tensor<?x128xf32>
  // Columns lie 512 and 1024 bytes into the joined rows; the state is written.
  // Its columns are divided by head no further than attention is: the product's
  // items of 48 rows are no heads.
  // CHECK: plan.launch @heads operands [#plan.operand<"arena" at [[W:[0-9]+]]>, {{.*}}#plan.operand<"rope" of @plan.rope_table>, #plan.operand<"state" of @plan.blk.0.kv>, {{.*}}] items "tokens" count 4 tile 1 shares <2 of [2, 2]> barrier label "h" {plan.areas = [array<i64: 0, 512>, array<i64: 0, 512>, array<i64: 0, 512>, array<i64>, array<i64: 0, 4>, array<i64: 0, 512>], plan.writes = array<i32: 4, 5>}
  %q = tile.launch @heads (%w, %k, %v, %kv) [@rope_table] order ["i0", "i1", "i2", "s0", "i3", "o0"] label "h" writes_state : (tensor<?x512xf32>, tensor<?x128xf32>, tensor<?x128xf32>, !kv) -> tensor<?x128xf32>
  // CHECK: plan.launch @att operands {{.*}} items "tokens" count 2 tile 4 shares <2 of [2]>
  %a = tile.launch @att (%q, %kv) [] order ["i0", "i1", "o0"] label "a" : (tensor<?x128xf32>, !kv) -> tensor<?x128xf32>
  // CHECK: plan.launch @row operands {{.*}} items "rows" count 2 tile 1 replicated
  %r = tile.launch @row (%a) [] order ["i0", "o0"] label "r" : (tensor<?x128xf32>) -> tensor<?x128xf32>
  // CHECK: plan.launch @mm operands [{{.*}}, #plan.operand<"logits">]
  %l = tile.launch @mm (%n) [@w.packed] order ["i0", "s0", "o0"] label "l" : (tensor<?x256x!sinter.q8<2>>) -> tensor<?x512xf32>
  return %l : tensor<?x512xf32>
}

// -----

sinter.weight @w.weight : tensor<512x256x!sinter.q4_k> at 0 : 0
// expected-error @below {{has no 'bytes'; choose the weight layout before lowering to plan}}
tile.packed @w.packed from [@w.weight]
tile.kernel @embed #tile.embed<format = "q4_k", weightRows = 512, output = <width = 256, stride = 256>> config <> {}
func.func @decode() -> tensor<?x256xf32> attributes {sinter.max_tokens = 2 : i64} {
  %x = tile.launch @embed () [@w.packed] order ["s0", "o0"] label "e" : () -> tensor<?x256xf32>
  return %x : tensor<?x256xf32>
}

// -----

tile.kernel @embed #tile.embed<format = "q4_k", weightRows = 512, output = <width = 256, stride = 256>> config <> {}
func.func @decode() -> tensor<?x256xf32> attributes {sinter.max_tokens = 2 : i64} {
  // expected-error @below {{reads @embed, which is no constant}}
  %x = tile.launch @embed () [@embed] order ["s0", "o0"] label "e" : () -> tensor<?x256xf32>
  return %x : tensor<?x256xf32>
}

// -----

tile.kernel @embed #tile.embed<format = "q4_k", weightRows = 512, output = <width = 256, stride = 256>> {}
func.func @decode() -> tensor<?x256xf32> attributes {sinter.max_tokens = 2 : i64} {
  // expected-error @below {{calls @embed, which has no tile}}
  %x = tile.launch @embed () [] order ["o0"] label "e" : () -> tensor<?x256xf32>
  return %x : tensor<?x256xf32>
}

// -----

// expected-error @below {{must return the logits of one launch}}
func.func @decode(%x: tensor<?x256xf32>) -> tensor<?x256xf32> attributes {sinter.max_tokens = 2 : i64} {
  return %x : tensor<?x256xf32>
}

// -----

tile.kernel @row #tile.elementwise<[256] -> <width = 256, stride = 256>> config <columns = 256> {}
// expected-error @below {{passes argument 0 to a kernel; only states are}}
func.func @decode(%x: tensor<?x256xf32>) -> tensor<?x256xf32> attributes {sinter.max_tokens = 2 : i64} {
  %y = tile.launch @row (%x) [] order ["i0", "o0"] label "r" : (tensor<?x256xf32>) -> tensor<?x256xf32>
  return %y : tensor<?x256xf32>
}

// -----

tile.kernel @embed #tile.embed<format = "q4_k", weightRows = 512, output = <width = 256, stride = 256>> config <> {}
func.func @decode(%x: tensor<?x256xf32>) -> tensor<?x256xf32> attributes {sinter.max_tokens = 2 : i64} {
  // expected-error @below {{is no launch; lower to tile first}}
  %s = sinter.add %x, %x : tensor<?x256xf32>
  %y = tile.launch @embed () [] order ["o0"] label "e" : () -> tensor<?x256xf32>
  return %y : tensor<?x256xf32>
}
