// The ops and skeleton classes of multi-head latent attention print and parse.
// RUN: sinter-opt %s --verify-roundtrip | FileCheck %s

sinter.weight @k_b : tensor<4x64x32x!sinter.q8_0> at 0 : 0
sinter.weight @v_b : tensor<4x48x64xf16> at 0 : 0
!kv = !sinter.kv_cache<heads = 1, keys = 80, values = 0, f16>

// CHECK-LABEL: func.func @plain
func.func @plain(%batch: !sinter.batch, %kv: !kv, %q: tensor<?x128xf32>, %r: tensor<?x64xf32>, %c: tensor<?x64xf32>, %k: tensor<?x16xf32>) {
  // CHECK: sinter.latent_write %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : tensor<?x64xf32>, tensor<?x16xf32>, {{.*}}<heads = 1, keys = 80, values = 0, f16>
  sinter.latent_write %c, %k, %kv, %batch : tensor<?x64xf32>, tensor<?x16xf32>, !kv
  // CHECK: %[[A:.*]] = sinter.head_matmul %{{.*}}, @k_b : (tensor<?x128xf32>) -> tensor<?x256xf32>
  %a = sinter.head_matmul %q, @k_b : (tensor<?x128xf32>) -> tensor<?x256xf32>
  // CHECK: %[[O:.*]] = sinter.latent_attention %[[A]], %{{.*}}, %{{.*}}, %{{.*}} heads 4 scale 1.250000e-01 : (tensor<?x256xf32>, tensor<?x64xf32>, {{.*}}<heads = 1, keys = 80, values = 0, f16>) -> tensor<?x256xf32>
  %o = sinter.latent_attention %a, %r, %kv, %batch heads 4 scale 0.125 : (tensor<?x256xf32>, tensor<?x64xf32>, !kv) -> tensor<?x256xf32>
  // CHECK: sinter.head_matmul %[[O]], @v_b : (tensor<?x256xf32>) -> tensor<?x192xf32>
  %v = sinter.head_matmul %o, @v_b : (tensor<?x256xf32>) -> tensor<?x192xf32>
  // CHECK: sinter.join_heads %{{.*}}, %{{.*}} heads 4 : (tensor<?x128xf32>, tensor<?x16xf32>) -> tensor<?x192xf32>
  %j = sinter.join_heads %q, %k heads 4 : (tensor<?x128xf32>, tensor<?x16xf32>) -> tensor<?x192xf32>
  // CHECK: sinter.join_heads %{{.*}}, %{{.*}} heads 4 : (tensor<?x128xf32>, tensor<?x64xf32>) -> tensor<?x192xf32>
  %j2 = sinter.join_heads %q, %r heads 4 : (tensor<?x128xf32>, tensor<?x64xf32>) -> tensor<?x192xf32>
  return
}

// CHECK: tile.kernel @gemm #tile.head_gemm<format = "q8_0", heads = 4, weightRows = 64, input = <width = 128, q8 = true, sums = 1>, output = <width = 256, stride = 256>, decode = true>
tile.kernel @gemm #tile.head_gemm<format = "q8_0", heads = 4, weightRows = 64, input = <width = 128, q8 = true, sums = 1>, output = <width = 256, stride = 256>, decode = true> {}
// CHECK: tile.kernel @write #tile.latent_write<rank = 64, rotary = 16, latentStride = 80, rotatedStride = 16>
tile.kernel @write #tile.latent_write<rank = 64, rotary = 16, latentStride = 80, rotatedStride = 16> {}
// CHECK: tile.kernel @attention #tile.latent_attention<heads = 4, sharing = 4, rank = 64, rotary = 16, scale = 1.250000e-01 : f64, latentStride = 256, rotatedStride = 64, output = <width = 256, stride = 256>>
tile.kernel @attention #tile.latent_attention<heads = 4, sharing = 4, rank = 64, rotary = 16, scale = 0.125 : f64, latentStride = 256, rotatedStride = 64, output = <width = 256, stride = 256>> {}
// CHECK: tile.kernel @join #tile.join_heads<heads = 4, first = 32, second = 16, firstStride = 128, secondStride = 16, shared = true>
tile.kernel @join #tile.join_heads<heads = 4, first = 32, second = 16, firstStride = 128, secondStride = 16, shared = true> {}
