// RUN: sinter-opt %s --verify-diagnostics --split-input-file

// expected-error @below {{unknown sinter type 'q4_z'; expected batch, kv_cache, recurrent, q8 or a weight format}}
sinter.weight @w : tensor<64x256x!sinter.q4_z> at 0 : 0

// -----

// Plain formats are builtin types, not names.
// expected-error @below {{unknown sinter type 'f16'}}
sinter.weight @w : tensor<64x256x!sinter.f16> at 0 : 0

// -----

// expected-error @below {{a block type is written as its format's name}}
sinter.weight @w : tensor<64x256x!sinter.block> at 0 : 0

// -----

// expected-error @below {{kv_cache needs heads, keys and values above 0, found 0, 32, 32}}
func.func private @f(!sinter.kv_cache<heads = 0, keys = 32, values = 32, f16>)

// -----

// expected-error @below {{kv_cache holds f16, bf16, f32, f8E4M3FN or !sinter.q8_0, found 'i8'}}
func.func private @f(!sinter.kv_cache<heads = 1, keys = 32, values = 32, i8>)

// -----

// expected-error @below {{kv_cache of 'bf16' needs keys and values of multiples of 4, found 32 and 30}}
func.func private @f(!sinter.kv_cache<heads = 1, keys = 32, values = 30, bf16>)

// -----

// expected-error @below {{kv_cache of '!sinter.q8_0' needs keys and values of multiples of 32, found 48 and 32}}
func.func private @f(!sinter.kv_cache<heads = 1, keys = 48, values = 32, !sinter.q8_0>)

// -----

// expected-error @below {{kv_cache of 'f8E4M3FN' needs keys and values of multiples of 4, found 576 and 0}}
func.func private @f(!sinter.kv_cache<heads = 1, keys = 576, values = 0, f8E4M3FN>)

// -----

// expected-error @below {{kv_cache holds f16, bf16, f32, f8E4M3FN or !sinter.q8_0, found '!sinter.q4_0'}}
func.func private @f(!sinter.kv_cache<heads = 1, keys = 32, values = 32, !sinter.q4_0>)

// -----

// expected-error @below {{q8 knows the sums 1, 2, 4, 8, 128 and 256 and shifts up to 7, found 512}}
func.func private @f(tensor<?x32x!sinter.q8<512>>)

// -----

// expected-error @below {{'sinter.weight' op needs a static shape, found 'tensor<?x256xf16>'}}
sinter.weight @w : tensor<?x256xf16> at 0 : 0

// -----

// expected-error @below {{has element type 'i32', which is no weight format}}
sinter.weight @w : tensor<64x256xi32> at 0 : 0

// -----

// expected-error @below {{has rows of 128 weights; q4_k needs a multiple of 256}}
sinter.weight @w : tensor<64x128x!sinter.q4_k> at 0 : 0

// -----

func.func @f(%b: !sinter.batch) {
  // expected-error @below {{'sinter.embed' op names weight @none, which is not declared}}
  %x = sinter.embed %b, @none : tensor<?x64xf32>
  return
}

// -----

sinter.weight @w : tensor<64x128xf32> at 0 : 0
func.func @f(%b: !sinter.batch) {
  // expected-error @below {{reads rows of 'tensor<64x128xf32>' but gives 'tensor<?x64xf32>'}}
  %x = sinter.embed %b, @w : tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @below {{'sinter.rms_norm' op names weight @none, which is not declared}}
  %n = sinter.rms_norm %x, @none epsilon 1.0e-6 : tensor<?x64xf32>
  return
}

// -----

sinter.weight @w : tensor<48xf32> at 0 : 0
func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @below {{norms rows of 64 with a weight of 'tensor<48xf32>'}}
  %n = sinter.rms_norm %x, @w epsilon 1.0e-6 : tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @below {{'sinter.matmul' op names weight @none, which is not declared}}
  %n = sinter.matmul %x, @none : (tensor<?x64xf32>) -> tensor<?x32xf32>
  return
}

// -----

sinter.weight @w : tensor<32x48xf32> at 0 : 0
func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @below {{multiplies 'tensor<?x64xf32>' by 'tensor<32x48xf32>' into 'tensor<?x32xf32>'}}
  %n = sinter.matmul %x, @w : (tensor<?x64xf32>) -> tensor<?x32xf32>
  return
}

// -----

sinter.weight @w : tensor<32x64xf32> at 0 : 0
func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @below {{names weight @bias, which is not declared}}
  %n = sinter.matmul %x, @w bias @bias : (tensor<?x64xf32>) -> tensor<?x32xf32>
  return
}

// -----

sinter.weight @w : tensor<32x64xf32> at 0 : 0
sinter.weight @bias : tensor<64xf32> at 0 : 0
func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @below {{adds a bias of 'tensor<64xf32>' to rows of 32}}
  %n = sinter.matmul %x, @w bias @bias : (tensor<?x64xf32>) -> tensor<?x32xf32>
  return
}

// -----

sinter.weight @w : tensor<32x64xf32> at 0 : 0
func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @below {{names weight @scale, which is not declared}}
  %n = sinter.matmul %x, @w scale @scale : (tensor<?x64xf32>) -> tensor<?x32xf32>
  return
}

// -----

sinter.weight @w : tensor<32x64xf32> at 0 : 0
sinter.weight @scale : tensor<2xf32> at 0 : 0
func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @below {{has a scale of 'tensor<2xf32>', expected one f32 number}}
  %n = sinter.matmul %x, @w scale @scale : (tensor<?x64xf32>) -> tensor<?x32xf32>
  return
}

// -----

sinter.weight @w : tensor<32x64xf32> at 0 : 0
sinter.weight @scale : tensor<1xf16> at 0 : 0
func.func @f(%b: !sinter.batch) {
  // expected-error @below {{has a scale of 'tensor<1xf16>', expected one f32 number}}
  %n = sinter.embed %b, @w scale @scale : tensor<?x64xf32>
  return
}

// -----

func.func @f(%b: !sinter.batch, %x: tensor<?x64xf32>) {
  // expected-error @below {{splits rows of 64 into 3 heads}}
  %r = sinter.rope %x, %b heads 3 <width = 16, base = 1.0e6 : f64, neox = true> : tensor<?x64xf32>
  return
}

// -----

func.func @f(%b: !sinter.batch, %x: tensor<?x64xf32>) {
  // expected-error @below {{rotates 32 of the 16 elements of a head}}
  %r = sinter.rope %x, %b heads 4 <width = 32, base = 1.0e6 : f64, neox = true> : tensor<?x64xf32>
  return
}

// -----

func.func @f(%b: !sinter.batch, %x: tensor<?x64xf32>) {
  // expected-error @below {{has a temperature, but rotates only 16 of the 32 elements of a head}}
  %r = sinter.rope %x, %b heads 2 <width = 16, base = 1.0e6 : f64, neox = true, temperature = [0.1, 4096.0]> : tensor<?x64xf32>
  return
}

// -----

func.func @f(%b: !sinter.batch, %x: tensor<?x64xf32>) {
  // expected-error @below {{has the temperature array<f64: 1.000000e-01, 0.000000e+00>, expected a scale and a length of at least 1}}
  %r = sinter.rope %x, %b heads 2 <width = 32, base = 1.0e6 : f64, neox = true, temperature = [0.1, 0.0]> : tensor<?x64xf32>
  return
}

// -----

!kv = !sinter.kv_cache<heads = 2, keys = 32, values = 16, f16>
func.func @f(%b: !sinter.batch, %kv: !kv, %k: tensor<?x32xf32>, %v: tensor<?x32xf32>) {
  // expected-error @below {{writes keys of 32 into '!sinter.kv_cache<heads = 2, keys = 32, values = 16, f16>'}}
  sinter.cache_write %k, %v, %kv, %b : tensor<?x32xf32>, tensor<?x32xf32>, !kv
  return
}

// -----

!kv = !sinter.kv_cache<heads = 2, keys = 32, values = 16, f16>
func.func @f(%b: !sinter.batch, %kv: !kv, %k: tensor<?x64xf32>) {
  // expected-error @below {{writes values of 64 into '!sinter.kv_cache<heads = 2, keys = 32, values = 16, f16>'}}
  sinter.cache_write %k, %k, %kv, %b : tensor<?x64xf32>, tensor<?x64xf32>, !kv
  return
}

// -----

!kv = !sinter.kv_cache<heads = 2, keys = 32, values = 32, f16>
func.func @f(%b: !sinter.batch, %kv: !kv, %q: tensor<?x96xf32>) {
  // expected-error @below {{has 3 heads over '!sinter.kv_cache<heads = 2, keys = 32, values = 32, f16>'}}
  %o = sinter.attention %q, %kv, %b heads 3 scale 1.0 : (tensor<?x96xf32>, !kv, !sinter.batch) -> tensor<?x96xf32>
  return
}

// -----

!kv = !sinter.kv_cache<heads = 2, keys = 32, values = 16, f16>
func.func @f(%b: !sinter.batch, %kv: !kv, %q: tensor<?x128xf32>) {
  // expected-error @below {{of 4 heads takes 'tensor<?x128xf32>' and gives 'tensor<?x128xf32>' over '!sinter.kv_cache<heads = 2, keys = 32, values = 16, f16>'}}
  %o = sinter.attention %q, %kv, %b heads 4 scale 1.0 : (tensor<?x128xf32>, !kv, !sinter.batch) -> tensor<?x128xf32>
  return
}

// -----

!kv = !sinter.kv_cache<heads = 2, keys = 32, values = 32, f16>
func.func @f(%b: !sinter.batch, %kv: !kv, %q: tensor<?x64xf32>) {
  // expected-error @below {{has a window of 0, expected at least 1}}
  %o = sinter.attention %q, %kv, %b heads 2 scale 1.0 window 0 : (tensor<?x64xf32>, !kv, !sinter.batch) -> tensor<?x64xf32>
  return
}

// -----

!kv = !sinter.kv_cache<heads = 2, keys = 32, values = 32, f16>
func.func @f(%b: !sinter.batch, %kv: !kv, %q: tensor<?x64xf32>) {
  // expected-error @below {{has the softcap -1.000000e+00, expected one above 0}}
  %o = sinter.attention %q, %kv, %b heads 2 scale 1.0 softcap -1.0 : (tensor<?x64xf32>, !kv, !sinter.batch) -> tensor<?x64xf32>
  return
}

// -----

!kv = !sinter.kv_cache<heads = 2, keys = 32, values = 32, f16, window = 16>
func.func @f(%b: !sinter.batch, %kv: !kv, %q: tensor<?x64xf32>) {
  // expected-error @below {{needs a window of at most 16 over '!sinter.kv_cache<heads = 2, keys = 32, values = 32, f16, window = 16>'}}
  %o = sinter.attention %q, %kv, %b heads 2 scale 1.0 window 17 : (tensor<?x64xf32>, !kv, !sinter.batch) -> tensor<?x64xf32>
  return
}

// -----

!kv = !sinter.kv_cache<heads = 2, keys = 32, values = 32, f16, window = 16>
func.func @f(%b: !sinter.batch, %kv: !kv, %q: tensor<?x64xf32>) {
  // expected-error @below {{needs a window of at most 16 over}}
  %o = sinter.attention %q, %kv, %b heads 2 scale 1.0 : (tensor<?x64xf32>, !kv, !sinter.batch) -> tensor<?x64xf32>
  return
}

// -----

sinter.weight @three : tensor<3xf32> at 0 : 0
!kv = !sinter.kv_cache<heads = 2, keys = 32, values = 32, f16>
func.func @f(%b: !sinter.batch, %kv: !kv, %q: tensor<?x64xf32>) {
  // expected-error @below {{has sinks of 'tensor<3xf32>' for 2 heads}}
  %o = sinter.attention %q, %kv, %b heads 2 scale 1.0 sinks @three : (tensor<?x64xf32>, !kv, !sinter.batch) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @below {{turns 'tensor<?x64xf32>' into 'tensor<?x32x!sinter.q8<1>>'}}
  %q = sinter.quantize %x : tensor<?x64xf32> -> tensor<?x32x!sinter.q8<1>>
  return
}

// -----

func.func @f(%x: tensor<?x40xf32>) {
  // expected-error @below {{needs rows of a multiple of 32, found 40}}
  %q = sinter.quantize %x : tensor<?x40xf32> -> tensor<?x40x!sinter.q8<1>>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @below {{'box' has arguments that differ from its inputs}}
  %r = sinter.region "box" (%x) : (tensor<?x64xf32>) -> tensor<?x32xf32> {
  ^bb0(%a: tensor<?x32xf32>):
    sinter.yield %a : tensor<?x32xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @below {{'box' yields other types than its results}}
  %r = sinter.region "box" (%x) : (tensor<?x64xf32>) -> tensor<?x32xf32> {
  ^bb0(%a: tensor<?x64xf32>):
    sinter.yield %a : tensor<?x64xf32>
  }
  return
}

// -----

// A region sees nothing but its inputs.
func.func @f(%x: tensor<?x64xf32>) {
  // expected-note @below {{required by region isolation constraints}}
  %r = sinter.region "box" (%x) : (tensor<?x64xf32>) -> tensor<?x64xf32> {
  ^bb0(%a: tensor<?x64xf32>):
    // expected-error @below {{using value defined outside the region}}
    %b = sinter.add %a, %x : tensor<?x64xf32>
    sinter.yield %b : tensor<?x64xf32>
  }
  return
}

// -----

// expected-error @below {{prefetches fill cache 1 or 2, found 3}}
module attributes {sinter.target = #sinter.target<level = "x86-64-v4", features = "", cores = 2, l1 = 1, l2 = 1, l3 = 1, prefetchInto = 3>} {}
