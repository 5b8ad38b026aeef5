// What was asked for and cannot be is an error that names the cache.
// RUN: sinter-opt %s --sinter-choose-cache-element=element=q8_0 --split-input-file --verify-diagnostics
// RUN: not sinter-opt %s --sinter-choose-cache-element=element=bf16 --split-input-file 2>&1 | FileCheck %s --check-prefix=BF16
// BF16: error: caches cannot hold bf16: the target has no products of it (avx512bf16)
// RUN: not sinter-opt %s --sinter-choose-cache-element=element=fp8 --split-input-file 2>&1 | FileCheck %s --check-prefix=FP8
// FP8: error: cache 'blk.0.kv' cannot hold fp8: its rows are keys and values in one, which are f16 or f32
// FP8-NOT: cannot hold
// FP8: error: cache 'blk.2.kv' cannot hold fp8: its keys are 32 and its values 30 wide, expected multiples of 4

// expected-error @below {{cache 'blk.0.kv' cannot hold q8_0: its rows are keys and values in one, which are f16 or f32}}
func.func @latent(%a: !sinter.kv_cache<heads = 1, keys = 576, values = 0, f16> {sinter.name = "blk.0.kv"}) {
  return
}

// -----

// expected-error @below {{cache 'blk.1.kv' cannot hold q8_0: its keys are 32 and its values 16 wide, expected multiples of 32}}
func.func @narrow(%a: !sinter.kv_cache<heads = 2, keys = 32, values = 32, f16> {sinter.name = "blk.0.kv"}, %b: !sinter.kv_cache<heads = 2, keys = 32, values = 16, f16> {sinter.name = "blk.1.kv"}) {
  return
}

// -----

// Only the first is told.
// expected-error @below {{cache 'blk.2.kv' cannot hold q8_0: its keys are 32 and its values 30 wide, expected multiples of 32}}
func.func @odd(%b: !sinter.kv_cache<heads = 2, keys = 32, values = 30, f16> {sinter.name = "blk.2.kv"}, %c: !sinter.kv_cache<heads = 2, keys = 32, values = 30, f16> {sinter.name = "blk.3.kv"}) {
  return
}
