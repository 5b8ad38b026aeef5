// RUN: sinter-opt %s --sinter-merge-projections | FileCheck %s

// A state space beside attention reads the same rows: its product is no member.
module {
  sinter.weight @wq : tensor<16x32xf16> at 0 : 0
  sinter.weight @wk : tensor<16x32xf16> at 0 : 0
  sinter.weight @ssm_in : tensor<48x32xf16> at 0 : 0
  sinter.weight @conv : tensor<32x4xf32> at 0 : 0
  // CHECK-LABEL: func.func @beside
  // CHECK: %[[QK:.*]]:2 = sinter.region "projections"
  // CHECK: sinter.matmul %{{.*}}, @ssm_in
  func.func @beside(%b: !sinter.batch, %x: tensor<?x32xf32>, %w: tensor<?x96xf32>) -> (tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x32xf32>) {
    %q = sinter.matmul %x, @wq : (tensor<?x32xf32>) -> tensor<?x16xf32>
    %k = sinter.matmul %x, @wk : (tensor<?x32xf32>) -> tensor<?x16xf32>
    %all = sinter.matmul %x, @ssm_in : (tensor<?x32xf32>) -> tensor<?x48xf32>
    %mixed = sinter.head_columns %all heads 1 at 16 : tensor<?x48xf32> -> tensor<?x32xf32>
    %c = sinter.short_conv %mixed, %w, %b by @conv : (tensor<?x32xf32>, tensor<?x96xf32>) -> tensor<?x32xf32>
    return %q, %k, %c : tensor<?x16xf32>, tensor<?x16xf32>, tensor<?x32xf32>
  }
}
