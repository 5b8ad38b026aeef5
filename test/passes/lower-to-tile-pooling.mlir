// RUN: sinter-opt %s --sinter-lower-to-tile -split-input-file -verify-diagnostics | FileCheck %s

sinter.weight @position_embd.weight : tensor<512x64xf32> at 0 : 0

// CHECK-DAG: tile.kernel @embed_position_f32_n512_k64 #tile.embed<format = "f32", weightRows = 512, output = <width = 64, stride = 64>, by = "position">
// CHECK-DAG: tile.kernel @embed_first_f32_n512_k64 #tile.embed<{{.*}}by = "first">
// CHECK-DAG: tile.kernel @pool_mean_n64 #tile.pool<kind = "mean", width = 64, stride = 64>
// CHECK-DAG: tile.kernel @softmax_n64_1 #tile.softmax<width = 64, stride = 64, outputs = true>
// CHECK-DAG: tile.kernel @softmax_n64 #tile.softmax<width = 64, stride = 64>
// CHECK-DAG: tile.kernel @gelu_erf_f32_n64
// CHECK-LABEL: func.func @f
func.func @f(%batch: !sinter.batch) -> tensor<?x64xf32> {
  // CHECK: %[[P:.*]] = tile.launch @embed_position_f32_n512_k64 () [@position_embd.packed] order ["s0", "o0"]
  %p = sinter.embed_rows %batch, @position_embd.weight by "position" : tensor<?x64xf32>
  // CHECK: tile.launch @embed_first_f32_n512_k64 () [@position_embd.packed]
  %t = sinter.embed_rows %batch, @position_embd.weight by "first" : tensor<?x64xf32>
  %x = sinter.add %p, %t : tensor<?x64xf32>
  %g = sinter.gelu_erf %x : tensor<?x64xf32>
  // CHECK: tile.launch @softmax_n64 (%{{.*}})
  %y = sinter.softmax %g : tensor<?x64xf32>
  // CHECK: %[[R:.*]] = tile.launch @pool_mean_n64 (%{{.*}}) [] order ["i0", "o0"]
  %r = sinter.pool %y, %batch "mean" : tensor<?x64xf32>
  // Rows that are outputs: another kernel.
  // CHECK: tile.launch @softmax_n64_1 (%{{.*}})
  %h = sinter.tanh %r : tensor<?x64xf32>
  %s = sinter.softmax %h : tensor<?x64xf32>
  return %s : tensor<?x64xf32>
}

// -----

func.func @pooled_twice(%x: tensor<?x64xf32>, %batch: !sinter.batch) -> tensor<?x64xf32> {
  %r = sinter.pool %x, %batch "first" : tensor<?x64xf32>
  // expected-error @below {{follows select_rows, but needs a row per token}}
  %s = sinter.pool %r, %batch "mean" : tensor<?x64xf32>
  return %s : tensor<?x64xf32>
}
