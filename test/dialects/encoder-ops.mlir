// RUN: sinter-opt %s --verify-roundtrip | FileCheck %s
// RUN: sinter-opt %s --emit-bytecode | sinter-opt | FileCheck %s

// CHECK: sinter.result = #sinter.result<kind = "embedding", width = 64, pooled = true, whole = true, positions = 512>
module attributes {sinter.result = #sinter.result<kind = "embedding", width = 64, pooled = true, whole = true, positions = 512>} {
sinter.weight @position_embd.weight : tensor<512x64xf32> at 0 : 0

// CHECK-LABEL: func.func @f
func.func @f(%batch: !sinter.batch, %kv: !sinter.kv_cache<heads = 2, keys = 32, values = 32, f16>) -> tensor<?x64xf32> {
  // CHECK: sinter.embed_rows %{{.*}}, @position_embd.weight by "position" : tensor<?x64xf32>
  %a = sinter.embed_rows %batch, @position_embd.weight by "position" : tensor<?x64xf32>
  // CHECK: sinter.embed_rows %{{.*}}, @position_embd.weight by "first" : tensor<?x64xf32>
  %b = sinter.embed_rows %batch, @position_embd.weight by "first" : tensor<?x64xf32>
  // CHECK: sinter.attention {{.*}} heads 2 scale 1.250000e-01 bidirectional alibi 8.000000e+00 :
  %c = sinter.attention %a, %kv, %batch heads 2 scale 0.125 bidirectional alibi 8.0 : (tensor<?x64xf32>, !sinter.kv_cache<heads = 2, keys = 32, values = 32, f16>, !sinter.batch) -> tensor<?x64xf32>
  // CHECK: sinter.gelu_erf %{{.*}} : tensor<?x64xf32>
  %d = sinter.gelu_erf %c : tensor<?x64xf32>
  // CHECK: sinter.geglu_erf %{{.*}}, %{{.*}} : tensor<?x64xf32>
  %e = sinter.geglu_erf %d, %b : tensor<?x64xf32>
  // CHECK: sinter.pool %{{.*}}, %{{.*}} "mean" : tensor<?x64xf32>
  %f = sinter.pool %e, %batch "mean" : tensor<?x64xf32>
  // CHECK: sinter.tanh %{{.*}} : tensor<?x64xf32>
  %g = sinter.tanh %f : tensor<?x64xf32>
  // CHECK: sinter.softmax %{{.*}} : tensor<?x64xf32>
  %h = sinter.softmax %g : tensor<?x64xf32>
  return %h : tensor<?x64xf32>
}
}
