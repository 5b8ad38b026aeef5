// RUN: sinter-opt %s --sinter-fuse-rope-cache-write | FileCheck %s
// RUN: sinter-opt %s --sinter-fuse-rope-cache-write > %t.once
// RUN: sinter-opt %t.once --sinter-fuse-rope-cache-write | diff - %t.once
// RUN: sinter-opt %s --sinter-fuse-rope-cache-write --sinter-inline-regions | FileCheck %s --check-prefix=INLINE

#rope = #sinter.rope<width = 32, base = 1.0e6 : f64, neox = true>
#other = #sinter.rope<width = 32, base = 1.0e4 : f64, neox = true>
#hot = #sinter.rope<width = 32, base = 1.0e6 : f64, neox = true, temperature = [0.1, 4096.0]>
!kv = !sinter.kv_cache<heads = 2, keys = 32, values = 32, f16>
sinter.weight @qn : tensor<32xf32> at 0 : 0
sinter.weight @kn : tensor<32xf32> at 0 : 0
sinter.weight @wide : tensor<128xf32> at 0 : 0
sinter.weight @w : tensor<64x128xf32> at 0 : 0

// CHECK-LABEL: func.func @normed
// CHECK-SAME: sinter.fused = {"fuse-rope-cache-write" = 1 : i64}
// CHECK-NOT: sinter.refused
// INLINE-LABEL: func.func @normed
func.func @normed(%b: !sinter.batch, %kv: !kv, %q: tensor<?x128xf32>, %k: tensor<?x64xf32>, %v: tensor<?x64xf32>) -> tensor<?x128xf32> {
  // CHECK-NEXT: %[[R:.*]] = sinter.region "rope_cache_write" (%arg2, %arg3, %arg4, %arg1, %arg0)
  // CHECK-NEXT: ^bb0(%[[Q:[^:]*]]: {{[^%]*}}%[[K:[^:]*]]: {{[^%]*}}%[[V:[^:]*]]: {{[^%]*}}%[[KV:[^:]*]]: {{[^%]*}}%[[B:[^:]*]]: !sinter.batch):
  // CHECK-NEXT: %[[QN:.*]] = sinter.rms_norm %[[Q]], @qn
  // CHECK-NEXT: %[[KN:.*]] = sinter.rms_norm %[[K]], @kn
  // CHECK-NEXT: %[[QR:.*]] = sinter.rope %[[QN]], %[[B]] heads 4
  // CHECK-NEXT: %[[KR:.*]] = sinter.rope %[[KN]], %[[B]] heads 2
  // CHECK-NEXT: sinter.cache_write %[[KR]], %[[V]], %[[KV]], %[[B]]
  // CHECK-NEXT: sinter.yield %[[QR]] : tensor<?x128xf32>
  // CHECK: sinter.attention %[[R]], %arg1, %arg0
  // INLINE-NEXT: %[[QN:.*]] = sinter.rms_norm %arg2, @qn
  // INLINE-NEXT: %[[KN:.*]] = sinter.rms_norm %arg3, @kn
  // INLINE-NEXT: %[[QR:.*]] = sinter.rope %[[QN]], %arg0 heads 4
  // INLINE-NEXT: %[[KR:.*]] = sinter.rope %[[KN]], %arg0 heads 2
  // INLINE-NEXT: sinter.cache_write %[[KR]], %arg4, %arg1, %arg0
  // INLINE-NEXT: sinter.attention %[[QR]], %arg1, %arg0
  %qn = sinter.rms_norm %q, @qn epsilon 1.0e-6 : tensor<?x128xf32>
  %kn = sinter.rms_norm %k, @kn epsilon 1.0e-6 : tensor<?x64xf32>
  %qr = sinter.rope %qn, %b heads 4 #rope : tensor<?x128xf32>
  %kr = sinter.rope %kn, %b heads 2 #rope : tensor<?x64xf32>
  sinter.cache_write %kr, %v, %kv, %b : tensor<?x64xf32>, tensor<?x64xf32>, !kv
  %o = sinter.attention %qr, %kv, %b heads 4 scale 0.1767766 : (tensor<?x128xf32>, !kv, !sinter.batch) -> tensor<?x128xf32>
  return %o : tensor<?x128xf32>
}

// CHECK-LABEL: func.func @plain
// CHECK-SAME: sinter.fused = {"fuse-rope-cache-write" = 1 : i64}
func.func @plain(%b: !sinter.batch, %kv: !kv, %q: tensor<?x128xf32>, %k: tensor<?x64xf32>, %v: tensor<?x64xf32>) -> tensor<?x128xf32> {
  // CHECK-NEXT: sinter.region "rope_cache_write" (%arg2, %arg3, %arg4, %arg1, %arg0)
  %qr = sinter.rope %q, %b heads 4 #rope : tensor<?x128xf32>
  %kr = sinter.rope %k, %b heads 2 #rope : tensor<?x64xf32>
  sinter.cache_write %kr, %v, %kv, %b : tensor<?x64xf32>, tensor<?x64xf32>, !kv
  %o = sinter.attention %qr, %kv, %b heads 4 scale 0.1767766 : (tensor<?x128xf32>, !kv, !sinter.batch) -> tensor<?x128xf32>
  return %o : tensor<?x128xf32>
}

// Two layers read one cache: the first, which writes it, is boxed. The other's
// query has no write to go with.
// CHECK-LABEL: func.func @shared_cache
// CHECK-SAME: sinter.fused = {"fuse-rope-cache-write" = 1 : i64}
func.func @shared_cache(%b: !sinter.batch, %kv: !kv, %q: tensor<?x128xf32>, %k: tensor<?x64xf32>, %v: tensor<?x64xf32>) -> tensor<?x128xf32> {
  // CHECK-NEXT: %[[R:.*]] = sinter.region "rope_cache_write" (%arg2, %arg3, %arg4, %arg1, %arg0)
  // CHECK: %[[O:.*]] = sinter.attention %[[R]], %arg1
  // CHECK-NEXT: %[[N:.*]] = sinter.rms_norm %[[O]], @qn
  // CHECK-NEXT: %[[L:.*]] = sinter.rope %[[N]], %arg0
  // CHECK-NEXT: sinter.attention %[[L]], %arg1
  %qr = sinter.rope %q, %b heads 4 #rope : tensor<?x128xf32>
  %kr = sinter.rope %k, %b heads 2 #rope : tensor<?x64xf32>
  sinter.cache_write %kr, %v, %kv, %b : tensor<?x64xf32>, tensor<?x64xf32>, !kv
  %o = sinter.attention %qr, %kv, %b heads 4 scale 0.1767766 : (tensor<?x128xf32>, !kv, !sinter.batch) -> tensor<?x128xf32>
  %n = sinter.rms_norm %o, @qn epsilon 1.0e-6 : tensor<?x128xf32>
  %l = sinter.rope %n, %b heads 4 #rope : tensor<?x128xf32>
  %p = sinter.attention %l, %kv, %b heads 4 scale 0.1767766 : (tensor<?x128xf32>, !kv, !sinter.batch) -> tensor<?x128xf32>
  return %p : tensor<?x128xf32>
}

// Near miss: a norm of the whole row is no head norm; it stays outside.
// CHECK-LABEL: func.func @row_norm
func.func @row_norm(%b: !sinter.batch, %kv: !kv, %q: tensor<?x128xf32>, %k: tensor<?x64xf32>, %v: tensor<?x64xf32>) -> tensor<?x128xf32> {
  // CHECK: %[[N:.*]] = sinter.rms_norm %arg2, @wide
  // CHECK-NEXT: sinter.region "rope_cache_write" (%[[N]], %arg3, %arg4, %arg1, %arg0)
  %qn = sinter.rms_norm %q, @wide epsilon 1.0e-6 : tensor<?x128xf32>
  %qr = sinter.rope %qn, %b heads 4 #rope : tensor<?x128xf32>
  %kr = sinter.rope %k, %b heads 2 #rope : tensor<?x64xf32>
  sinter.cache_write %kr, %v, %kv, %b : tensor<?x64xf32>, tensor<?x64xf32>, !kv
  %o = sinter.attention %qr, %kv, %b heads 4 scale 0.1767766 : (tensor<?x128xf32>, !kv, !sinter.batch) -> tensor<?x128xf32>
  return %o : tensor<?x128xf32>
}

// CHECK-LABEL: func.func @no_attention
// CHECK-SAME: sinter.fused = {"fuse-rope-cache-write" = 0 : i64}
// CHECK-SAME: ["no attention reads the cache after the write x1 (first at sinter.cache_write)"]
func.func @no_attention(%b: !sinter.batch, %kv: !kv, %k: tensor<?x64xf32>, %v: tensor<?x64xf32>) {
  // CHECK-NOT: sinter.region
  // CHECK: return
  %kr = sinter.rope %k, %b heads 2 #rope : tensor<?x64xf32>
  sinter.cache_write %kr, %v, %kv, %b : tensor<?x64xf32>, tensor<?x64xf32>, !kv
  return
}

// CHECK-LABEL: func.func @query_plain
// CHECK-SAME: ["query is not rotated x1
func.func @query_plain(%b: !sinter.batch, %kv: !kv, %q: tensor<?x128xf32>, %k: tensor<?x64xf32>, %v: tensor<?x64xf32>) -> tensor<?x128xf32> {
  %kr = sinter.rope %k, %b heads 2 #rope : tensor<?x64xf32>
  sinter.cache_write %kr, %v, %kv, %b : tensor<?x64xf32>, tensor<?x64xf32>, !kv
  %o = sinter.attention %q, %kv, %b heads 4 scale 0.1767766 : (tensor<?x128xf32>, !kv, !sinter.batch) -> tensor<?x128xf32>
  return %o : tensor<?x128xf32>
}

// CHECK-LABEL: func.func @keys_plain
// CHECK-SAME: ["keys are not rotated x1
func.func @keys_plain(%b: !sinter.batch, %kv: !kv, %q: tensor<?x128xf32>, %k: tensor<?x64xf32>, %v: tensor<?x64xf32>) -> tensor<?x128xf32> {
  %qr = sinter.rope %q, %b heads 4 #rope : tensor<?x128xf32>
  sinter.cache_write %k, %v, %kv, %b : tensor<?x64xf32>, tensor<?x64xf32>, !kv
  %o = sinter.attention %qr, %kv, %b heads 4 scale 0.1767766 : (tensor<?x128xf32>, !kv, !sinter.batch) -> tensor<?x128xf32>
  return %o : tensor<?x128xf32>
}

// CHECK-LABEL: func.func @ropes_differ
// CHECK-SAME: ["query and keys are rotated differently x1
func.func @ropes_differ(%b: !sinter.batch, %kv: !kv, %q: tensor<?x128xf32>, %k: tensor<?x64xf32>, %v: tensor<?x64xf32>) -> tensor<?x128xf32> {
  %qr = sinter.rope %q, %b heads 4 #rope : tensor<?x128xf32>
  %kr = sinter.rope %k, %b heads 2 #other : tensor<?x64xf32>
  sinter.cache_write %kr, %v, %kv, %b : tensor<?x64xf32>, tensor<?x64xf32>, !kv
  %o = sinter.attention %qr, %kv, %b heads 4 scale 0.1767766 : (tensor<?x128xf32>, !kv, !sinter.batch) -> tensor<?x128xf32>
  return %o : tensor<?x128xf32>
}

// A query that sharpens by position has a table of its own.
// CHECK-LABEL: func.func @temperature
// CHECK-SAME: ["query and keys are rotated differently x1
func.func @temperature(%b: !sinter.batch, %kv: !kv, %q: tensor<?x128xf32>, %k: tensor<?x64xf32>, %v: tensor<?x64xf32>) -> tensor<?x128xf32> {
  %qr = sinter.rope %q, %b heads 4 #hot : tensor<?x128xf32>
  %kr = sinter.rope %k, %b heads 2 #rope : tensor<?x64xf32>
  sinter.cache_write %kr, %v, %kv, %b : tensor<?x64xf32>, tensor<?x64xf32>, !kv
  %o = sinter.attention %qr, %kv, %b heads 4 scale 0.1767766 : (tensor<?x128xf32>, !kv, !sinter.batch) -> tensor<?x128xf32>
  return %o : tensor<?x128xf32>
}

// CHECK-LABEL: func.func @keys_used
// CHECK-SAME: ["keys have other users x1
func.func @keys_used(%b: !sinter.batch, %kv: !kv, %q: tensor<?x128xf32>, %k: tensor<?x64xf32>, %v: tensor<?x64xf32>) -> (tensor<?x128xf32>, tensor<?x64xf32>) {
  %qr = sinter.rope %q, %b heads 4 #rope : tensor<?x128xf32>
  %kr = sinter.rope %k, %b heads 2 #rope : tensor<?x64xf32>
  sinter.cache_write %kr, %v, %kv, %b : tensor<?x64xf32>, tensor<?x64xf32>, !kv
  %o = sinter.attention %qr, %kv, %b heads 4 scale 0.1767766 : (tensor<?x128xf32>, !kv, !sinter.batch) -> tensor<?x128xf32>
  return %o, %kr : tensor<?x128xf32>, tensor<?x64xf32>
}

// CHECK-LABEL: func.func @norm_used
// CHECK-SAME: ["normed heads have other users x1
func.func @norm_used(%b: !sinter.batch, %kv: !kv, %q: tensor<?x128xf32>, %k: tensor<?x64xf32>) -> tensor<?x128xf32> {
  %kn = sinter.rms_norm %k, @kn epsilon 1.0e-6 : tensor<?x64xf32>
  %qr = sinter.rope %q, %b heads 4 #rope : tensor<?x128xf32>
  %kr = sinter.rope %kn, %b heads 2 #rope : tensor<?x64xf32>
  sinter.cache_write %kr, %kn, %kv, %b : tensor<?x64xf32>, tensor<?x64xf32>, !kv
  %o = sinter.attention %qr, %kv, %b heads 4 scale 0.1767766 : (tensor<?x128xf32>, !kv, !sinter.batch) -> tensor<?x128xf32>
  return %o : tensor<?x128xf32>
}

// CHECK-LABEL: func.func @epsilons
// CHECK-SAME: ["head norms have different epsilons x1
func.func @epsilons(%b: !sinter.batch, %kv: !kv, %q: tensor<?x128xf32>, %k: tensor<?x64xf32>, %v: tensor<?x64xf32>) -> tensor<?x128xf32> {
  %qn = sinter.rms_norm %q, @qn epsilon 1.0e-6 : tensor<?x128xf32>
  %kn = sinter.rms_norm %k, @kn epsilon 1.0e-5 : tensor<?x64xf32>
  %qr = sinter.rope %qn, %b heads 4 #rope : tensor<?x128xf32>
  %kr = sinter.rope %kn, %b heads 2 #rope : tensor<?x64xf32>
  sinter.cache_write %kr, %v, %kv, %b : tensor<?x64xf32>, tensor<?x64xf32>, !kv
  %o = sinter.attention %qr, %kv, %b heads 4 scale 0.1767766 : (tensor<?x128xf32>, !kv, !sinter.batch) -> tensor<?x128xf32>
  return %o : tensor<?x128xf32>
}

// A driver's refusal: the matmul can stand neither before nor behind the box.
// CHECK-LABEL: func.func @between
// CHECK-SAME: ["an op in between needs one member and gives another its input x1
func.func @between(%b: !sinter.batch, %kv: !kv, %q: tensor<?x128xf32>, %v: tensor<?x64xf32>) -> tensor<?x128xf32> {
  %qr = sinter.rope %q, %b heads 4 #rope : tensor<?x128xf32>
  %k = sinter.matmul %qr, @w : (tensor<?x128xf32>) -> tensor<?x64xf32>
  %kr = sinter.rope %k, %b heads 2 #rope : tensor<?x64xf32>
  sinter.cache_write %kr, %v, %kv, %b : tensor<?x64xf32>, tensor<?x64xf32>, !kv
  %o = sinter.attention %qr, %kv, %b heads 4 scale 0.1767766 : (tensor<?x128xf32>, !kv, !sinter.batch) -> tensor<?x128xf32>
  return %o : tensor<?x128xf32>
}

// Normed heads without positions are not rotated, whatever comes last.
// CHECK-LABEL: func.func @only_normed
// CHECK-SAME: ["query is not rotated x1
func.func @only_normed(%b: !sinter.batch, %kv: !kv, %q: tensor<?x128xf32>, %k: tensor<?x64xf32>, %v: tensor<?x64xf32>) -> tensor<?x128xf32> {
  %n = sinter.rms_norm %q, @qn epsilon 1.0e-6 : tensor<?x128xf32>
  sinter.cache_write %k, %v, %kv, %b : tensor<?x64xf32>, tensor<?x64xf32>, !kv
  %o = sinter.attention %n, %kv, %b heads 4 scale 0.1767766 : (tensor<?x128xf32>, !kv, !sinter.batch) -> tensor<?x128xf32>
  return %o : tensor<?x128xf32>
}

// The kernel norms before it rotates.
// CHECK-LABEL: func.func @normed_behind
// CHECK-SAME: ["query is normed after its rotation x1
func.func @normed_behind(%b: !sinter.batch, %kv: !kv, %q: tensor<?x128xf32>, %k: tensor<?x64xf32>, %v: tensor<?x64xf32>) -> tensor<?x128xf32> {
  %r = sinter.rope %q, %b heads 4 #rope : tensor<?x128xf32>
  %n = sinter.rms_norm %r, @qn epsilon 1.0e-6 : tensor<?x128xf32>
  %kr = sinter.rope %k, %b heads 2 #rope : tensor<?x64xf32>
  sinter.cache_write %kr, %v, %kv, %b : tensor<?x64xf32>, tensor<?x64xf32>, !kv
  %o = sinter.attention %n, %kv, %b heads 4 scale 0.1767766 : (tensor<?x128xf32>, !kv, !sinter.batch) -> tensor<?x128xf32>
  return %o : tensor<?x128xf32>
}
