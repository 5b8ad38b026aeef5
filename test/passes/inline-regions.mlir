// RUN: sinter-opt %s --sinter-inline-regions | FileCheck %s
// RUN: sinter-opt %s --sinter-inline-regions > %t.once
// RUN: sinter-opt %t.once --sinter-inline-regions | diff - %t.once

sinter.weight @norm : tensor<64xf32> at 0 : 0

// Regions inside regions too; results map to what was yielded, in its order.
// CHECK-LABEL: func.func @nested
// CHECK-NOT: sinter.region
// CHECK-NOT: sinter.yield
func.func @nested(%x: tensor<?x64xf32>, %a: tensor<?x64xf32>) -> (tensor<?x64x!sinter.q8<1>>, tensor<?x64xf32>) {
  // CHECK: %[[S:.*]] = sinter.add %arg1, %arg0
  // CHECK-NEXT: %[[N:.*]] = sinter.rms_norm %[[S]], @norm
  // CHECK-NEXT: %[[Q:.*]] = sinter.quantize %[[N]]
  // CHECK-NEXT: return %[[Q]], %[[S]]
  %r:2 = sinter.region "outer" (%a, %x) : (tensor<?x64xf32>, tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64x!sinter.q8<1>>) {
  ^bb0(%p: tensor<?x64xf32>, %o: tensor<?x64xf32>):
    %i:2 = sinter.region "inner" (%p, %o) : (tensor<?x64xf32>, tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
    ^bb0(%c: tensor<?x64xf32>, %d: tensor<?x64xf32>):
      %s = sinter.add %c, %d : tensor<?x64xf32>
      %n = sinter.rms_norm %s, @norm epsilon 1.0e-6 : tensor<?x64xf32>
      sinter.yield %n, %s : tensor<?x64xf32>, tensor<?x64xf32>
    }
    %q = sinter.quantize %i#0 : tensor<?x64xf32> -> tensor<?x64x!sinter.q8<1>>
    sinter.yield %i#1, %q : tensor<?x64xf32>, tensor<?x64x!sinter.q8<1>>
  }
  return %r#1, %r#0 : tensor<?x64x!sinter.q8<1>>, tensor<?x64xf32>
}

// A region that yields its input is that input.
// CHECK-LABEL: func.func @through
func.func @through(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  // CHECK-NEXT: return %arg0
  %r = sinter.region "nothing" (%x) : (tensor<?x64xf32>) -> tensor<?x64xf32> {
  ^bb0(%p: tensor<?x64xf32>):
    sinter.yield %p : tensor<?x64xf32>
  }
  return %r : tensor<?x64xf32>
}
