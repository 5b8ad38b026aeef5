// RUN: sinter-opt %s --sinter-merge-projections --sinter-fuse-swiglu | FileCheck %s
// RUN: sinter-opt %s --sinter-merge-projections --sinter-fuse-swiglu > %t.once
// RUN: sinter-opt %t.once --sinter-fuse-swiglu | diff - %t.once
// RUN: sinter-opt %s --sinter-merge-projections --sinter-fuse-swiglu --sinter-inline-regions | FileCheck %s --check-prefix=INLINE

sinter.weight @gate : tensor<64x256xf16> at 0 : 0
sinter.weight @up : tensor<64x256xf16> at 0 : 0
sinter.weight @up32 : tensor<64x256xf32> at 0 : 0
sinter.weight @odd : tensor<24x256xf16> at 0 : 0

// CHECK-LABEL: func.func @fused
// CHECK-SAME: sinter.fused = {"fuse-swiglu" = 1 : i64, "merge-projections" = 1 : i64}
// INLINE-LABEL: func.func @fused
func.func @fused(%x: tensor<?x256xf32>) -> tensor<?x64xf32> {
  // CHECK-NEXT: %[[R:.*]] = sinter.region "swiglu" (%arg0)
  // CHECK-NEXT: ^bb0(%[[X:.*]]: tensor<?x256xf32>):
  // CHECK-NEXT: %[[M:.*]]:2 = sinter.region "projections" (%[[X]])
  // CHECK: %[[S:.*]] = sinter.swiglu %[[M]]#0, %[[M]]#1
  // CHECK-NEXT: sinter.yield %[[S]]
  // CHECK: return %[[R]]
  // INLINE-NEXT: %[[G:.*]] = sinter.matmul %arg0, @gate :
  // INLINE-NEXT: %[[U:.*]] = sinter.matmul %arg0, @up :
  // INLINE-NEXT: %[[S:.*]] = sinter.swiglu %[[G]], %[[U]]
  // INLINE-NEXT: return %[[S]]
  %g = sinter.matmul %x, @gate : (tensor<?x256xf32>) -> tensor<?x64xf32>
  %u = sinter.matmul %x, @up : (tensor<?x256xf32>) -> tensor<?x64xf32>
  %s = sinter.swiglu %g, %u : tensor<?x64xf32>
  return %s : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @apart
// CHECK-SAME: "fuse-swiglu" = 0 : i64
// CHECK-SAME: "fuse-swiglu" = ["gate and up are not one matmul x1 (first at blk.0.ffn)"]
func.func @apart(%x: tensor<?x256xf32>) -> tensor<?x64xf32> {
  // CHECK-NOT: sinter.region
  // CHECK: return
  %g = sinter.matmul %x, @gate : (tensor<?x256xf32>) -> tensor<?x64xf32>
  %u = sinter.matmul %x, @up32 : (tensor<?x256xf32>) -> tensor<?x64xf32>
  %s = sinter.swiglu %g, %u : tensor<?x64xf32> loc("blk.0.ffn")
  return %s : tensor<?x64xf32>
}

// Near miss: one matmul, but of three.
// CHECK-LABEL: func.func @three
// CHECK-SAME: "fuse-swiglu" = ["gate and up are not one matmul x1 (first at sinter.swiglu)"]
func.func @three(%x: tensor<?x256xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  %m:3 = sinter.region "projections" (%x) : (tensor<?x256xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>) {
  ^bb0(%a: tensor<?x256xf32>):
    %g = sinter.matmul %a, @gate : (tensor<?x256xf32>) -> tensor<?x64xf32>
    %u = sinter.matmul %a, @up : (tensor<?x256xf32>) -> tensor<?x64xf32>
    %v = sinter.matmul %a, @up : (tensor<?x256xf32>) -> tensor<?x64xf32>
    sinter.yield %g, %u, %v : tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>
  }
  %s = sinter.swiglu %m#0, %m#1 : tensor<?x64xf32>
  return %s, %m#2 : tensor<?x64xf32>, tensor<?x64xf32>
}

// CHECK-LABEL: func.func @reversed
// CHECK-SAME: "fuse-swiglu" = ["gate is not first in the joined matmul x1
func.func @reversed(%x: tensor<?x256xf32>) -> tensor<?x64xf32> {
  %u = sinter.matmul %x, @up : (tensor<?x256xf32>) -> tensor<?x64xf32>
  %g = sinter.matmul %x, @gate : (tensor<?x256xf32>) -> tensor<?x64xf32>
  %s = sinter.swiglu %g, %u : tensor<?x64xf32>
  return %s : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @used
// CHECK-SAME: "fuse-swiglu" = ["gate or up has other users x1
func.func @used(%x: tensor<?x256xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  %g = sinter.matmul %x, @gate : (tensor<?x256xf32>) -> tensor<?x64xf32>
  %u = sinter.matmul %x, @up : (tensor<?x256xf32>) -> tensor<?x64xf32>
  %s = sinter.swiglu %g, %u : tensor<?x64xf32>
  return %s, %u : tensor<?x64xf32>, tensor<?x64xf32>
}

// CHECK-LABEL: func.func @rows
// CHECK-SAME: "fuse-swiglu" = ["rows not a multiple of 16 (24) x1
func.func @rows(%x: tensor<?x256xf32>) -> tensor<?x24xf32> {
  %m:2 = sinter.region "projections" (%x) : (tensor<?x256xf32>) -> (tensor<?x24xf32>, tensor<?x24xf32>) {
  ^bb0(%a: tensor<?x256xf32>):
    %g = sinter.matmul %a, @odd : (tensor<?x256xf32>) -> tensor<?x24xf32>
    %u = sinter.matmul %a, @odd : (tensor<?x256xf32>) -> tensor<?x24xf32>
    sinter.yield %g, %u : tensor<?x24xf32>, tensor<?x24xf32>
  }
  %s = sinter.swiglu %m#0, %m#1 : tensor<?x24xf32>
  return %s : tensor<?x24xf32>
}

// Any gated activation.
// CHECK-LABEL: func.func @geglu
// CHECK-SAME: sinter.fused = {"fuse-swiglu" = 1 : i64
func.func @geglu(%x: tensor<?x256xf32>) -> tensor<?x64xf32> {
  // CHECK-NEXT: sinter.region "swiglu" (%arg0)
  // CHECK: sinter.geglu
  %g = sinter.matmul %x, @gate : (tensor<?x256xf32>) -> tensor<?x64xf32>
  %u = sinter.matmul %x, @up : (tensor<?x256xf32>) -> tensor<?x64xf32>
  %s = sinter.geglu %g, %u : tensor<?x64xf32>
  return %s : tensor<?x64xf32>
}

// An activation without a gate.
// CHECK-LABEL: func.func @plain
// CHECK-SAME: sinter.fused = {"fuse-swiglu" = 1 : i64
func.func @plain(%x: tensor<?x256xf32>) -> tensor<?x64xf32> {
  // CHECK-NEXT: sinter.region "swiglu" (%arg0)
  // CHECK-NEXT: ^bb0(%[[X:.*]]: tensor<?x256xf32>):
  // CHECK-NEXT: %[[U:.*]] = sinter.matmul %[[X]], @up
  // CHECK-NEXT: sinter.gelu %[[U]]
  %u = sinter.matmul %x, @up : (tensor<?x256xf32>) -> tensor<?x64xf32>
  %s = sinter.gelu %u : tensor<?x64xf32>
  return %s : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @sum
// CHECK-SAME: "fuse-swiglu" = ["input is not a matmul x1
func.func @sum(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  %u = sinter.add %x, %x : tensor<?x64xf32>
  %s = sinter.relu2 %u : tensor<?x64xf32>
  return %s : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @read_twice
// CHECK-SAME: "fuse-swiglu" = ["the matmul has other users x1
func.func @read_twice(%x: tensor<?x256xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  %u = sinter.matmul %x, @up : (tensor<?x256xf32>) -> tensor<?x64xf32>
  %s = sinter.relu2 %u : tensor<?x64xf32>
  return %s, %u : tensor<?x64xf32>, tensor<?x64xf32>
}

// Scaling is no activation: nobody's business.
// CHECK-LABEL: func.func @scaled
// CHECK-SAME: sinter.fused = {"fuse-swiglu" = 0 : i64
// CHECK-NOT: "fuse-swiglu" = [
// CHECK: sinter.scale
func.func @scaled(%x: tensor<?x256xf32>) -> tensor<?x64xf32> {
  %u = sinter.matmul %x, @up : (tensor<?x256xf32>) -> tensor<?x64xf32>
  %s = sinter.scale %u by 2.0 : tensor<?x64xf32>
  return %s : tensor<?x64xf32>
}
