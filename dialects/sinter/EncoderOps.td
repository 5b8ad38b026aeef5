// What models need that read a whole text at once, and heads that turn rows of
// tokens into one row for each sequence.
#ifndef SINTER_DIALECTS_SINTER_ENCODER_OPS_TD
#define SINTER_DIALECTS_SINTER_ENCODER_OPS_TD

include "dialects/sinter/Elementwise.td"
include "dialects/sinter/SinterOpBase.td"

def Sinter_EmbedRowsOp
    : Sinter_Op<"embed_rows",
                [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary =
      "learned rows, one per token, chosen by something else than its id";
  let description = [{
    `by` is "position", the token's place in its sequence, or "first": row 0
    for every token, as for the first kind of token where a model knows several.

    ```mlir
    %p = sinter.embed_rows %batch, @position_embd.weight by "position" : tensor<?x384xf32>
    ```
  }];
  let arguments = (ins Sinter_BatchType
                   : $batch, FlatSymbolRefAttr
                   : $weight, StrAttr
                   : $by);
  let results = (outs Sinter_Rows : $result);
  let assemblyFormat =
      "$batch `,` $weight `by` $by attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Sinter_PoolOp
    : Sinter_Op<"pool", [Pure, AllTypesMatch<["input", "result"]>]> {
  let summary = "one row for each sequence";
  let description = [{
    A row that is wanted stands for the sequence that ends with it. `kind` is
    "mean", over the sequence's tokens from first to last, or "first", the row
    of its first token. All tokens of the sequence are in the step. The row of
    the last token is `sinter.select_rows`.

    ```mlir
    %e = sinter.pool %x, %batch "mean" : tensor<?x384xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows
                   : $input, Sinter_BatchType
                   : $batch, StrAttr
                   : $kind);
  let results = (outs Sinter_Rows : $result);
  let assemblyFormat = "$input `,` $batch $kind attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Sinter_SoftmaxOp : Sinter_Op<"softmax", [Pure, SameOperandsAndResultType]> {
  let summary = "exp(x - max(x)) / sum(exp(x - max(x))) of each row";
  let description = [{
    ```mlir
    %s = sinter.softmax %x : tensor<?x2xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows : $input);
  let results = (outs Sinter_Rows : $result);
  let assemblyFormat = "$input attr-dict `:` type($result)";
}

class Sinter_EncoderUnaryOp<string mnemonic, Trait formula>
    : Sinter_Op<mnemonic, [Pure, SameOperandsAndResultType, formula]> {
  let arguments = (ins Sinter_Rows : $input);
  let results = (outs Sinter_Rows : $result);
  let assemblyFormat = "$input attr-dict `:` type($result)";
}

def Sinter_GeluErfOp : Sinter_EncoderUnaryOp<"gelu_erf", Sinter_IsActivation> {
  let summary = "x / 2 * (1 + erf(x / sqrt(2)))";
  let description = [{
    The exact form (arXiv 1606.08415), which encoders are trained with.

    ```mlir
    %g = sinter.gelu_erf %x : tensor<?x1536xf32>
    ```
  }];
}

def Sinter_GegluErfOp
    : Sinter_Op<"geglu_erf",
                [Pure, SameOperandsAndResultType, Sinter_IsActivation]> {
  let summary = "gelu(gate) * up";
  let description = [{
    gelu as `sinter.gelu_erf` (arXiv 2002.05202).

    ```mlir
    %s = sinter.geglu_erf %g, %u : tensor<?x3072xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows : $gate, Sinter_Rows : $up);
  let results = (outs Sinter_Rows : $result);
  let assemblyFormat = "$gate `,` $up attr-dict `:` type($result)";
}

def Sinter_TanhOp : Sinter_EncoderUnaryOp<"tanh", Sinter_HasFormula> {
  let summary = "tanh(x)";
  let description = [{
    ```mlir
    %t = sinter.tanh %x : tensor<?x384xf32>
    ```
  }];
}

#endif // SINTER_DIALECTS_SINTER_ENCODER_OPS_TD
