// RUN: sinter-opt %s --sinter-collapse-gdn-output | FileCheck %s

// Near misses: the product's slices are what somebody else needs.

sinter.weight @out : tensor<32x64xf16> at 0 : 0

// CHECK-LABEL: func.func @both
// CHECK-SAME: sinter.fused = {"collapse-gdn-output" = 0 : i64}
// CHECK-SAME: "slices have other users x1
func.func @both(%o: tensor<?x1x64xf32>) -> (tensor<?x32xf32>, tensor<?x1x32xf32>) {
  %y = sinter.matmul %o, @out : (tensor<?x1x64xf32>) -> tensor<?x1x32xf32>
  %f = sinter.fold %y : tensor<?x1x32xf32> -> tensor<?x32xf32>
  return %f, %y : tensor<?x32xf32>, tensor<?x1x32xf32>
}

// CHECK-LABEL: func.func @slices
// CHECK-SAME: sinter.fused = {"collapse-gdn-output" = 0 : i64}
// CHECK-SAME: "slices are not folded x1
func.func @slices(%o: tensor<?x1x64xf32>) -> tensor<?x1x32xf32> {
  %y = sinter.matmul %o, @out : (tensor<?x1x64xf32>) -> tensor<?x1x32xf32>
  return %y : tensor<?x1x32xf32>
}
