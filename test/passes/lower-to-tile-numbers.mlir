// Ops with a weight of one number, or without the usual one.
// RUN: sinter-opt %s --sinter-lower-to-tile | FileCheck %s

sinter.weight @blk.0.scale.weight : tensor<1xf32> at 0 : 0
sinter.weight @blk.1.scale.weight : tensor<1xf32> at 0 : 4

// One kernel for both layers: the number is an operand.
// CHECK: tile.kernel @scale_by_f32_n64 #tile.elementwise<[64, 0] -> {{.*}}
// CHECK-NEXT: ^bb0(%[[X:.*]]: f32, %[[S:.*]]: f32):
// CHECK-NEXT: arith.mulf %[[X]], %[[S]]
// CHECK: tile.vector @blk.0.scale.f32 from [@blk.0.scale.weight]
// CHECK-NOT: tile.kernel @scale_by
// CHECK: tile.vector @blk.1.scale.f32 from [@blk.1.scale.weight]
// CHECK: tile.kernel @unit_norm_f32_n64_g16 #tile.norm<{{.*}}group = 16, {{.*}}unit = true>
// CHECK-LABEL: func.func @f
func.func @f(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  // CHECK-NEXT: %[[A:.*]] = tile.launch @scale_by_f32_n64 (%arg0) [@blk.0.scale.f32] order ["i0", "s0", "o0"]
  %a = sinter.scale_by %x, @blk.0.scale.weight : tensor<?x64xf32>
  // CHECK-NEXT: %[[B:.*]] = tile.launch @scale_by_f32_n64 (%[[A]]) [@blk.1.scale.f32]
  %b = sinter.scale_by %a, @blk.1.scale.weight : tensor<?x64xf32>
  // CHECK-NEXT: tile.launch @unit_norm_f32_n64_g16 (%[[B]]) [] order ["i0", "o0"]
  %c = sinter.unit_norm %b epsilon 1.0e-6 heads 4 : tensor<?x64xf32>
  return %c : tensor<?x64xf32>
}
