// Each message of the verifiers of multi-head latent attention.
// RUN: sinter-opt %s --verify-diagnostics --split-input-file

func.func @f(%q: tensor<?x128xf32>) {
  // expected-error @below {{'sinter.head_matmul' op names weight @k_b, which is not declared}}
  %a = sinter.head_matmul %q, @k_b : (tensor<?x128xf32>) -> tensor<?x256xf32>
  return
}

// -----

sinter.weight @k_b : tensor<4x64x16xf32> at 0 : 0
func.func @f(%q: tensor<?x128xf32>) {
  // expected-error @below {{'sinter.head_matmul' op multiplies 'tensor<?x128xf32>' by 'tensor<4x64x16xf32>' into 'tensor<?x256xf32>'}}
  %a = sinter.head_matmul %q, @k_b : (tensor<?x128xf32>) -> tensor<?x256xf32>
  return
}

// -----

sinter.weight @k_b : tensor<256x128xf32> at 0 : 0
func.func @f(%q: tensor<?x128xf32>) {
  // expected-error @below {{multiplies 'tensor<?x128xf32>' by 'tensor<256x128xf32>' into 'tensor<?x256xf32>'}}
  %a = sinter.head_matmul %q, @k_b : (tensor<?x128xf32>) -> tensor<?x256xf32>
  return
}

// -----

!kv = !sinter.kv_cache<heads = 1, keys = 80, values = 0, f16>
func.func @f(%batch: !sinter.batch, %kv: !kv, %c: tensor<?x64xf32>, %k: tensor<?x32xf32>) {
  // expected-error @below {{'sinter.latent_write' op writes rows of 64 and 32 into '!sinter.kv_cache<heads = 1, keys = 80, values = 0, f16>'}}
  sinter.latent_write %c, %k, %kv, %batch : tensor<?x64xf32>, tensor<?x32xf32>, !kv
  return
}

// -----

!kv = !sinter.kv_cache<heads = 1, keys = 80, values = 64, f16>
func.func @f(%batch: !sinter.batch, %kv: !kv, %c: tensor<?x64xf32>, %k: tensor<?x16xf32>) {
  // expected-error @below {{writes rows of 64 and 16 into '!sinter.kv_cache<heads = 1, keys = 80, values = 64, f16>'}}
  sinter.latent_write %c, %k, %kv, %batch : tensor<?x64xf32>, tensor<?x16xf32>, !kv
  return
}

// -----

!kv = !sinter.kv_cache<heads = 1, keys = 80, values = 0, f16>
func.func @f(%batch: !sinter.batch, %kv: !kv, %a: tensor<?x256xf32>, %r: tensor<?x64xf32>) {
  // expected-error @below {{'sinter.latent_attention' op of 2 heads takes 'tensor<?x256xf32>' and 'tensor<?x64xf32>' and gives 'tensor<?x256xf32>' over '!sinter.kv_cache<heads = 1, keys = 80, values = 0, f16>'}}
  %o = sinter.latent_attention %a, %r, %kv, %batch heads 2 scale 0.125 : (tensor<?x256xf32>, tensor<?x64xf32>, !kv) -> tensor<?x256xf32>
  return
}

// -----

func.func @f(%q: tensor<?x128xf32>, %k: tensor<?x32xf32>) {
  // expected-error @below {{'sinter.join_heads' op joins 128 and 32 columns of 4 heads into 192}}
  %j = sinter.join_heads %q, %k heads 4 : (tensor<?x128xf32>, tensor<?x32xf32>) -> tensor<?x192xf32>
  return
}

// -----

// expected-error @below {{kv_cache without values needs all tokens, found a window of 64}}
func.func private @f(!sinter.kv_cache<heads = 1, keys = 80, values = 0, f16, window = 64>)

// -----

// expected-error @below {{kv_cache needs heads, keys and values above 0, found 2, 80, 0}}
func.func private @f(!sinter.kv_cache<heads = 2, keys = 80, values = 0, f16>)
