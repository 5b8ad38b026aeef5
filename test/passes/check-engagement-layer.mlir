// A whole layer, from embedding to logits: every fusion fires as often as the
// model's facts promise, and inlining gives back the program it started from.
// RUN: sinter-opt %s --sinter-choose-activation-format > %t.plain
// RUN: sinter-opt %t.plain --sinter-merge-projections --sinter-fuse-swiglu --sinter-fuse-residual-norm --sinter-fuse-rope-cache-write --sinter-fuse-act-quant --sinter-check-engagement="require=merge-projections,fuse-swiglu,fuse-residual-norm,fuse-rope-cache-write,fuse-act-quant" > %t.fused
// RUN: FileCheck %s < %t.fused
// RUN: sinter-opt %t.fused --sinter-inline-regions | sed 's/ attributes {sinter[.]fused.*} {$/ {/' | diff - %t.plain

// CHECK-LABEL: func.func @step
// CHECK-SAME: sinter.fused = {"fuse-act-quant" = 5 : i64, "fuse-residual-norm" = 1 : i64, "fuse-rope-cache-write" = 1 : i64, "fuse-swiglu" = 1 : i64, "merge-projections" = 2 : i64}
// CHECK-NEXT: sinter.embed
// CHECK-NEXT: sinter.region "act_quant"
// CHECK: sinter.region "projections"
// CHECK: sinter.region "rope_cache_write"
// CHECK: sinter.region "act_quant"
// CHECK: sinter.attention
// CHECK: sinter.region "act_quant"
// CHECK: sinter.region "residual_norm"
// CHECK: sinter.region "act_quant"
// CHECK: sinter.region "swiglu"
// CHECK: sinter.region "projections"
// CHECK: sinter.select_rows
// CHECK: sinter.region "act_quant"
// CHECK: return
#rope = #sinter.rope<width = 32, base = 1.0e6 : f64, neox = true>
!kv = !sinter.kv_cache<heads = 2, keys = 32, values = 32, f16>
module attributes {sinter.model = #sinter.model<family = "qwen3", layers = 1, attention = 1, ffn = 1, hidden = 256, vocabulary = 64, trainedContext = 128, counts = {quantised_rows = 5 : i64}>} {
  sinter.weight @embd : tensor<64x256x!sinter.q6_k> at 0 : 0
  sinter.weight @n1 : tensor<256xf32> at 0 : 0
  sinter.weight @n2 : tensor<256xf32> at 0 : 0
  sinter.weight @n3 : tensor<256xf32> at 0 : 0
  sinter.weight @qn : tensor<32xf32> at 0 : 0
  sinter.weight @kn : tensor<32xf32> at 0 : 0
  sinter.weight @wq : tensor<128x256x!sinter.q4_k> at 0 : 0
  sinter.weight @wk : tensor<64x256x!sinter.q4_k> at 0 : 0
  sinter.weight @wv : tensor<64x256x!sinter.q6_k> at 0 : 0
  sinter.weight @wo : tensor<256x128x!sinter.q8_0> at 0 : 0
  sinter.weight @wg : tensor<512x256x!sinter.q4_k> at 0 : 0
  sinter.weight @wu : tensor<512x256x!sinter.q4_k> at 0 : 0
  sinter.weight @wd : tensor<256x512x!sinter.q4_k> at 0 : 0
  func.func @step(%batch: !sinter.batch, %kv: !kv) -> tensor<?x64xf32> {
    %x = sinter.embed %batch, @embd : tensor<?x256xf32>
    %n = sinter.rms_norm %x, @n1 epsilon 1.0e-6 : tensor<?x256xf32>
    %q = sinter.matmul %n, @wq : (tensor<?x256xf32>) -> tensor<?x128xf32>
    %k = sinter.matmul %n, @wk : (tensor<?x256xf32>) -> tensor<?x64xf32>
    %v = sinter.matmul %n, @wv : (tensor<?x256xf32>) -> tensor<?x64xf32>
    %qn = sinter.rms_norm %q, @qn epsilon 1.0e-6 : tensor<?x128xf32>
    %kn = sinter.rms_norm %k, @kn epsilon 1.0e-6 : tensor<?x64xf32>
    %qr = sinter.rope %qn, %batch heads 4 #rope : tensor<?x128xf32>
    %kr = sinter.rope %kn, %batch heads 2 #rope : tensor<?x64xf32>
    sinter.cache_write %kr, %v, %kv, %batch : tensor<?x64xf32>, tensor<?x64xf32>, !kv
    %o = sinter.attention %qr, %kv, %batch heads 4 scale 0.1767766 : (tensor<?x128xf32>, !kv, !sinter.batch) -> tensor<?x128xf32>
    %a = sinter.matmul %o, @wo : (tensor<?x128xf32>) -> tensor<?x256xf32>
    %s = sinter.add %x, %a : tensor<?x256xf32>
    %m = sinter.rms_norm %s, @n2 epsilon 1.0e-6 : tensor<?x256xf32>
    %g = sinter.matmul %m, @wg : (tensor<?x256xf32>) -> tensor<?x512xf32>
    %u = sinter.matmul %m, @wu : (tensor<?x256xf32>) -> tensor<?x512xf32>
    %w = sinter.swiglu %g, %u : tensor<?x512xf32>
    %d = sinter.matmul %w, @wd : (tensor<?x512xf32>) -> tensor<?x256xf32>
    %e = sinter.add %s, %d : tensor<?x256xf32>
    %l = sinter.select_rows %e, %batch : tensor<?x256xf32>
    %f = sinter.rms_norm %l, @n3 epsilon 1.0e-6 : tensor<?x256xf32>
    %y = sinter.matmul %f, @embd : (tensor<?x256xf32>) -> tensor<?x64xf32>
    return %y : tensor<?x64xf32>
  }
}
