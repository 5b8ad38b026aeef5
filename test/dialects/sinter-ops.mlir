// RUN: sinter-opt %s --verify-roundtrip | FileCheck %s
// RUN: sinter-opt %s --emit-bytecode | sinter-opt | FileCheck %s

// CHECK: module attributes {sinter.model = #sinter.model<family = "qwen3", layers = 28, attention = 28, ffn = 28, hidden = 1024, vocabulary = 151936, trainedContext = 40960, counts = {rotated = 21 : i64}>
// CHECK-SAME: sinter.target = #sinter.target<level = "x86-64-v4", features = "avx512vnni,avx512bf16", cores = 2, l1 = 32768, l2 = 1048576, l3 = 33554432>
#rope = #sinter.rope<width = 32, base = 1.0e6 : f64, neox = true>
#scaled = #sinter.rope<width = 32, base = 1.0e4 : f64, neox = false, factors = @vec32, linear = 4.0 : f64>
#yarn = #sinter.rope<width = 32, base = 1.0e4 : f64, neox = false, yarn = [4.0, 4096.0, 1.0, 1.0, 32.0, 1.0]>
!kv = !sinter.kv_cache<heads = 2, keys = 32, values = 32, f16>
!kv32 = !sinter.kv_cache<heads = 2, keys = 32, values = 16, f32>
!ring = !sinter.kv_cache<heads = 2, keys = 32, values = 32, f16, window = 512>
module attributes {
    sinter.model = #sinter.model<family = "qwen3", layers = 28, attention = 28, ffn = 28, hidden = 1024, vocabulary = 151936, trainedContext = 40960, counts = {rotated = 21 : i64}>,
    sinter.target = #sinter.target<level = "x86-64-v4", features = "avx512vnni,avx512bf16", cores = 2, l1 = 32768, l2 = 1048576, l3 = 33554432>} {
  // Every format is a type by its name; plain ones are the builtin types.
  // CHECK: sinter.weight @q8_0 : tensor<64x256x!sinter.q8_0> at 0 : 4096
  sinter.weight @q8_0 : tensor<64x256x!sinter.q8_0> at 0 : 4096
  // CHECK: sinter.weight @q4_0 : tensor<64x256x!sinter.q4_0> at 1 : 0
  sinter.weight @q4_0 : tensor<64x256x!sinter.q4_0> at 1 : 0
  // CHECK: !sinter.q4_1>
  sinter.weight @q4_1 : tensor<64x256x!sinter.q4_1> at 0 : 0
  // CHECK: !sinter.q5_0>
  sinter.weight @q5_0 : tensor<64x256x!sinter.q5_0> at 0 : 0
  // CHECK: !sinter.q5_1>
  sinter.weight @q5_1 : tensor<64x256x!sinter.q5_1> at 0 : 0
  // CHECK: !sinter.q2_k>
  sinter.weight @q2_k : tensor<64x256x!sinter.q2_k> at 0 : 0
  // CHECK: !sinter.q3_k>
  sinter.weight @q3_k : tensor<64x256x!sinter.q3_k> at 0 : 0
  // CHECK: !sinter.q4_k>
  sinter.weight @q4_k : tensor<64x256x!sinter.q4_k> at 0 : 0
  // CHECK: !sinter.q5_k>
  sinter.weight @q5_k : tensor<64x256x!sinter.q5_k> at 0 : 0
  // CHECK: !sinter.q6_k>
  sinter.weight @q6_k : tensor<64x256x!sinter.q6_k> at 0 : 0
  // CHECK: !sinter.iq4_nl>
  sinter.weight @iq4_nl : tensor<64x256x!sinter.iq4_nl> at 0 : 0
  // CHECK: !sinter.iq4_xs>
  sinter.weight @iq4_xs : tensor<64x256x!sinter.iq4_xs> at 0 : 0
  // CHECK: !sinter.mxfp4>
  sinter.weight @mxfp4 : tensor<64x256x!sinter.mxfp4> at 0 : 0
  // CHECK: !sinter.nvfp4>
  sinter.weight @nvfp4 : tensor<64x256x!sinter.nvfp4> at 0 : 0
  // CHECK: tensor<64x256xf32>
  sinter.weight @f32 : tensor<64x256xf32> at 0 : 0
  // CHECK: tensor<64x256xf16>
  sinter.weight @f16 : tensor<64x256xf16> at 0 : 0
  // CHECK: tensor<64x256xbf16>
  sinter.weight @bf16 : tensor<64x256xbf16> at 0 : 0
  sinter.weight @vec256 : tensor<256xf32> at 0 : 0
  sinter.weight @vec64 : tensor<64xf32> at 0 : 0
  sinter.weight @vec32 : tensor<32xf32> at 0 : 0
  sinter.weight @one : tensor<1xf32> at 0 : 0
  sinter.weight @two : tensor<2xf32> at 0 : 0

  // CHECK-LABEL: func.func @step
  func.func @step(%b: !sinter.batch, %kv: !kv, %kv32: !kv32, %ring: !ring) -> tensor<?x64xf32> {
    // CHECK: sinter.embed %arg0, @q8_0 : tensor<?x256xf32>
    %x = sinter.embed %b, @q8_0 : tensor<?x256xf32>
    // CHECK: sinter.embed %arg0, @nvfp4 scale @one : tensor<?x256xf32>
    %y = sinter.embed %b, @nvfp4 scale @one : tensor<?x256xf32>
    // CHECK: sinter.add %{{.*}}, %{{.*}} : tensor<?x256xf32>
    %s = sinter.add %x, %y : tensor<?x256xf32>
    // CHECK: sinter.rms_norm %{{.*}}, @vec256 epsilon {{.*}} : tensor<?x256xf32>
    %n = sinter.rms_norm %s, @vec256 epsilon 1.0e-6 : tensor<?x256xf32>
    // CHECK: sinter.rms_norm %{{.*}}, @vec32 epsilon
    %h = sinter.rms_norm %n, @vec32 epsilon 1.0e-6 : tensor<?x256xf32>
    // CHECK: sinter.quantize %{{.*}} : tensor<?x256xf32> -> tensor<?x256x!sinter.q8<3>>
    %q = sinter.quantize %h : tensor<?x256xf32> -> tensor<?x256x!sinter.q8<3>>
    // CHECK: sinter.matmul %{{.*}}, @q4_k : (tensor<?x256x!sinter.q8<3>>) -> tensor<?x64xf32>
    %a = sinter.matmul %q, @q4_k : (tensor<?x256x!sinter.q8<3>>) -> tensor<?x64xf32>
    // CHECK: sinter.matmul %{{.*}}, @nvfp4 scale @one bias @vec64 : (tensor<?x256xf32>) -> tensor<?x64xf32>
    %c = sinter.matmul %h, @nvfp4 scale @one bias @vec64 : (tensor<?x256xf32>) -> tensor<?x64xf32>
    // CHECK: sinter.swiglu %{{.*}}, %{{.*}} : tensor<?x64xf32>
    %w = sinter.swiglu %a, %c : tensor<?x64xf32>
    // CHECK: sinter.rope %{{.*}}, %arg0 heads 2 <width = 32, base = 1.000000e+06 : f64, neox = true> : tensor<?x64xf32>
    %r = sinter.rope %w, %b heads 2 #rope : tensor<?x64xf32>
    // CHECK: sinter.rope %{{.*}}, %arg0 heads 2 <width = 32, base = 1.000000e+04 : f64, neox = false, factors = @vec32, linear = 4.000000e+00 : f64>
    %t = sinter.rope %w, %b heads 2 #scaled : tensor<?x64xf32>
    // CHECK: sinter.rope %{{.*}}, %arg0 heads 2 <width = 32, base = 1.000000e+04 : f64, neox = false, yarn = [4.000000e+00, 4.096000e+03, 1.000000e+00, 1.000000e+00, 3.200000e+01, 1.000000e+00]>
    %u = sinter.rope %w, %b heads 2 #yarn : tensor<?x64xf32>
    // CHECK: sinter.rope %{{.*}}, %arg0 heads 2 <width = 32, base = 1.000000e+04 : f64, neox = false, temperature = [1.000000e-01, 4.096000e+03]>
    %hot = sinter.rope %w, %b heads 2 <width = 32, base = 1.0e4 : f64, neox = false, temperature = [0.1, 4096.0]> : tensor<?x64xf32>
    // CHECK: longFactors = @vec32, longFrom = 4096>
    %far = sinter.rope %w, %b heads 2 <width = 32, base = 1.0e4 : f64, neox = true, factors = @vec32, longFactors = @vec32, longFrom = 4096> : tensor<?x64xf32>
    // CHECK: sinter.cache_write %{{.*}}, %{{.*}}, %arg1, %arg0 : tensor<?x64xf32>, tensor<?x64xf32>, <heads = 2, keys = 32, values = 32, f16>
    sinter.cache_write %r, %t, %kv, %b : tensor<?x64xf32>, tensor<?x64xf32>, !kv
    // CHECK: sinter.attention %{{.*}}, %arg1, %arg0 heads 2 scale 1.250000e-01 : (tensor<?x64xf32>, !sinter.kv_cache<heads = 2, keys = 32, values = 32, f16>, !sinter.batch) -> tensor<?x64xf32>
    %o = sinter.attention %u, %kv, %b heads 2 scale 0.125 : (tensor<?x64xf32>, !kv, !sinter.batch) -> tensor<?x64xf32>
    // CHECK: sinter.attention %{{.*}} -> tensor<?x32xf32>
    %p = sinter.attention %u, %kv32, %b heads 2 scale 0.125 : (tensor<?x64xf32>, !kv32, !sinter.batch) -> tensor<?x32xf32>
    // CHECK: sinter.attention %{{.*}}, %arg3, %arg0 heads 2 scale 1.250000e-01 window 512 softcap 5.000000e+01 sinks @two : {{.*}}!sinter.kv_cache<heads = 2, keys = 32, values = 32, f16, window = 512>
    %w2 = sinter.attention %u, %ring, %b heads 2 scale 0.125 window 512 softcap 50.0 sinks @two : (tensor<?x64xf32>, !ring, !sinter.batch) -> tensor<?x64xf32>
    // CHECK: %[[R:.*]]:2 = sinter.region "pair" (%{{.*}}) : (tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
    // CHECK: sinter.yield %{{.*}}, %{{.*}} : tensor<?x64xf32>, tensor<?x64xf32>
    %z:2 = sinter.region "pair" (%o) : (tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
    ^bb0(%i: tensor<?x64xf32>):
      %j = sinter.add %i, %i : tensor<?x64xf32>
      sinter.yield %i, %j : tensor<?x64xf32>, tensor<?x64xf32>
    }
    // CHECK: sinter.select_rows %[[R]]#1, %arg0 : tensor<?x64xf32>
    %l = sinter.select_rows %z#1, %b : tensor<?x64xf32>
    return %l : tensor<?x64xf32>
  }

  // Caches of bytes.
  // CHECK: func.func private @bytes(!sinter.kv_cache<heads = 2, keys = 32, values = 64, !sinter.q8_0, window = 64>, !sinter.kv_cache<heads = 2, keys = 36, values = 20, f8E4M3FN>)
  func.func private @bytes(!sinter.kv_cache<heads = 2, keys = 32, values = 64, !sinter.q8_0, window = 64>, !sinter.kv_cache<heads = 2, keys = 36, values = 20, f8E4M3FN>)
}
