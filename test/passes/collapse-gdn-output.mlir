// RUN: sinter-opt %s --sinter-collapse-gdn-output | FileCheck %s
// RUN: sinter-opt %s --sinter-collapse-gdn-output > %t.once
// RUN: sinter-opt %t.once --sinter-collapse-gdn-output | diff - %t.once

// A product of slices is one kernel that takes them one by one; boxed with its
// fold it is a matmul like any other.
// RUN: sinter-opt %s --sinter-lower-to-tile | FileCheck %s --check-prefix=SLICES
// RUN: sinter-opt %s --sinter-collapse-gdn-output --sinter-lower-to-tile | FileCheck %s --check-prefix=ROWS

sinter.weight @out : tensor<32x64xf16> at 0 : 0

// CHECK-LABEL: func.func @folded
// CHECK-SAME: sinter.fused = {"collapse-gdn-output" = 1 : i64}
// CHECK-NOT: sinter.refused
// SLICES: tile.kernel @matmul_f16_n32_k64_slices #tile.gemm<{{.*}}slices = true>
// ROWS: tile.kernel @matmul_f16_n32_k64 #tile.gemm<
// ROWS-NOT: slices = true
func.func @folded(%o: tensor<?x1x64xf32>) -> tensor<?x32xf32> {
  // CHECK: %[[R:.*]] = sinter.region "collapsed" (%arg0) : (tensor<?x1x64xf32>) -> tensor<?x32xf32>
  // CHECK: return %[[R]]
  %y = sinter.matmul %o, @out : (tensor<?x1x64xf32>) -> tensor<?x1x32xf32>
  %f = sinter.fold %y : tensor<?x1x32xf32> -> tensor<?x32xf32>
  return %f : tensor<?x32xf32>
}
