// RUN: sinter-opt %s --sinter-pack-gdn-projections | FileCheck %s
// RUN: sinter-opt %s --sinter-pack-gdn-projections > %t.once
// RUN: sinter-opt %t.once --sinter-pack-gdn-projections | diff - %t.once

// Without this fusion nobody else merges them.
// RUN: sinter-opt %s --sinter-merge-projections | FileCheck %s --check-prefix=MERGE

sinter.weight @alpha : tensor<16x64xf16> at 0 : 0
sinter.weight @beta : tensor<16x64xf16> at 0 : 0
sinter.weight @qkv : tensor<128x64x!sinter.q8_0> at 0 : 0
sinter.weight @z : tensor<64x64x!sinter.q8_0> at 0 : 0
sinter.weight @thin : tensor<4x64xf16> at 0 : 0
sinter.weight @scale : tensor<1xf32> at 0 : 0
sinter.weight @a : tensor<16xf32> at 0 : 0
sinter.weight @a4 : tensor<4xf32> at 0 : 0

// CHECK-LABEL: func.func @two_formats
// CHECK-SAME: sinter.fused = {"pack-gdn-projections" = 2 : i64}
// CHECK-NOT: sinter.refused
// MERGE-LABEL: func.func @two_formats
// MERGE-NOT: sinter.region
func.func @two_formats(%x: tensor<?x64xf32>, %s: tensor<?x256xf32>, %b: !sinter.batch) -> (tensor<?x1x64xf32>, tensor<?x1x64xf32>) {
  // CHECK: sinter.region "projections" (%arg0) : (tensor<?x64xf32>) -> (tensor<?x128xf32>, tensor<?x64xf32>)
  // CHECK: sinter.region "projections" (%arg0) : (tensor<?x64xf32>) -> (tensor<?x16xf32>, tensor<?x16xf32>)
  %m = sinter.matmul %x, @qkv : (tensor<?x64xf32>) -> tensor<?x128xf32>
  %z = sinter.matmul %x, @z : (tensor<?x64xf32>) -> tensor<?x64xf32>
  %z3 = sinter.fold %z : tensor<?x64xf32> -> tensor<?x1x64xf32>
  %be = sinter.matmul %x, @beta : (tensor<?x64xf32>) -> tensor<?x16xf32>
  %al = sinter.matmul %x, @alpha : (tensor<?x64xf32>) -> tensor<?x16xf32>
  %o, %t = sinter.gated_delta_net %m, %al, %be, %s, %b decay @a bias @a heads 8 : 16 epsilon 1.0e-6 : (tensor<?x128xf32>, tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x256xf32>) -> tensor<?x1x64xf32>
  return %o, %z3 : tensor<?x1x64xf32>, tensor<?x1x64xf32>
}

// Four rows do not end on a group of 16, so nothing can stand behind them.
// CHECK-LABEL: func.func @thin_rows
// CHECK-SAME: sinter.fused = {"pack-gdn-projections" = 0 : i64}
// CHECK-SAME: ["only one matmul feeds the recurrence x1 {{.*}}", "rows not a multiple of 16 (4) x1
func.func @thin_rows(%x: tensor<?x64xf32>, %y: tensor<?x32xf32>, %s: tensor<?x64xf32>, %b: !sinter.batch) -> tensor<?x1x16xf32> {
  %m = sinter.matmul %y, @m : (tensor<?x32xf32>) -> tensor<?x32xf32>
  %be = sinter.matmul %x, @thin : (tensor<?x64xf32>) -> tensor<?x4xf32>
  %al = sinter.matmul %x, @thin : (tensor<?x64xf32>) -> tensor<?x4xf32>
  %o, %t = sinter.gated_delta_net %m, %al, %be, %s, %b decay @a4 bias @a4 heads 2 : 4 epsilon 1.0e-6 : (tensor<?x32xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x64xf32>) -> tensor<?x1x16xf32>
  return %o : tensor<?x1x16xf32>
}
sinter.weight @m : tensor<32x32xf16> at 0 : 0

// CHECK-LABEL: func.func @scales
// CHECK-SAME: ["tensor scale on some members only x1
func.func @scales(%x: tensor<?x64xf32>, %m: tensor<?x128xf32>, %s: tensor<?x256xf32>, %b: !sinter.batch) -> tensor<?x1x64xf32> {
  %be = sinter.matmul %x, @beta scale @scale : (tensor<?x64xf32>) -> tensor<?x16xf32>
  %al = sinter.matmul %x, @alpha : (tensor<?x64xf32>) -> tensor<?x16xf32>
  %o, %t = sinter.gated_delta_net %m, %al, %be, %s, %b decay @a bias @a heads 8 : 16 epsilon 1.0e-6 : (tensor<?x128xf32>, tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x256xf32>) -> tensor<?x1x64xf32>
  return %o : tensor<?x1x64xf32>
}

// CHECK-LABEL: func.func @formats
// CHECK-SAME: ["formats differ x1
func.func @formats(%x: tensor<?x64xf32>, %s: tensor<?x256xf32>, %be: tensor<?x16xf32>, %b: !sinter.batch) -> tensor<?x1x64xf32> {
  %m = sinter.matmul %x, @qkv : (tensor<?x64xf32>) -> tensor<?x128xf32>
  %al = sinter.matmul %x, @alpha : (tensor<?x64xf32>) -> tensor<?x16xf32>
  %o, %t = sinter.gated_delta_net %m, %al, %be, %s, %b decay @a bias @a heads 8 : 16 epsilon 1.0e-6 : (tensor<?x128xf32>, tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x256xf32>) -> tensor<?x1x64xf32>
  return %o : tensor<?x1x64xf32>
}
