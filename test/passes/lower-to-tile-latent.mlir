// Multi-head latent attention: a launch for each op, columns of one head are
// views, an output in 8-bit rows is the producer's.
// RUN: sinter-opt %s --sinter-lower-to-tile -split-input-file -verify-diagnostics | FileCheck %s

sinter.weight @k_b.weight : tensor<16x64x32x!sinter.q8_0> at 0 : 0
sinter.weight @v_b.weight : tensor<16x32x64xf16> at 0 : 0
!kv = !sinter.kv_cache<heads = 1, keys = 80, values = 0, f16>

// CHECK-DAG: tile.packed_experts @k_b.experts from [@k_b.weight] first [0] rows 64
// CHECK-DAG: tile.kernel @head_columns_q8_h16_n32_at0 #tile.head_columns<heads = 16, headWidth = 48, offset = 0, stride = 768, output = <width = 512, q8 = true, sums = 1>>
// CHECK-DAG: tile.kernel @head_matmul_q8_0_h16_n64_k32 #tile.head_gemm<format = "q8_0", heads = 16, weightRows = 64, input = <width = 512, q8 = true, sums = 1>, output = <width = 1024, stride = 1024>>
// CHECK-DAG: tile.kernel @latent_write_k64_16 #tile.latent_write<rank = 64, rotary = 16, latentStride = 80, rotatedStride = 80>
// 8 of 16 heads share the loads of a row: two items.
// CHECK-DAG: tile.kernel @latent_attention_f32_h16_k64_16 #tile.latent_attention<heads = 16, sharing = 8, rank = 64, rotary = 16, scale = 1.250000e-01 : f64, latentStride = 1024, rotatedStride = 256, output = <width = 1024, stride = 1024>>
// CHECK-DAG: tile.kernel @head_matmul_f16_h16_n32_k64 #tile.head_gemm<format = "f16", heads = 16, weightRows = 32, input = <width = 1024, stride = 1024>, output = <width = 512, q8 = true, sums = 2>>
// CHECK-LABEL: func.func @absorbed
func.func @absorbed(%batch: !sinter.batch, %kv: !kv, %q: tensor<?x768xf32>, %row: tensor<?x80xf32>, %r: tensor<?x256xf32>) -> tensor<?x512x!sinter.q8<2>> {
  // CHECK: %[[C:.*]] = tile.columns %{{.*}} at 0
  %c = sinter.head_columns %row heads 1 at 0 : tensor<?x80xf32> -> tensor<?x64xf32>
  // CHECK: %[[K:.*]] = tile.columns %{{.*}} at 64
  %k = sinter.head_columns %row heads 1 at 64 : tensor<?x80xf32> -> tensor<?x16xf32>
  // CHECK: tile.launch @latent_write_k64_16 (%[[C]], %[[K]], %{{.*}}) [] order ["i0", "i1", "i2"] label {{.*}} writes_state
  sinter.latent_write %c, %k, %kv, %batch : tensor<?x64xf32>, tensor<?x16xf32>, !kv
  // CHECK: %[[N8:.*]] = tile.launch @head_columns_q8_h16_n32_at0 (%{{.*}}) [] order ["i0", "o0"]
  %n8 = sinter.region "act_quant" (%q) : (tensor<?x768xf32>) -> tensor<?x512x!sinter.q8<1>> {
  ^bb0(%x: tensor<?x768xf32>):
    %n = sinter.head_columns %x heads 16 at 0 : tensor<?x768xf32> -> tensor<?x512xf32>
    %e = sinter.quantize %n : tensor<?x512xf32> -> tensor<?x512x!sinter.q8<1>>
    sinter.yield %e : tensor<?x512x!sinter.q8<1>>
  }
  // CHECK: %[[A:.*]] = tile.launch @head_matmul_q8_0_h16_n64_k32 (%[[N8]]) [@k_b.experts] order ["i0", "s0", "o0"]
  %a = sinter.head_matmul %n8, @k_b.weight : (tensor<?x512x!sinter.q8<1>>) -> tensor<?x1024xf32>
  // CHECK: %[[O:.*]] = tile.launch @latent_attention_f32_h16_k64_16 (%[[A]], %{{.*}}, %{{.*}}) [] order ["i0", "i1", "i2", "o0"]
  %o = sinter.latent_attention %a, %r, %kv, %batch heads 16 scale 0.125 : (tensor<?x1024xf32>, tensor<?x256xf32>, !kv) -> tensor<?x1024xf32>
  // CHECK: tile.launch @head_matmul_f16_h16_n32_k64 (%[[O]]) [@v_b.experts]
  %v8 = sinter.region "act_quant" (%o) : (tensor<?x1024xf32>) -> tensor<?x512x!sinter.q8<2>> {
  ^bb0(%x: tensor<?x1024xf32>):
    %v = sinter.head_matmul %x, @v_b.weight : (tensor<?x1024xf32>) -> tensor<?x512xf32>
    %e = sinter.quantize %v : tensor<?x512xf32> -> tensor<?x512x!sinter.q8<2>>
    sinter.yield %e : tensor<?x512x!sinter.q8<2>>
  }
  return %v8 : tensor<?x512x!sinter.q8<2>>
}

// -----

// CHECK-DAG: tile.kernel @join_heads_h4_n32_16 #tile.join_heads<heads = 4, first = 32, second = 16, firstStride = 128, secondStride = 16, shared = true>
// CHECK-DAG: tile.kernel @join_heads_h4_n32_16_1 #tile.join_heads<heads = 4, first = 32, second = 16, firstStride = 128, secondStride = 64>
// CHECK-LABEL: func.func @joined
func.func @joined(%n: tensor<?x128xf32>, %one: tensor<?x16xf32>, %each: tensor<?x64xf32>) -> (tensor<?x192xf32>, tensor<?x192xf32>) {
  // CHECK: tile.launch @join_heads_h4_n32_16 (%{{.*}}, %{{.*}}) [] order ["i0", "i1", "o0"]
  %k = sinter.join_heads %n, %one heads 4 : (tensor<?x128xf32>, tensor<?x16xf32>) -> tensor<?x192xf32>
  // CHECK: tile.launch @join_heads_h4_n32_16_1
  %q = sinter.join_heads %n, %each heads 4 : (tensor<?x128xf32>, tensor<?x64xf32>) -> tensor<?x192xf32>
  return %k, %q : tensor<?x192xf32>, tensor<?x192xf32>
}

// -----

sinter.weight @w : tensor<4x16x32xf16> at 0 : 0
func.func @outputs(%x: tensor<?x128xf32>, %batch: !sinter.batch) -> tensor<?x64xf32> {
  %r = sinter.select_rows %x, %batch : tensor<?x128xf32>
  // expected-error @below {{follows select_rows, but needs a row per token}}
  %s = sinter.head_matmul %r, @w : (tensor<?x128xf32>) -> tensor<?x64xf32>
  return %s : tensor<?x64xf32>
}
