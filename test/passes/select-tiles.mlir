// RUN: sinter-opt %s --sinter-select-tiles -split-input-file -verify-diagnostics | FileCheck %s
// RUN: not sinter-opt %s --sinter-select-tiles="decode-tokens=8 prefill-tokens=8" -split-input-file 2>&1 | FileCheck %s --check-prefix=REGIMES

// REGIMES: regimes of 8 and 8 tokens; the second must be larger

module attributes {sinter.target = #sinter.target<level = "x86-64-v4", features = "", cores = 2, l1 = 32768, l2 = 1048576, l3 = 33554432>} {
  // The tile of a step with many tokens, and its twin for few.
  // CHECK: tile.kernel @mm #tile.gemm<{{.*}}> config <rowGroups = 16, tokens = 8>
  // CHECK: tile.kernel @mm_gemv #tile.gemm<{{.*}}decode = true> config <rowGroups = 16, tokens = 8, prefetch = 4096>
  tile.kernel @mm #tile.gemm<format = "q4_k", weightRows = 4096, input = <width = 256, q8 = true, sums = 2>, output = <width = 4096, stride = 4096>> {}
  // Quantised output of two segments: blocks of 32 columns need 4 row groups.
  // CHECK: tile.kernel @gate_up #tile.gemm<{{.*}}> config <rowGroups = 4, tokens = 8>
  tile.kernel @gate_up #tile.gemm<format = "q4_k", weightRows = 128, input = <width = 256, q8 = true, sums = 2>, output = <width = 64, q8 = true, sums = 2>, segments = 2> {
  ^bb0(%g: f32, %u: f32):
    %r = arith.mulf %g, %u : f32
    tile.yield %r : f32
  }
  // CHECK: tile.kernel @norm {{.*}} config <> {
  tile.kernel @norm #tile.norm<input = <width = 256, stride = 256>, output = <width = 256, q8 = true, sums = 2>, group = 256, epsilon = 1.0e-6 : f64> {}
  // CHECK: tile.kernel @att {{.*}} config <tokens = 4>
  tile.kernel @att #tile.attention<heads = 4, cacheHeads = 2, keyWidth = 64, valueWidth = 64, scale = 0.125 : f64, queryStride = 256, output = <width = 256, stride = 256>> {}
  // CHECK: tile.kernel @row {{.*}} config <columns = 96>
  tile.kernel @row #tile.elementwise<[80] -> <width = 80, stride = 80>> {}

  // CHECK: func.func @decode{{.*}}sinter.max_tokens = 8 : i64
  // CHECK: tile.launch @mm_gemv
  // CHECK: func.func @prefill{{.*}}sinter.max_tokens = 512 : i64
  // CHECK: tile.launch @mm (
  tile.packed @w from [@mm.weight]
  func.func @step(%x: tensor<?x256x!sinter.q8<2>>) -> tensor<?x4096xf32> {
    %y = tile.launch @mm (%x) [@w] order ["i0", "s0", "o0"] label "mm" : (tensor<?x256x!sinter.q8<2>>) -> tensor<?x4096xf32>
    return %y : tensor<?x4096xf32>
  }
}

// -----

// AVX2 has half the registers.
// CHECK-LABEL: level = "x86-64-v3"
module attributes {sinter.target = #sinter.target<level = "x86-64-v3", features = "", cores = 2, l1 = 32768, l2 = 1048576, l3 = 33554432>} {
  // CHECK: tile.kernel @mm {{.*}} config <{{.*}}tokens = 4>
  tile.kernel @mm #tile.gemm<format = "q4_k", weightRows = 4096, input = <width = 256, q8 = true, sums = 2>, output = <width = 4096, stride = 4096>> {}
  func.func @step() {
    return
  }
}

// -----

// On a GPU, lanes multiply for few tokens and matrix units for many, unless the
// weights are float32 or the chip has no such units; floats of 16 bits are
// theirs in every regime, if their rows can be copied as the units need them.
// CHECK-LABEL: level = "sm_121a"
module attributes {sinter.target = #sinter.target<level = "sm_121a", features = "mma", cores = 48, l1 = 102400, l2 = 524288, l3 = 25165824, prefetch = 0, rates = {bandwidth = 2.73e+11 : f64, clock = 2.5e+09 : f64, f32 = 3.1e+13 : f64, f16 = 1.23e+14 : f64, bf16 = 1.23e+14 : f64, int8 = 2.46e+14 : f64}>} {
  // CHECK: tile.kernel @mm {{.*}} config <rowGroups = {{[0-9]+}}, tokens = {{32|64}}, mma = true>
  // CHECK: tile.kernel @mm_gemv {{.*}} config <{{(rowGroups = [0-9]+, )?}}tokens = 4>
  tile.kernel @mm #tile.gemm<format = "q4_k", weightRows = 4096, input = <width = 4096, q8 = true, sums = 2>, output = <width = 4096, stride = 4096>> {}
  // CHECK: tile.kernel @floats {{.*}} config <{{(rowGroups = [0-9]+, )?}}tokens = 4>
  tile.kernel @floats #tile.gemm<format = "f32", weightRows = 4096, input = <width = 4096, stride = 4096>, output = <width = 4096, stride = 4096>> {}
  // CHECK: tile.kernel @halves {{.*}} config <rowGroups = {{4|8}}, tokens = {{64|128}}, mma = true>
  tile.kernel @halves #tile.gemm<format = "f16", weightRows = 4096, input = <width = 4096, stride = 4096>, output = <width = 4096, stride = 4096>> {}
  // CHECK: tile.kernel @few_halves {{.*}} config <{{(rowGroups = [0-9]+, )?}}tokens = 8, mma = true>
  tile.kernel @few_halves #tile.gemm<format = "f16", weightRows = 4096, input = <width = 4096, stride = 4096>, output = <width = 4096, stride = 4096>, decode = true> {}
  // CHECK: tile.kernel @strided_halves {{.*}} config <{{(rowGroups = [0-9]+, )?}}tokens = 4>
  tile.kernel @strided_halves #tile.gemm<format = "f16", weightRows = 4096, input = <width = 4096, stride = 5000>, output = <width = 4096, stride = 4096>> {}
  // CHECK: tile.kernel @head_bfloats {{.*}} config <rowGroups = 4, tokens = 64, mma = true>
  tile.kernel @head_bfloats #tile.head_gemm<format = "bf16", heads = 8, weightRows = 128, input = <width = 512, stride = 512>, output = <width = 1024, stride = 1024>> {}
  tile.packed @w from [@mm.weight]
  func.func @step(%x: tensor<?x4096x!sinter.q8<2>>) -> tensor<?x4096xf32> {
    %y = tile.launch @mm (%x) [@w] order ["i0", "s0", "o0"] label "mm" : (tensor<?x4096x!sinter.q8<2>>) -> tensor<?x4096xf32>
    return %y : tensor<?x4096xf32>
  }
}

// -----

// CHECK-LABEL: level = "sm_75"
module attributes {sinter.target = #sinter.target<level = "sm_75", features = "", cores = 40, l1 = 65536, l2 = 104857, l3 = 4194304, prefetch = 0, rates = {bandwidth = 3.2e+11 : f64, clock = 1.59e+09 : f64, f32 = 8.1e+12 : f64, int8 = 1.3e+14 : f64}>} {
  // CHECK: tile.kernel @mm {{.*}} config <{{(rowGroups = [0-9]+, )?}}tokens = 4>
  tile.kernel @mm #tile.gemm<format = "q4_k", weightRows = 4096, input = <width = 4096, q8 = true, sums = 2>, output = <width = 4096, stride = 4096>> {}
  func.func @step() {
    return
  }
}

// -----

// expected-error @below {{tile selection needs the attribute sinter.target}}
module {
  func.func @step() {
    return
  }
}

// -----

// expected-error @below {{tile selection needs the function @step}}
module attributes {sinter.target = #sinter.target<level = "x86-64-v3", features = "", cores = 2, l1 = 32768, l2 = 1048576, l3 = 33554432>} {
}

// -----

// A measured tile goes before the rules, for its kernel and regime alone.
// CHECK-LABEL: sinter.tuned_tiles
module attributes {sinter.target = #sinter.target<level = "x86-64-v4", features = "", cores = 2, l1 = 32768, l2 = 1048576, l3 = 33554432>, sinter.tuned_tiles = [[#tile.gemm<format = "q4_k", weightRows = 4096, input = <width = 256, q8 = true, sums = 2>, output = <width = 4096, stride = 4096>>, 512, #tile.config<rowGroups = 2, tokens = 12>], [#tile.elementwise<[80] -> <width = 80, stride = 80>>, 8, #tile.config<columns = 64>]]} {
  // CHECK: tile.kernel @mm #tile.gemm<{{.*}}> config <rowGroups = 2, tokens = 12>
  // CHECK: tile.kernel @mm_gemv #tile.gemm<{{.*}}decode = true> config <rowGroups = 16, tokens = 8, prefetch = 4096>
  tile.kernel @mm #tile.gemm<format = "q4_k", weightRows = 4096, input = <width = 256, q8 = true, sums = 2>, output = <width = 4096, stride = 4096>> {}
  // CHECK: tile.kernel @row {{.*}} config <columns = 96>
  tile.kernel @row #tile.elementwise<[80] -> <width = 80, stride = 80>> {}
  tile.packed @w from [@mm.weight]
  func.func @step(%x: tensor<?x256x!sinter.q8<2>>) -> tensor<?x4096xf32> {
    %y = tile.launch @mm (%x) [@w] order ["i0", "s0", "o0"] label "mm" : (tensor<?x256x!sinter.q8<2>>) -> tensor<?x4096xf32>
    return %y : tensor<?x4096xf32>
  }
}
