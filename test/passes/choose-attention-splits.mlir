// RUN: sinter-opt %s --sinter-choose-attention-splits=remarks=true -split-input-file -verify-diagnostics | FileCheck %s

// Eight cache heads are few blocks for 132 multiprocessors: the decoding step
// gets a second launch, the other one keeps the whole kernel.
// CHECK-LABEL: level = "sm_90a"
module attributes {sinter.target = #sinter.target<level = "sm_90a", features = "mma", cores = 132, l1 = 233472, l2 = 397187, l3 = 52428800, prefetch = 0, rates = {bandwidth = 4.8e+12 : f64, clock = 1.83e+09 : f64, f32 = 6.7e+13 : f64, int8 = 1.979e+15 : f64}>} {
  // CHECK: tile.kernel @att #tile.attention
  // CHECK: tile.kernel @att_splits #tile.attention_splits<attention = <heads = 32, cacheHeads = 8, {{.*}}sinks = true>> config <mma = true>
  // CHECK: tile.kernel @att_merge #tile.merge_splits<attention = <heads = 32, {{.*}}> config <>
  // expected-remark @below {{context of @att is split: one token at a context of 4096: 8 blocks}}
  tile.kernel @att #tile.attention<heads = 32, cacheHeads = 8, keyWidth = 128, valueWidth = 128, scale = 0.125 : f64, queryStride = 4096, output = <width = 4096, stride = 4096>, sinks = true> config #tile.config<tokens = 4, mma = true> {}
  // A window of 512 positions is a split alone.
  // CHECK: tile.kernel @local #tile.attention
  // CHECK-NOT: tile.kernel @local_
  // expected-remark @below {{context of @local stays whole: one token at}}
  tile.kernel @local #tile.attention<heads = 32, cacheHeads = 8, keyWidth = 128, valueWidth = 128, scale = 0.125 : f64, queryStride = 4096, output = <width = 4096, stride = 4096>, window = 512> config #tile.config<tokens = 4, mma = true> {}
  tile.vector @sinks from [@w]
  // CHECK: func.func @decode
  // CHECK: %[[S:.*]] = tile.launch @att_splits (%arg0, %arg1) [] order ["i0", "i1", "o0"] label "a" : {{.*}} -> tensor<?x66560xf32>
  // CHECK: %[[O:.*]] = tile.launch @att_merge (%[[S]]) [@sinks] order ["i0", "s0", "o0"] label "a merge" : (tensor<?x66560xf32>) -> tensor<?x4096xf32>
  // CHECK: tile.launch @local (%[[O]], %arg1)
  func.func @decode(%q: tensor<?x4096xf32>, %kv: !sinter.kv_cache<heads = 8, keys = 128, values = 128, f16>) -> tensor<?x4096xf32> attributes {sinter.max_tokens = 8 : i64} {
    %o = tile.launch @att (%q, %kv) [@sinks] order ["i0", "i1", "s0", "o0"] label "a" : (tensor<?x4096xf32>, !sinter.kv_cache<heads = 8, keys = 128, values = 128, f16>) -> tensor<?x4096xf32>
    %p = tile.launch @local (%o, %kv) [] order ["i0", "i1", "o0"] label "b" : (tensor<?x4096xf32>, !sinter.kv_cache<heads = 8, keys = 128, values = 128, f16>) -> tensor<?x4096xf32>
    return %p : tensor<?x4096xf32>
  }
  // CHECK: func.func @prefill
  // CHECK: tile.launch @att (
  func.func @prefill(%q: tensor<?x4096xf32>, %kv: !sinter.kv_cache<heads = 8, keys = 128, values = 128, f16>) -> tensor<?x4096xf32> attributes {sinter.max_tokens = 512 : i64} {
    %o = tile.launch @att (%q, %kv) [@sinks] order ["i0", "i1", "s0", "o0"] label "a" : (tensor<?x4096xf32>, !sinter.kv_cache<heads = 8, keys = 128, values = 128, f16>) -> tensor<?x4096xf32>
    return %o : tensor<?x4096xf32>
  }
}

// -----

// A processor's threads divide heads; an encoder never decodes.
// CHECK-LABEL: level = "x86-64-v4"
module attributes {sinter.target = #sinter.target<level = "x86-64-v4", features = "", cores = 2, l1 = 32768, l2 = 1048576, l3 = 33554432>} {
  // CHECK-NOT: splits
  tile.kernel @att #tile.attention<heads = 32, cacheHeads = 8, keyWidth = 128, valueWidth = 128, scale = 0.125 : f64, queryStride = 4096, output = <width = 4096, stride = 4096>> config #tile.config<tokens = 4> {}
  func.func @decode(%q: tensor<?x4096xf32>, %kv: !sinter.kv_cache<heads = 8, keys = 128, values = 128, f16>) -> tensor<?x4096xf32> attributes {sinter.max_tokens = 8 : i64} {
    %o = tile.launch @att (%q, %kv) [] order ["i0", "i1", "o0"] label "a" : (tensor<?x4096xf32>, !sinter.kv_cache<heads = 8, keys = 128, values = 128, f16>) -> tensor<?x4096xf32>
    return %o : tensor<?x4096xf32>
  }
}

// -----

// CHECK-LABEL: level = "sm_121a"
module attributes {sinter.target = #sinter.target<level = "sm_121a", features = "mma", cores = 48, l1 = 102400, l2 = 524288, l3 = 25165824, prefetch = 0, rates = {bandwidth = 2.73e+11 : f64, clock = 2.5e+09 : f64, f32 = 3.1e+13 : f64, int8 = 2.46e+14 : f64}>} {
  // CHECK-NOT: splits
  // expected-remark @below {{context of @all stays whole: an encoder has no decoding}}
  tile.kernel @all #tile.attention<heads = 12, cacheHeads = 12, keyWidth = 64, valueWidth = 64, scale = 0.125 : f64, queryStride = 768, output = <width = 768, stride = 768>, bidirectional = true> config #tile.config<tokens = 16, mma = true> {}
  func.func @decode(%q: tensor<?x768xf32>, %kv: !sinter.kv_cache<heads = 12, keys = 64, values = 64, f16>) -> tensor<?x768xf32> attributes {sinter.max_tokens = 8 : i64} {
    %o = tile.launch @all (%q, %kv) [] order ["i0", "i1", "o0"] label "a" : (tensor<?x768xf32>, !sinter.kv_cache<heads = 12, keys = 64, values = 64, f16>) -> tensor<?x768xf32>
    return %o : tensor<?x768xf32>
  }
}
