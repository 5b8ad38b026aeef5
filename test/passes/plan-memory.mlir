// RUN: sinter-opt %s --sinter-plan-memory -split-input-file -verify-diagnostics | FileCheck %s
// RUN: sinter-opt %s --sinter-plan-memory -split-input-file -verify-diagnostics | sinter-opt --sinter-plan-memory -split-input-file | FileCheck %s

// The third buffer takes the place of the first, whose life has ended.
// CHECK-LABEL: plan.regime max_tokens 8 arena 2048 {
plan.regime max_tokens 8 arena 3072 attributes {plan.buffers = array<i64: 1024, 1024, 1024>} {
  // CHECK-NEXT: @a operands [#plan.operand<"arena">] {{.*}} tile 1 label
  plan.launch @a operands [#plan.operand<"arena">] items "one" count 1 tile 1 barrier label "a" {plan.writes = array<i32: 0>}
  // Reads what was just written.
  // CHECK-NEXT: @b operands [#plan.operand<"arena" at 512>, #plan.operand<"arena" at 1024>] {{.*}} tile 1 barrier label
  plan.launch @b operands [#plan.operand<"arena" at 512>, #plan.operand<"arena" at 1024>] items "one" count 1 tile 1 barrier label "b" {plan.writes = array<i32: 1>}
  // Writes where b read.
  // CHECK-NEXT: @c operands [#plan.operand<"arena" at 1024>, #plan.operand<"arena">] {{.*}} tile 1 barrier label
  plan.launch @c operands [#plan.operand<"arena" at 1024>, #plan.operand<"arena" at 2048>] items "one" count 1 tile 1 barrier label "c" {plan.writes = array<i32: 1>}
}

// -----

// Two readers of one value need no barrier between them; a state is memory
// like any other; constants are not.
// CHECK-LABEL: plan.regime max_tokens 8 arena 3072 {
plan.regime max_tokens 8 arena 3072 attributes {plan.buffers = array<i64: 1024, 1024, 1024>} {
  plan.launch @a operands [#plan.operand<"arena">] items "one" count 1 tile 1 barrier label "a" {plan.writes = array<i32: 0>}
  // CHECK: @b {{.*}} barrier label
  plan.launch @b operands [#plan.operand<"arena">, #plan.operand<"weight" of @w>, #plan.operand<"arena" at 1024>] items "one" count 1 tile 1 barrier label "b" {plan.writes = array<i32: 2>}
  // CHECK: @c {{.*}} tile 1 label
  plan.launch @c operands [#plan.operand<"arena">, #plan.operand<"weight" of @w>, #plan.operand<"arena" at 2048>] items "one" count 1 tile 1 barrier label "c" {plan.writes = array<i32: 2>}
  // CHECK: @write {{.*}} barrier label
  plan.launch @write operands [#plan.operand<"arena" at 1024>, #plan.operand<"state" of @s>] items "one" count 1 tile 1 barrier label "write" {plan.writes = array<i32: 1>}
  // CHECK: @other {{.*}} tile 1 label
  plan.launch @other operands [#plan.operand<"arena" at 2048>, #plan.operand<"state" of @t>] items "one" count 1 tile 1 barrier label "other" {plan.writes = array<i32: 1>}
  // CHECK: @read {{.*}} barrier label
  plan.launch @read operands [#plan.operand<"state" of @s>, #plan.operand<"logits">] items "one" count 1 tile 1 barrier label "read" {plan.writes = array<i32: 1>}
}

// -----

// What every thread has computed for itself is waited for only in steps of
// several tokens; what a replicated launch reads is not reused at once, and a
// launch that writes there all the same waits.
// CHECK-LABEL: plan.regime max_tokens 8 arena 4096 {
plan.regime max_tokens 8 arena 5120 attributes {plan.buffers = array<i64: 1024, 1024, 1024, 1024, 1024>} {
  plan.launch @a operands [#plan.operand<"arena">] items "one" count 1 tile 1 barrier label "a" {plan.writes = array<i32: 0>}
  // CHECK: @norm operands [#plan.operand<"arena">, #plan.operand<"arena" at 1024>] {{.*}} tile 1 replicated barrier label
  plan.launch @norm operands [#plan.operand<"arena">, #plan.operand<"arena" at 1024>] items "tokens" count 1 tile 1 replicated barrier label "norm" {plan.writes = array<i32: 1>}
  // CHECK: @b operands [#plan.operand<"arena" at 1024>, #plan.operand<"arena" at 2048>] {{.*}} tile 1 batch_barrier label
  plan.launch @b operands [#plan.operand<"arena" at 1024>, #plan.operand<"arena" at 2048>] items "one" count 1 tile 1 barrier label "b" {plan.writes = array<i32: 1>}
  // CHECK: @c operands [#plan.operand<"arena" at 2048>, #plan.operand<"arena" at 3072>] {{.*}} tile 1 barrier label
  plan.launch @c operands [#plan.operand<"arena" at 2048>, #plan.operand<"arena" at 3072>] items "one" count 1 tile 1 barrier label "c" {plan.writes = array<i32: 1>}
  // CHECK: @d operands [#plan.operand<"arena" at 3072>, #plan.operand<"arena">] {{.*}} tile 1 barrier label
  plan.launch @d operands [#plan.operand<"arena" at 3072>, #plan.operand<"arena" at 4096>] items "one" count 1 tile 1 barrier label "d" {plan.writes = array<i32: 1>}
}

// Larger regimes have no steps of one token.
// CHECK-LABEL: plan.regime max_tokens 512
plan.regime max_tokens 512 arena 2048 attributes {plan.buffers = array<i64: 1024, 1024>} {
  // CHECK: @norm {{.*}} tile 1 label
  plan.launch @norm operands [#plan.operand<"arena">] items "tokens" count 1 tile 1 replicated barrier label "norm" {plan.writes = array<i32: 0>}
  // CHECK: @b {{.*}} tile 1 barrier label
  plan.launch @b operands [#plan.operand<"arena">, #plan.operand<"arena" at 1024>] items "one" count 1 tile 1 barrier label "b" {plan.writes = array<i32: 1>}
}

// -----

plan.regime max_tokens 8 arena 1024 attributes {plan.buffers = array<i64: 1024>} {
  // expected-error @below {{has an operand at 4096, outside every buffer of the regime}}
  plan.launch @a operands [#plan.operand<"arena" at 4096>] items "one" count 1 tile 1 barrier label "a" {plan.writes = array<i32: 0>}
}

// -----

plan.regime max_tokens 8 arena 1024 attributes {plan.buffers = array<i64: 1024>} {
  // expected-error @below {{does not say what it writes}}
  plan.launch @a operands [#plan.operand<"arena">] items "one" count 1 tile 1 barrier label "a"
}

// -----

plan.regime max_tokens 8 arena 1024 attributes {plan.buffers = array<i64: 1024>} {
  // expected-error @below {{is replicated, but writes a state or what it reads}}
  plan.launch @a operands [#plan.operand<"arena">, #plan.operand<"state" of @s>] items "one" count 1 tile 1 replicated barrier label "a" {plan.writes = array<i32: 1>}
}

// -----

plan.regime max_tokens 8 arena 1024 attributes {plan.buffers = array<i64: 1024>} {
  // expected-error @below {{is replicated, but writes a state or what it reads}}
  plan.launch @a operands [#plan.operand<"arena">, #plan.operand<"arena" at 64>] items "one" count 1 tile 1 replicated barrier label "a" {plan.writes = array<i32: 1>}
}
