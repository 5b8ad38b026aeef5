// RUN: sinter-opt %s --verify-roundtrip | FileCheck %s
// RUN: sinter-opt %s --emit-bytecode | sinter-opt | FileCheck %s

// CHECK: plan.weight @qkv at 65536 bytes 2359296
plan.weight @qkv at 65536 bytes 2359296
// CHECK: plan.state @kv : !sinter.kv_cache<heads = 8, keys = 128, values = 128, f16> page_bytes 262144
plan.state @kv : !sinter.kv_cache<heads = 8, keys = 128, values = 128, f16> page_bytes 262144
// CHECK: plan.rope_table @rope frequencies @rope.frequencies pairs 64 magnitude 1.000000e+00
plan.rope_table @rope frequencies @rope.frequencies pairs 64 magnitude 1.0
// CHECK: plan.rope_table @hot frequencies @rope.frequencies pairs 64 magnitude 1.000000e+00 temperature [1.000000e-01, 4.096000e+03]
plan.rope_table @hot frequencies @rope.frequencies pairs 64 magnitude 1.0 temperature [0.1, 4096.0]
// CHECK: plan.regime max_tokens 8 arena 1048576 {
plan.regime max_tokens 8 arena 1048576 {
  // CHECK-NEXT: plan.launch @norm operands [#plan.operand<"arena">, #plan.operand<"weight" of @qkv>, #plan.operand<"arena" at 4096>] items "tokens" count 1 tile 4 label "blk.0.attn_norm"
  plan.launch @norm operands [#plan.operand<"arena" at 0>, #plan.operand<"weight" of @qkv>, #plan.operand<"arena" at 4096>] items "tokens" count 1 tile 4 label "blk.0.attn_norm"
  // CHECK-NEXT: plan.launch @heads operands [#plan.operand<"state" of @kv>, #plan.operand<"rope" of @rope>] items "one" count 64 tile 1 barrier label "heads"
  plan.launch @heads operands [#plan.operand<"state" of @kv>, #plan.operand<"rope" of @rope>] items "one" count 64 tile 1 barrier label "heads"
  // CHECK-NEXT: plan.launch @row operands [#plan.operand<"arena">] items "tokens" count 1 tile 1 replicated batch_barrier label "row" work <weightBytes = 64, products = 128, cacheProducts = 2, outputs = true>
  plan.launch @row operands [#plan.operand<"arena">] items "tokens" count 1 tile 1 replicated batch_barrier label "row" work <weightBytes = 64, products = 128, cacheProducts = 2, outputs = true>
  // CHECK-NEXT: plan.launch @attention operands [#plan.operand<"state" of @kv>] items "tokens" count 24 tile 4 shares <8 of [16, 8]> unshared_barrier label "attention"
  plan.launch @attention operands [#plan.operand<"state" of @kv>] items "tokens" count 24 tile 4 shares <8 of [16, 8]> unshared_barrier label "attention"
  // CHECK-NEXT: plan.launch @head operands [#plan.operand<"logits">] items "rows" count 2 tile 1 barrier label "head"
  plan.launch @head operands [#plan.operand<"logits">] items "rows" count 2 tile 1 barrier label "head"
}
