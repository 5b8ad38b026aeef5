// The ops of multi-head latent attention: keys and values of all heads are
// projections of one short row for each token, which alone is stored.
#ifndef SINTER_DIALECTS_SINTER_LATENT_OPS_TD
#define SINTER_DIALECTS_SINTER_LATENT_OPS_TD

include "dialects/sinter/SinterOpBase.td"

def Sinter_HeadMatmulOp : Sinter_Op<"head_matmul", [Pure,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "each head's columns times the matrix of the head";
  let description = [{
    The weight is [heads, rows, width]; a row of the input is `heads` heads of
    `width` columns side by side, one of the result as many of `rows`.

    ```mlir
    %a = sinter.head_matmul %q, @blk.0.attn_k_b.weight : (tensor<?x2048xf32>) -> tensor<?x8192xf32>
    ```
  }];
  let arguments = (ins Sinter_AnyRows:$input, FlatSymbolRefAttr:$weight);
  let results = (outs Sinter_Rows:$result);
  let assemblyFormat = [{
    $input `,` $weight attr-dict `:` functional-type($input, $result)
  }];
}

def Sinter_LatentWriteOp : Sinter_Op<"latent_write"> {
  let summary = "appends this step's latent and rotated keys to the cache";
  let description = [{
    A cached row is the latent one, then the rotated key that all heads share.

    ```mlir
    sinter.latent_write %c, %k, %kv, %batch : tensor<?x512xf32>, tensor<?x64xf32>, !sinter.kv_cache<heads = 1, keys = 576, values = 0, f16>
    ```
  }];
  let arguments = (ins Sinter_Rows:$latent, Sinter_Rows:$rotated,
      Arg<Sinter_KvCacheType, "the state written", [MemWrite]>:$cache,
      Sinter_BatchType:$batch);
  let assemblyFormat = [{
    $latent `,` $rotated `,` $cache `,` $batch attr-dict `:` type($latent) `,`
    type($rotated) `,` type($cache)
  }];
  let hasVerifier = 1;
}

def Sinter_LatentAttentionOp : Sinter_Op<"latent_attention"> {
  let summary = "causal attention of all heads over one latent row a token";
  let description = [{
    The absorbed form of multi-head latent attention (arXiv 2405.04434): with
    a head's query in the latent space and its rotated one, side by side, and k
    a cached row,

      softmax(scale · q·k) · the latent part of k

    over the tokens of its sequence up to its own. Rows are `heads` heads side
    by side.

    ```mlir
    %o = sinter.latent_attention %a, %r, %kv, %batch heads 16 scale 0.0721688 : (tensor<?x8192xf32>, tensor<?x1024xf32>, !sinter.kv_cache<heads = 1, keys = 576, values = 0, f16>) -> tensor<?x8192xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows:$latent, Sinter_Rows:$rotated,
      Arg<Sinter_KvCacheType, "the state read", [MemRead]>:$cache,
      Sinter_BatchType:$batch, I64Attr:$heads, F64Attr:$scale);
  let results = (outs Sinter_Rows:$result);
  let assemblyFormat = [{
    $latent `,` $rotated `,` $cache `,` $batch `heads` $heads `scale` $scale
    attr-dict `:` `(` type($latent) `,` type($rotated) `,` type($cache) `)`
    `->` type($result)
  }];
  let hasVerifier = 1;
}

def Sinter_JoinHeadsOp : Sinter_Op<"join_heads", [Pure]> {
  let summary = "two parts of each head, side by side";
  let description = [{
    A row of `first` is `heads` heads; one of `second` too, or a single part
    for all of them, as wide as the result leaves.

    ```mlir
    %k = sinter.join_heads %n, %r heads 16 : (tensor<?x2048xf32>, tensor<?x64xf32>) -> tensor<?x3072xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows:$first, Sinter_Rows:$second, I64Attr:$heads);
  let results = (outs Sinter_Rows:$result);
  let assemblyFormat = [{
    $first `,` $second `heads` $heads attr-dict `:`
    functional-type(operands, $result)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Columns of a head that `second` gives.
    int64_t secondWidth();
  }];
}

#endif // SINTER_DIALECTS_SINTER_LATENT_OPS_TD
