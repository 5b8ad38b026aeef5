// RUN: sinter-opt %s --sinter-merge-projections | FileCheck %s
// RUN: sinter-opt %s --sinter-merge-projections --sinter-merge-projections > %t.twice
// RUN: sinter-opt %s --sinter-merge-projections | diff - %t.twice
// RUN: sinter-opt %s --sinter-merge-projections --sinter-inline-regions | FileCheck %s --check-prefix=INLINE
// RUN: sinter-opt %s --sinter-merge-projections=remarks=1 -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

sinter.weight @q : tensor<64x256xf16> at 0 : 0
sinter.weight @k : tensor<32x256xf16> at 0 : 0
sinter.weight @v : tensor<32x256xf16> at 0 : 0
sinter.weight @v32 : tensor<32x256xf32> at 0 : 0
sinter.weight @v8 : tensor<32x256x!sinter.q8_0> at 0 : 0
sinter.weight @odd : tensor<24x256xf16> at 0 : 0
sinter.weight @bq : tensor<64xf32> at 0 : 0
sinter.weight @bk : tensor<32xf32> at 0 : 0
sinter.weight @one : tensor<1xf32> at 0 : 0

// CHECK-LABEL: func.func @all
// CHECK-SAME: sinter.fused = {"merge-projections" = 1 : i64}
// CHECK-NOT: sinter.refused
// REMARK: remark: fused
// INLINE-LABEL: func.func @all
func.func @all(%x: tensor<?x256xf32>) -> (tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>) {
  // CHECK: %[[R:.*]]:3 = sinter.region "projections" (%arg0)
  // CHECK-NEXT: ^bb0(%[[X:.*]]: tensor<?x256xf32>):
  // CHECK-NEXT: %[[Q:.*]] = sinter.matmul %[[X]], @q :
  // CHECK-NEXT: %[[K:.*]] = sinter.matmul %[[X]], @k :
  // CHECK-NEXT: %[[V:.*]] = sinter.matmul %[[X]], @v :
  // CHECK-NEXT: sinter.yield %[[Q]], %[[K]], %[[V]]
  // CHECK: return %[[R]]#0, %[[R]]#1, %[[R]]#2
  // INLINE-NEXT: %[[Q:.*]] = sinter.matmul %arg0, @q :
  // INLINE-NEXT: %[[K:.*]] = sinter.matmul %arg0, @k :
  // INLINE-NEXT: %[[V:.*]] = sinter.matmul %arg0, @v :
  // INLINE-NEXT: return %[[Q]], %[[K]], %[[V]]
  %q = sinter.matmul %x, @q : (tensor<?x256xf32>) -> tensor<?x64xf32>
  %k = sinter.matmul %x, @k : (tensor<?x256xf32>) -> tensor<?x32xf32>
  %v = sinter.matmul %x, @v : (tensor<?x256xf32>) -> tensor<?x32xf32>
  return %q, %k, %v : tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>
}

// Users between the members follow the box.
// CHECK-LABEL: func.func @between
func.func @between(%x: tensor<?x256xf32>) -> (tensor<?x64xf32>, tensor<?x32xf32>) {
  // CHECK: %[[R:.*]]:2 = sinter.region "projections"
  // CHECK: sinter.add %[[R]]#0, %[[R]]#0
  %q = sinter.matmul %x, @q : (tensor<?x256xf32>) -> tensor<?x64xf32>
  %s = sinter.add %q, %q : tensor<?x64xf32>
  %k = sinter.matmul %x, @k : (tensor<?x256xf32>) -> tensor<?x32xf32>
  return %s, %k : tensor<?x64xf32>, tensor<?x32xf32>
}

// Those of equal format merge, the odd one says why it stays.
// CHECK-LABEL: func.func @formats
// CHECK-SAME: sinter.fused = {"merge-projections" = 1 : i64}
// CHECK-SAME: sinter.refused = {"merge-projections" = ["formats differ (f16, f32) x1 (first at v32)"]}
// REMARK: remark: refused: formats differ (f16, f32)
func.func @formats(%x: tensor<?x256xf32>) -> (tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>) {
  // CHECK: sinter.region "projections"
  // CHECK-NEXT: ^bb0
  // CHECK-NEXT: sinter.matmul %{{.*}}, @q :
  // CHECK-NEXT: sinter.matmul %{{.*}}, @k :
  // CHECK: sinter.matmul %arg0, @v32 :
  %q = sinter.matmul %x, @q : (tensor<?x256xf32>) -> tensor<?x64xf32>
  %k = sinter.matmul %x, @k : (tensor<?x256xf32>) -> tensor<?x32xf32>
  %v = sinter.matmul %x, @v32 : (tensor<?x256xf32>) -> tensor<?x32xf32>
  return %q, %k, %v : tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>
}

// The label comes from the location where there is one.
// CHECK-LABEL: func.func @kinds
// CHECK-SAME: ["formats differ (f16, q8_0) x2 (first at blk.0.attn_q)"]
func.func @kinds(%x: tensor<?x256xf32>) -> (tensor<?x64xf32>, tensor<?x32xf32>) {
  %x8 = sinter.quantize %x : tensor<?x256xf32> -> tensor<?x256x!sinter.q8<1>>
  %q = sinter.matmul %x, @q : (tensor<?x256xf32>) -> tensor<?x64xf32> loc("blk.0.attn_q")
  %k = sinter.matmul %x8, @v8 : (tensor<?x256x!sinter.q8<1>>) -> tensor<?x32xf32> loc(fused["blk.0.attn_k"])
  return %q, %k : tensor<?x64xf32>, tensor<?x32xf32>
}

// CHECK-LABEL: func.func @single
// CHECK-SAME: sinter.fused = {"merge-projections" = 0 : i64}
// CHECK-SAME: ["only one matmul reads the input x1 (first at q)"]
func.func @single(%x: tensor<?x256xf32>) -> tensor<?x64xf32> {
  // CHECK-NOT: sinter.region
  // CHECK: return
  %q = sinter.matmul %x, @q : (tensor<?x256xf32>) -> tensor<?x64xf32>
  return %q : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @rows
// CHECK-SAME: ["rows not a multiple of 16 (24) x1 (first at odd)"]
func.func @rows(%x: tensor<?x256xf32>) -> (tensor<?x24xf32>, tensor<?x32xf32>) {
  %q = sinter.matmul %x, @odd : (tensor<?x256xf32>) -> tensor<?x24xf32>
  %k = sinter.matmul %x, @k : (tensor<?x256xf32>) -> tensor<?x32xf32>
  return %q, %k : tensor<?x24xf32>, tensor<?x32xf32>
}

// Near miss: the last member may have any number of rows.
// CHECK-LABEL: func.func @last_rows
// CHECK-SAME: sinter.fused = {"merge-projections" = 1 : i64}
func.func @last_rows(%x: tensor<?x256xf32>) -> (tensor<?x24xf32>, tensor<?x32xf32>) {
  %k = sinter.matmul %x, @k : (tensor<?x256xf32>) -> tensor<?x32xf32>
  %q = sinter.matmul %x, @odd : (tensor<?x256xf32>) -> tensor<?x24xf32>
  return %q, %k : tensor<?x24xf32>, tensor<?x32xf32>
}

// CHECK-LABEL: func.func @some_bias
// CHECK-SAME: ["bias on some members only x1 (first at q)"]
func.func @some_bias(%x: tensor<?x256xf32>) -> (tensor<?x64xf32>, tensor<?x32xf32>) {
  %q = sinter.matmul %x, @q bias @bq : (tensor<?x256xf32>) -> tensor<?x64xf32>
  %k = sinter.matmul %x, @k : (tensor<?x256xf32>) -> tensor<?x32xf32>
  return %q, %k : tensor<?x64xf32>, tensor<?x32xf32>
}

// CHECK-LABEL: func.func @all_bias
// CHECK-SAME: sinter.fused = {"merge-projections" = 1 : i64}
func.func @all_bias(%x: tensor<?x256xf32>) -> (tensor<?x64xf32>, tensor<?x32xf32>) {
  %q = sinter.matmul %x, @q bias @bq : (tensor<?x256xf32>) -> tensor<?x64xf32>
  %k = sinter.matmul %x, @k bias @bk : (tensor<?x256xf32>) -> tensor<?x32xf32>
  return %q, %k : tensor<?x64xf32>, tensor<?x32xf32>
}

// CHECK-LABEL: func.func @some_scale
// CHECK-SAME: ["tensor scale on some members only x1 (first at q)"]
func.func @some_scale(%x: tensor<?x256xf32>) -> (tensor<?x64xf32>, tensor<?x32xf32>) {
  %q = sinter.matmul %x, @q scale @one : (tensor<?x256xf32>) -> tensor<?x64xf32>
  %k = sinter.matmul %x, @k : (tensor<?x256xf32>) -> tensor<?x32xf32>
  return %q, %k : tensor<?x64xf32>, tensor<?x32xf32>
}

// Members are moved together only past ops without effects.
!kv = !sinter.kv_cache<heads = 1, keys = 32, values = 32, f16>
// CHECK-LABEL: func.func @state
// CHECK-SAME: ["a state is used in between x1 (first at k)"]
func.func @state(%x: tensor<?x256xf32>, %kv: !kv, %b: !sinter.batch) -> tensor<?x32xf32> {
  %k = sinter.matmul %x, @k : (tensor<?x256xf32>) -> tensor<?x32xf32>
  sinter.cache_write %k, %k, %kv, %b : tensor<?x32xf32>, tensor<?x32xf32>, !kv
  %v = sinter.matmul %x, @v : (tensor<?x256xf32>) -> tensor<?x32xf32>
  return %v : tensor<?x32xf32>
}

// A parallel block: gate and up stay a pair beside what else reads the input.
// CHECK-LABEL: func.func @parallel
// CHECK-SAME: sinter.fused = {"merge-projections" = 2 : i64}
func.func @parallel(%x: tensor<?x256xf32>) -> (tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>) {
  // CHECK: %[[R:.*]]:2 = sinter.region "projections"
  // CHECK: sinter.matmul %{{.*}}, @q :
  // CHECK-NEXT: sinter.matmul %{{.*}}, @k :
  // CHECK: %[[F:.*]]:2 = sinter.region "projections"
  // CHECK: sinter.swiglu %[[F]]#0, %[[F]]#1
  %q = sinter.matmul %x, @q : (tensor<?x256xf32>) -> tensor<?x64xf32>
  %k = sinter.matmul %x, @k : (tensor<?x256xf32>) -> tensor<?x32xf32>
  %g = sinter.matmul %x, @k : (tensor<?x256xf32>) -> tensor<?x32xf32>
  %u = sinter.matmul %x, @v : (tensor<?x256xf32>) -> tensor<?x32xf32>
  %s = sinter.swiglu %g, %u : tensor<?x32xf32>
  return %q, %k, %s : tensor<?x64xf32>, tensor<?x32xf32>, tensor<?x32xf32>
}
