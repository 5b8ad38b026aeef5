// Boxes that are no kernel, each with the reason for which it is inlined: heads,
// attention, its latent form, columns of heads, encoders.
// RUN: sinter-opt %s --sinter-lower-to-tile -split-input-file -verify-diagnostics -o /dev/null

!q = tensor<?x128xf32>
!k = tensor<?x64xf32>
!q8 = tensor<?x128x!sinter.q8<1>>
!kv = !sinter.kv_cache<heads = 2, keys = 32, values = 32, f16>
!b = !sinter.batch
sinter.weight @head : tensor<32xf32> at 0 : 0
sinter.weight @whole : tensor<64xf32> at 0 : 0

func.func @heads(%x: !q, %k: !k, %v: !k, %kv: !kv, %b: !b) -> (!q, !q, !q, !q, !q) {
  // expected-remark @below {{inlined 'queries': more than one query}}
  %r:2 = sinter.region "queries" (%x, %b) : (!q, !b) -> (!q, !q) {
  ^bb0(%a: !q, %t: !b):
    %c = sinter.rope %a, %t heads 4 <width = 32, base = 1.0e4 : f64, neox = true> : !q
    %d = sinter.rope %c, %t heads 4 <width = 32, base = 1.0e4 : f64, neox = true> : !q
    sinter.yield %c, %d : !q, !q
  }
  // expected-remark @below {{inlined 'widths': query and key heads of different widths}}
  %s = sinter.region "widths" (%x, %k, %v, %kv, %b) : (!q, !k, !k, !kv, !b) -> !q {
  ^bb0(%a: !q, %c: !k, %d: !k, %e: !kv, %t: !b):
    %f = sinter.rope %a, %t heads 2 <width = 32, base = 1.0e4 : f64, neox = true> : !q
    %g = sinter.rope %c, %t heads 2 <width = 32, base = 1.0e4 : f64, neox = true> : !k
    sinter.cache_write %g, %d, %e, %t : !k, !k, !kv
    sinter.yield %f : !q
  }
  // expected-remark @below {{inlined 'query': the query rotates, the key does not}}
  %u = sinter.region "query" (%x, %k, %v, %kv, %b) : (!q, !k, !k, !kv, !b) -> !q {
  ^bb0(%a: !q, %c: !k, %d: !k, %e: !kv, %t: !b):
    %f = sinter.rope %a, %t heads 4 <width = 32, base = 1.0e4 : f64, neox = true> : !q
    sinter.cache_write %c, %d, %e, %t : !k, !k, !kv
    sinter.yield %f : !q
  }
  // expected-remark @below {{inlined 'rotations': query and key rotate differently}}
  %w = sinter.region "rotations" (%x, %k, %v, %kv, %b) : (!q, !k, !k, !kv, !b) -> !q {
  ^bb0(%a: !q, %c: !k, %d: !k, %e: !kv, %t: !b):
    %f = sinter.rope %a, %t heads 4 <width = 32, base = 1.0e4 : f64, neox = true> : !q
    %g = sinter.rope %c, %t heads 2 <width = 32, base = 1.0e6 : f64, neox = true> : !k
    sinter.cache_write %g, %d, %e, %t : !k, !k, !kv
    sinter.yield %f : !q
  }
  return %r#0, %r#1, %s, %u, %w : !q, !q, !q, !q, !q
}

func.func @key_heads(%x: !q, %k: !k, %v: !k, %kv: !kv, %b: !b) -> !q {
  // expected-remark @below {{inlined 'box': the rotation's heads are not the cache's}}
  %r = sinter.region "box" (%x, %k, %v, %kv, %b) : (!q, !k, !k, !kv, !b) -> !q {
  ^bb0(%a: !q, %c: !k, %d: !k, %e: !kv, %t: !b):
    %f = sinter.rope %a, %t heads 4 <width = 16, base = 1.0e4 : f64, neox = true> : !q
    %g = sinter.rope %c, %t heads 4 <width = 16, base = 1.0e4 : f64, neox = true> : !k
    sinter.cache_write %g, %d, %e, %t : !k, !k, !kv
    sinter.yield %f : !q
  }
  return %r : !q
}

func.func @norms(%x: !q, %k: !k, %v: !k, %kv: !kv, %b: !b) -> !q {
  // expected-remark @below {{inlined 'epsilons': query and key norm with different epsilons}}
  %r = sinter.region "epsilons" (%x, %k, %v, %kv, %b) : (!q, !k, !k, !kv, !b) -> !q {
  ^bb0(%a: !q, %c: !k, %d: !k, %e: !kv, %t: !b):
    %m = sinter.rms_norm %a, @head epsilon 1.0e-6 : !q
    %n = sinter.rms_norm %c, @head epsilon 1.0e-5 : !k
    %f = sinter.rope %m, %t heads 4 <width = 32, base = 1.0e4 : f64, neox = true> : !q
    %g = sinter.rope %n, %t heads 2 <width = 32, base = 1.0e4 : f64, neox = true> : !k
    sinter.cache_write %g, %d, %e, %t : !k, !k, !kv
    sinter.yield %f : !q
  }
  // expected-remark @below {{inlined 'row': a norm that is not of whole heads}}
  %s = sinter.region "row" (%x, %k, %v, %kv, %b) : (!q, !k, !k, !kv, !b) -> !q {
  ^bb0(%a: !q, %c: !k, %d: !k, %e: !kv, %t: !b):
    %f = sinter.rope %a, %t heads 4 <width = 32, base = 1.0e4 : f64, neox = true> : !q
    %n = sinter.rms_norm %c, @whole epsilon 1.0e-6 : !k
    %g = sinter.rope %n, %t heads 2 <width = 32, base = 1.0e4 : f64, neox = true> : !k
    sinter.cache_write %g, %d, %e, %t : !k, !k, !kv
    sinter.yield %f : !q
  }
  return %s : !q
}

func.func @others(%x: !q, %k: !k, %v: !k, %kv: !kv, %b: !b) -> (!q, !k) {
  // expected-remark @below {{inlined 'writes': not one rotation or one cache write}}
  %w = sinter.region "writes" (%k, %v, %kv, %b) : (!k, !k, !kv, !b) -> !k {
  ^bb0(%c: !k, %d: !k, %e: !kv, %t: !b):
    sinter.cache_write %c, %d, %e, %t : !k, !k, !kv
    sinter.cache_write %c, %d, %e, %t : !k, !k, !kv
    sinter.yield %c : !k
  }
  // expected-remark @below {{inlined 'silu': ops beside the heads'}}
  %r = sinter.region "silu" (%x, %b) : (!q, !b) -> !q {
  ^bb0(%a: !q, %t: !b):
    %c = sinter.rope %a, %t heads 4 <width = 32, base = 1.0e4 : f64, neox = true> : !q
    %d = sinter.silu %c : !q
    sinter.yield %d : !q
  }
  // expected-remark @below {{inlined 'key': an inner value is used outside}}
  %s = sinter.region "key" (%k, %v, %kv, %b) : (!k, !k, !kv, !b) -> !k {
  ^bb0(%c: !k, %d: !k, %e: !kv, %t: !b):
    %g = sinter.rope %c, %t heads 2 <width = 32, base = 1.0e4 : f64, neox = true> : !k
    sinter.cache_write %g, %d, %e, %t : !k, !k, !kv
    sinter.yield %g : !k
  }
  return %r, %s : !q, !k
}

func.func @attention(%x: !q, %kv: !kv, %b: !b) -> (!q, !q8, !q, !q8) {
  // expected-remark @below {{inlined 'silu': not one attention, perhaps with a quantisation}}
  %r = sinter.region "silu" (%x, %kv, %b) : (!q, !kv, !b) -> !q {
  ^bb0(%a: !q, %e: !kv, %t: !b):
    %o = sinter.attention %a, %e, %t heads 4 scale 0.1 : (!q, !kv, !b) -> !q
    %d = sinter.silu %o : !q
    sinter.yield %d : !q
  }
  // expected-remark @below {{inlined 'query': the quantisation is not of the attention}}
  %s = sinter.region "query" (%x, %kv, %b) : (!q, !kv, !b) -> !q8 {
  ^bb0(%a: !q, %e: !kv, %t: !b):
    %o = sinter.attention %a, %e, %t heads 4 scale 0.1 : (!q, !kv, !b) -> !q
    %d = sinter.quantize %a : !q -> !q8
    sinter.yield %d : !q8
  }
  // expected-remark @below {{inlined 'both': an inner value is used outside}}
  %u, %u8 = sinter.region "both" (%x, %kv, %b) : (!q, !kv, !b) -> (!q, !q8) {
  ^bb0(%a: !q, %e: !kv, %t: !b):
    %o = sinter.attention %a, %e, %t heads 4 scale 0.1 : (!q, !kv, !b) -> !q
    %d = sinter.quantize %o : !q -> !q8
    sinter.yield %o, %d : !q, !q8
  }
  return %r, %s, %u, %u8 : !q, !q8, !q, !q8
}

func.func @columns(%x: !q, %f: tensor<?x1x128xf32>) -> (!k, !q8, tensor<?x64x!sinter.q8<1>>, !k) {
  // expected-remark @below {{inlined 'silu': columns beside other ops}}
  %r = sinter.region "silu" (%x) : (!q) -> !k {
  ^bb0(%a: !q):
    %c = sinter.head_columns %a heads 2 at 0 : !q -> !k
    %d = sinter.silu %c : !k
    sinter.yield %d : !k
  }
  // expected-remark @below {{inlined 'fold': a fold beside other ops}}
  %s = sinter.region "fold" (%f) : (tensor<?x1x128xf32>) -> !q8 {
  ^bb0(%a: tensor<?x1x128xf32>):
    %c = sinter.fold %a : tensor<?x1x128xf32> -> !q
    %d = sinter.quantize %c : !q -> !q8
    sinter.yield %d : !q8
  }
  // expected-remark @below {{inlined 'both': an inner value is used outside}}
  %u, %t = sinter.region "both" (%x) : (!q) -> (!k, tensor<?x64x!sinter.q8<1>>) {
  ^bb0(%a: !q):
    %c = sinter.head_columns %a heads 2 at 0 : !q -> !k
    %d = sinter.quantize %c : !k -> tensor<?x64x!sinter.q8<1>>
    sinter.yield %c, %d : !k, tensor<?x64x!sinter.q8<1>>
  }
  return %r, %s, %t, %u : !k, !q8, tensor<?x64x!sinter.q8<1>>, !k
}

func.func @columns_of(%x: !q) -> !q8 {
  // expected-remark @below {{inlined 'box': the quantisation is not of the columns}}
  %r = sinter.region "box" (%x) : (!q) -> !q8 {
  ^bb0(%a: !q):
    %c = sinter.head_columns %a heads 2 at 0 : !q -> !k
    %d = sinter.quantize %a : !q -> !q8
    sinter.yield %d : !q8
  }
  return %r : !q8
}

// -----

!x = tensor<?x64xf32>
!x8 = tensor<?x64x!sinter.q8<1>>
!kv = !sinter.kv_cache<heads = 1, keys = 80, values = 0, f16>
sinter.weight @w : tensor<2x32x32xf32> at 0 : 0
sinter.weight @rows : tensor<64x64xf32> at 0 : 0

func.func @head_matmul(%x: !x) -> (!x, !x8, !x, !x8, !x) {
  // expected-remark @below {{inlined 'silu': not one op, perhaps with a quantisation}}
  %r = sinter.region "silu" (%x) : (!x) -> !x {
  ^bb0(%a: !x):
    %c = sinter.head_matmul %a, @w : (!x) -> !x
    %d = sinter.silu %c : !x
    %e = sinter.silu %d : !x
    sinter.yield %e : !x
  }
  // expected-remark @below {{inlined 'input': the quantisation is not of the result}}
  %s = sinter.region "input" (%x) : (!x) -> !x8 {
  ^bb0(%a: !x):
    %c = sinter.head_matmul %a, @w : (!x) -> !x
    %d = sinter.quantize %a : !x -> !x8
    sinter.yield %d : !x8
  }
  // expected-remark @below {{inlined 'both': an inner value is used outside}}
  %u, %v = sinter.region "both" (%x) : (!x) -> (!x, !x8) {
  ^bb0(%a: !x):
    %c = sinter.head_matmul %a, @w : (!x) -> !x
    %d = sinter.quantize %c : !x -> !x8
    sinter.yield %c, %d : !x, !x8
  }
  // expected-remark @below {{inlined 'pair': no op of latent attention alone}}
  %t = sinter.region "pair" (%x) : (!x) -> !x {
  ^bb0(%a: !x):
    %c = sinter.head_matmul %a, @w : (!x) -> !x
    %d = sinter.head_matmul %c, @w : (!x) -> !x
    sinter.yield %d : !x
  }
  return %r, %s, %u, %v, %t : !x, !x8, !x, !x8, !x
}

func.func @latent(%x: !x, %r: tensor<?x16xf32>, %kv: !kv, %b: !sinter.batch) -> (!x, tensor<?x96xf32>) {
  // expected-remark @below {{inlined 'write': a latent write beside other ops}}
  %s = sinter.region "write" (%x, %r, %kv, %b) : (!x, tensor<?x16xf32>, !kv, !sinter.batch) -> !x {
  ^bb0(%a: !x, %c: tensor<?x16xf32>, %e: !kv, %t: !sinter.batch):
    sinter.latent_write %a, %c, %e, %t : !x, tensor<?x16xf32>, !kv
    %d = sinter.silu %a : !x
    sinter.yield %d : !x
  }
  // expected-remark @below {{inlined 'join': a join beside other ops}}
  %j = sinter.region "join" (%x, %r) : (!x, tensor<?x16xf32>) -> tensor<?x96xf32> {
  ^bb0(%a: !x, %c: tensor<?x16xf32>):
    %d = sinter.join_heads %a, %c heads 2 : (!x, tensor<?x16xf32>) -> tensor<?x96xf32>
    %f = sinter.silu %d : tensor<?x96xf32>
    sinter.yield %f : tensor<?x96xf32>
  }
  return %s, %j : !x, tensor<?x96xf32>
}

func.func @encoder(%b: !sinter.batch) -> !x {
  // expected-remark @below {{inlined 'box': not one op of an encoder}}
  %r = sinter.region "box" (%b) : (!sinter.batch) -> !x {
  ^bb0(%t: !sinter.batch):
    %e = sinter.embed_rows %t, @rows by "position" : !x
    %s = sinter.silu %e : !x
    sinter.yield %s : !x
  }
  return %r : !x
}
