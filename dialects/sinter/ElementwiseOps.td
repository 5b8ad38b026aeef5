// Activations and scalings: ops whose formula is all there is to say.
#ifndef SINTER_DIALECTS_SINTER_ELEMENTWISE_OPS_TD
#define SINTER_DIALECTS_SINTER_ELEMENTWISE_OPS_TD

include "dialects/sinter/Elementwise.td"
include "dialects/sinter/SinterOpBase.td"

class Sinter_UnaryOp<string mnemonic, Trait formula = Sinter_HasFormula>
    : Sinter_Op<mnemonic, [Pure, SameOperandsAndResultType, formula]> {
  let results = (outs Sinter_Rows:$result);
}

def Sinter_GegluOp : Sinter_Op<"geglu",
    [Pure, SameOperandsAndResultType, Sinter_IsActivation]> {
  let summary = "gelu(gate) * up";
  let description = [{
    gelu as `sinter.gelu` (arXiv 2002.05202).

    ```mlir
    %s = sinter.geglu %g, %u : tensor<?x9216xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows:$gate, Sinter_Rows:$up);
  let results = (outs Sinter_Rows:$result);
  let assemblyFormat = "$gate `,` $up attr-dict `:` type($result)";
}

def Sinter_GeluOp : Sinter_UnaryOp<"gelu", Sinter_IsActivation> {
  let summary = "x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x³)))";
  let description = [{
    The form with tanh (arXiv 1606.08415), which models are trained with.

    ```mlir
    %g = sinter.gelu %x : tensor<?x12288xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows:$input);
  let assemblyFormat = "$input attr-dict `:` type($result)";
}

def Sinter_Relu2Op : Sinter_UnaryOp<"relu2", Sinter_IsActivation> {
  let summary = "max(x, 0)²";
  let description = [{
    arXiv 2109.08668.

    ```mlir
    %r = sinter.relu2 %x : tensor<?x1856xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows:$input);
  let assemblyFormat = "$input attr-dict `:` type($result)";
}

def Sinter_ScaleOp : Sinter_UnaryOp<"scale"> {
  let summary = "x times a constant";
  let description = [{
    ```mlir
    %s = sinter.scale %x by 4.800000e+01 : tensor<?x2304xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows:$input, F64Attr:$factor);
  let assemblyFormat = "$input `by` $factor attr-dict `:` type($result)";
}

def Sinter_ScaleByOp : Sinter_Op<"scale_by",
    [Pure, SameOperandsAndResultType, Sinter_HasFormula,
     DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "x times the one number of a weight";
  let description = [{
    ```mlir
    %s = sinter.scale_by %x, @blk.0.layer_output_scale.weight : tensor<?x2304xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows:$input, FlatSymbolRefAttr:$weight);
  let results = (outs Sinter_Rows:$result);
  let assemblyFormat = "$input `,` $weight attr-dict `:` type($result)";
}

def Sinter_SoftcapOp : Sinter_UnaryOp<"softcap"> {
  let summary = "cap * tanh(x / cap)";
  let description = [{
    ```mlir
    %l = sinter.softcap %x at 3.000000e+01 : tensor<?x256000xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows:$input, F64Attr:$cap);
  let assemblyFormat = "$input `at` $cap attr-dict `:` type($result)";
  let hasVerifier = 1;
}

#endif // SINTER_DIALECTS_SINTER_ELEMENTWISE_OPS_TD
