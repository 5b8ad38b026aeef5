// The ops of the sinter dialect: what a paper writes, one op per formula.
#ifndef SINTER_DIALECTS_SINTER_OPS_TD
#define SINTER_DIALECTS_SINTER_OPS_TD

include "dialects/sinter/Elementwise.td"
include "dialects/sinter/SinterOpBase.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

def Sinter_WeightOp : Sinter_Op<"weight", [Symbol]> {
  let summary = "a tensor of the source file";
  let description = [{
    `type` is row-major [rows, width] as a matmul uses it (GGUF lists the
    width first). `file` numbers the parts of a split model, `offset` is in
    bytes from that file's start.

    ```mlir
    sinter.weight @blk.3.attn_q.weight : tensor<2048x1024x!sinter.q4_k> at 0 : 4096
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       TypeAttrOf<AnyRankedTensor>:$type,
                       I64Attr:$file, I64Attr:$offset);
  let assemblyFormat =
      "$sym_name `:` $type `at` $file `:` $offset attr-dict";
  let hasVerifier = 1;
}

def Sinter_EmbedOp : Sinter_Op<"embed", [Pure,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "rows of the embedding, one per token of the step";
  let description = [{
    ```mlir
    %x = sinter.embed %batch, @token_embd.weight : tensor<?x1024xf32>
    ```
  }];
  let arguments = (ins Sinter_BatchType:$batch, FlatSymbolRefAttr:$weight,
                       OptionalAttr<FlatSymbolRefAttr>:$scale);
  let results = (outs Sinter_Rows:$result);
  let assemblyFormat =
      "$batch `,` $weight (`scale` $scale^)? attr-dict `:` type($result)";
}

def Sinter_RmsNormOp : Sinter_Op<"rms_norm", [Pure, SameOperandsAndResultType,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "x / sqrt(mean(x²) + epsilon) * weight";
  let description = [{
    The mean is over groups as wide as the weight; the weight's width divides
    the row's, so a head norm is the same op with a narrow weight
    (arXiv 1910.07467).

    ```mlir
    %n = sinter.rms_norm %x, @blk.0.attn_norm.weight epsilon 1.0e-6 : tensor<?x1024xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows:$input, FlatSymbolRefAttr:$weight,
                       F64Attr:$epsilon);
  let results = (outs Sinter_Rows:$result);
  let assemblyFormat =
      "$input `,` $weight `epsilon` $epsilon attr-dict `:` type($result)";
}

def Sinter_MatmulOp : Sinter_Op<"matmul", [Pure,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "input · weightᵀ (· scale) (+ bias)";
  let description = [{
    `scale` names a one-element tensor (NVFP4's tensor scale), `bias` a vector
    [rows of the weight].

    ```mlir
    %q = sinter.matmul %n, @blk.0.attn_q.weight bias @blk.0.attn_q.bias : (tensor<?x1024xf32>) -> tensor<?x2048xf32>
    ```
  }];
  let arguments = (ins Sinter_AnyRows:$input, FlatSymbolRefAttr:$weight,
                       OptionalAttr<FlatSymbolRefAttr>:$scale,
                       OptionalAttr<FlatSymbolRefAttr>:$bias);
  let results = (outs Sinter_Rows:$result);
  let assemblyFormat = [{
    $input `,` $weight (`scale` $scale^)? (`bias` $bias^)? attr-dict `:`
    functional-type($input, $result)
  }];
}

def Sinter_AddOp : Sinter_Op<"add",
    [Pure, Commutative, SameOperandsAndResultType, Sinter_HasFormula]> {
  let summary = "elementwise sum";
  let description = [{
    ```mlir
    %h = sinter.add %x, %a : tensor<?x1024xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows:$lhs, Sinter_Rows:$rhs);
  let results = (outs Sinter_Rows:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($result)";
}

def Sinter_SwigluOp : Sinter_Op<"swiglu",
    [Pure, SameOperandsAndResultType, Sinter_IsActivation]> {
  let summary = "silu(gate) * up";
  let description = [{
    silu(x) = x / (1 + exp(-x)) (arXiv 2002.05202).

    ```mlir
    %s = sinter.swiglu %g, %u : tensor<?x3072xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows:$gate, Sinter_Rows:$up);
  let results = (outs Sinter_Rows:$result);
  let assemblyFormat = "$gate `,` $up attr-dict `:` type($result)";
}

def Sinter_RopeOp : Sinter_Op<"rope", [Pure,
    AllTypesMatch<["input", "result"]>]> {
  let summary = "rotates each head by its token's position";
  let description = [{
    The row is `heads` heads side by side (arXiv 2104.09864).

    ```mlir
    %r = sinter.rope %q, %batch heads 16 <width = 128, base = 1.0e6 : f64, neox = true> : tensor<?x2048xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows:$input, Sinter_BatchType:$batch,
                       I64Attr:$heads, Sinter_RopeAttr:$rope);
  let results = (outs Sinter_Rows:$result);
  let assemblyFormat =
      "$input `,` $batch `heads` $heads $rope attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Sinter_CacheWriteOp : Sinter_Op<"cache_write", []> {
  let summary = "appends this step's keys and values to the cache";
  let description = [{
    ```mlir
    sinter.cache_write %k, %v, %kv, %batch : tensor<?x1024xf32>, tensor<?x1024xf32>, !sinter.kv_cache<heads = 8, keys = 128, values = 128, f16>
    ```
  }];
  let arguments = (ins Sinter_Rows:$keys, Sinter_Rows:$values,
      Arg<Sinter_KvCacheType, "the state written", [MemWrite]>:$cache,
      Sinter_BatchType:$batch);
  let assemblyFormat = [{
    $keys `,` $values `,` $cache `,` $batch attr-dict `:` type($keys) `,`
    type($values) `,` type($cache)
  }];
  let hasVerifier = 1;
}

def Sinter_AttentionOp : Sinter_Op<"attention",
    [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "causal grouped-query attention over the cache";
  let description = [{
    softmax(scale · q·k) · v for each head over the tokens of its sequence up
    to its own position; `heads` / cache heads query heads share one cache
    head. The row is `heads` heads side by side.

    `window` N: a token sees the last N positions only, its own included.
    `softcap` c: scores become c · tanh(score / c) (arXiv 2408.00118).
    `sinks` names a vector of one score per head that takes part in the softmax
    but has no value (arXiv 2309.17453).
    `bidirectional`: a token sees all tokens of its sequence, which are in the
    step. `alibi` b: of head h (from 1) of n, a power of two, the score falls by
    2^(-b h / n) for each position between two tokens (arXiv 2108.12409).

    ```mlir
    %o = sinter.attention %q, %kv, %batch heads 16 scale 0.0883883 : (tensor<?x2048xf32>, !sinter.kv_cache<heads = 8, keys = 128, values = 128, f16>) -> tensor<?x2048xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows:$query,
      Arg<Sinter_KvCacheType, "the state read", [MemRead]>:$cache,
      Sinter_BatchType:$batch, I64Attr:$heads, F64Attr:$scale,
      OptionalAttr<I64Attr>:$window, OptionalAttr<F64Attr>:$softcap,
      OptionalAttr<FlatSymbolRefAttr>:$sinks, UnitAttr:$bidirectional,
      OptionalAttr<F64Attr>:$alibi);
  let results = (outs Sinter_Rows:$result);
  let assemblyFormat = [{
    $query `,` $cache `,` $batch `heads` $heads `scale` $scale
    (`window` $window^)? (`softcap` $softcap^)? (`sinks` $sinks^)?
    (`bidirectional` $bidirectional^)? (`alibi` $alibi^)? attr-dict `:`
    functional-type(operands, $result)
  }];
  let hasVerifier = 1;
}

def Sinter_SelectRowsOp : Sinter_Op<"select_rows", [Pure,
    AllTypesMatch<["input", "result"]>]> {
  let summary = "the rows whose logits are wanted";
  let description = [{
    ```mlir
    %l = sinter.select_rows %x, %batch : tensor<?x1024xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows:$input, Sinter_BatchType:$batch);
  let results = (outs Sinter_Rows:$result);
  let assemblyFormat = "$input `,` $batch attr-dict `:` type($result)";
}

def Sinter_QuantizeOp : Sinter_Op<"quantize", [Pure]> {
  let summary = "activations to 8-bit blocks of 32";
  let description = [{
    scale = max|x| / 127 of each 32, code = round-half-even(x / scale).

    ```mlir
    %q = sinter.quantize %n : tensor<?x1024xf32> -> tensor<?x1024x!sinter.q8<1>>
    ```
  }];
  let arguments = (ins Sinter_Rows:$input);
  let results = (outs Sinter_Q8Rows:$result);
  let assemblyFormat =
      "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Sinter_RegionOp : Sinter_Op<"region", [IsolatedFromAbove,
    RecursiveMemoryEffects, SingleBlock]> {
  let summary = "a fusion's box around ops that stay its definition";
  let description = [{
    Computes what its body says; `kind` names the kernel that may compute it in
    one piece. Inlining the body never changes an answer.

    ```mlir
    %h, %n = sinter.region "residual_norm" (%x, %a) : (tensor<?x8xf32>, tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
    ^bb0(%p: tensor<?x8xf32>, %q: tensor<?x8xf32>):
      %s = sinter.add %p, %q : tensor<?x8xf32>
      %m = sinter.rms_norm %s, @w epsilon 1.0e-6 : tensor<?x8xf32>
      sinter.yield %s, %m : tensor<?x8xf32>, tensor<?x8xf32>
    }
    ```
  }];
  let arguments = (ins StrAttr:$kind, Variadic<AnyType>:$inputs);
  let results = (outs Variadic<AnyType>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $kind ` ` `(` $inputs `)` `:` functional-type($inputs, $results)
    attr-dict-with-keyword $body
  }];
  let hasVerifier = 1;
}

def Sinter_YieldOp : Sinter_Op<"yield", [Pure, Terminator, ReturnLike,
    HasParent<"RegionOp">]> {
  let summary = "the results of a region";
  let description = [{
    ```mlir
    sinter.yield %s, %m : tensor<?x8xf32>, tensor<?x8xf32>
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "$values attr-dict `:` type($values)";
}

#endif // SINTER_DIALECTS_SINTER_OPS_TD
