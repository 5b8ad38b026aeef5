// Norms beyond the RMS norm.
#ifndef SINTER_DIALECTS_SINTER_NORM_OPS_TD
#define SINTER_DIALECTS_SINTER_NORM_OPS_TD

include "dialects/sinter/SinterOpBase.td"

def Sinter_LayerNormOp : Sinter_Op<"layer_norm", [Pure,
    SameOperandsAndResultType,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "(x - mean(x)) / sqrt(variance(x) + epsilon) * weight (+ bias)";
  let description = [{
    Mean and variance are over the row (arXiv 1607.06450), or over each of
    `heads` equal parts of it; weight and bias are as wide as the row.

    ```mlir
    %n = sinter.layer_norm %x, @blk.0.attn_norm.weight bias @blk.0.attn_norm.bias epsilon 1.0e-5 : tensor<?x3072xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows:$input, FlatSymbolRefAttr:$weight,
                       OptionalAttr<FlatSymbolRefAttr>:$bias, F64Attr:$epsilon,
                       DefaultValuedAttr<I64Attr, "1">:$heads);
  let results = (outs Sinter_Rows:$result);
  let assemblyFormat = [{
    $input `,` $weight (`bias` $bias^)? `epsilon` $epsilon (`heads` $heads^)?
    attr-dict `:` type($result)
  }];
}

def Sinter_UnitNormOp : Sinter_Op<"unit_norm",
    [Pure, SameOperandsAndResultType]> {
  let summary = "x / sqrt(mean(x²) + epsilon)";
  let description = [{
    `sinter.rms_norm` without a weight, of each of `heads` equal parts of the
    row.

    ```mlir
    %v = sinter.unit_norm %x epsilon 1.0e-6 heads 4 : tensor<?x1024xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows:$input, F64Attr:$epsilon,
                       DefaultValuedAttr<I64Attr, "1">:$heads);
  let results = (outs Sinter_Rows:$result);
  let assemblyFormat = [{
    $input `epsilon` $epsilon (`heads` $heads^)? attr-dict `:` type($result)
  }];
  let hasVerifier = 1;
}

#endif // SINTER_DIALECTS_SINTER_NORM_OPS_TD
