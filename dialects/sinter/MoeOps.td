// The ops of a mixture of experts: a router chooses, per token, a few experts
// out of many, and their weighted outputs are summed.
#ifndef SINTER_DIALECTS_SINTER_MOE_OPS_TD
#define SINTER_DIALECTS_SINTER_MOE_OPS_TD

include "dialects/sinter/Elementwise.td"
include "dialects/sinter/SinterOpBase.td"

// Rows are [T, n] or, a row for each chosen expert, [T, k, n]; ids are [T, k].
def Sinter_ExpertIds : RankedTensorOf<[I32]>;

def Sinter_RouteOp : Sinter_Op<"route", [Pure,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the experts of each token and their weights";
  let description = [{
    Scores are `softmax` or `sigmoid` of the logits, or the logits themselves
    (`softmax_chosen`). The experts with the largest score plus `bias` are
    chosen, largest first, the lower number first where they are equal. With
    `groups`, only experts of the `usedGroups` groups with the largest sum of
    their `groupBest` best can be chosen: two (arXiv 2412.19437) or one (arXiv
    2405.04434). Weights are the scores of
    the chosen, without bias: for `softmax_chosen` their softmax, divided by
    their sum (but 2^-14 at least) if `normalise`, times `scale`, times each
    expert's own number of `expertScale`.

    ```mlir
    %ids, %weights = sinter.route %logits softmax normalise : tensor<?x128xf32> -> tensor<?x8xi32>, tensor<?x8xf32>
    %i, %w = sinter.route %logits sigmoid bias @blk.3.exp_probs_b.bias normalise groups 8 of 4 scale 2.5 : tensor<?x256xf32> -> tensor<?x8xi32>, tensor<?x8xf32>
    %j, %v = sinter.route %logits softmax normalise times @blk.3.ffn_down_exps.scale : tensor<?x128xf32> -> tensor<?x8xi32>, tensor<?x8xf32>
    ```
    `groups 8 of 4` says: 8 groups, of which 4 are used; `groups 8 of 3 best 1`
    that a group is as good as its best expert.
  }];
  let arguments = (ins Sinter_Rows:$logits, StrAttr:$scoring,
                       OptionalAttr<FlatSymbolRefAttr>:$bias,
                       UnitAttr:$normalise,
                       DefaultValuedAttr<I64Attr, "1">:$groups,
                       DefaultValuedAttr<I64Attr, "1">:$usedGroups,
                       DefaultValuedAttr<I64Attr, "2">:$groupBest,
                       DefaultValuedAttr<F64Attr, "1.0">:$scale,
                       OptionalAttr<FlatSymbolRefAttr>:$expertScale);
  let results = (outs Sinter_ExpertIds:$ids, Sinter_Rows:$weights);
  let hasCustomAssemblyFormat = 1;
}

def Sinter_ExpertMatmulOp : Sinter_Op<"expert_matmul", [Pure,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "each token's row times the matrices of its experts";
  let description = [{
    The weight is [experts, rows, width]; of each expert's rows those of the
    result's width from `first` on are used, so that gate and up may lie in one
    tensor. A row of the input serves all experts of its token, or, if the
    input is [T, k, width], each expert has its own. `scale` names a vector
    [experts] (NVFP4's tensor scales), `bias` a matrix [experts, rows].

    ```mlir
    %g = sinter.expert_matmul %x, %ids, @blk.0.ffn_gate_exps.weight : (tensor<?x2048xf32>, tensor<?x8xi32>) -> tensor<?x8x768xf32>
    %u = sinter.expert_matmul %x, %ids, @blk.0.ffn_gate_up_exps.weight first 768 : (tensor<?x2048xf32>, tensor<?x8xi32>) -> tensor<?x8x768xf32>
    ```
  }];
  let arguments = (ins Sinter_AnyRows:$input, Sinter_ExpertIds:$ids,
                       FlatSymbolRefAttr:$weight,
                       OptionalAttr<FlatSymbolRefAttr>:$scale,
                       OptionalAttr<FlatSymbolRefAttr>:$bias,
                       DefaultValuedAttr<I64Attr, "0">:$first);
  let results = (outs Sinter_Rows:$result);
  let assemblyFormat = [{
    $input `,` $ids `,` $weight (`scale` $scale^)? (`bias` $bias^)?
    (`first` $first^)? attr-dict `:` functional-type(operands, $result)
  }];
}

def Sinter_CombineOp : Sinter_Op<"combine", [Pure]> {
  let summary = "weighted sum of the rows of a token's experts";
  let description = [{
    The first weight times the first row, then each further product added to
    the sum with one rounding: the order is that of the chosen experts, whatever
    the step.

    ```mlir
    %y = sinter.combine %d, %weights : (tensor<?x8x2048xf32>, tensor<?x8xf32>) -> tensor<?x2048xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows:$input, Sinter_Rows:$weights);
  let results = (outs Sinter_Rows:$result);
  let assemblyFormat =
      "$input `,` $weights attr-dict `:` functional-type(operands, $result)";
  let hasVerifier = 1;
}

def Sinter_GateRowsOp : Sinter_Op<"gate_rows", [Pure,
    AllTypesMatch<["input", "result"]>]> {
  let summary = "each row times the sigmoid of its gate";
  let description = [{
    The gate of a shared expert, one number for each token.

    ```mlir
    %s = sinter.gate_rows %y, %gate : tensor<?x2048xf32>, tensor<?x1xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows:$input, Sinter_Rows:$gate);
  let results = (outs Sinter_Rows:$result);
  let assemblyFormat =
      "$input `,` $gate attr-dict `:` type($input) `,` type($gate)";
  let hasVerifier = 1;
}

def Sinter_ClampedSwigluOp : Sinter_Op<"clamped_swiglu", [Pure,
    SameOperandsAndResultType, Sinter_IsActivation]> {
  let summary = "g * sigmoid(1.702 g) * (u + 1) with g <= 7, |u| <= 7";
  let description = [{
    g is min(gate, 7), u is up clamped to -7 … 7 (gpt-oss, arXiv 2508.10925).

    ```mlir
    %s = sinter.clamped_swiglu %g, %u : tensor<?x4x2880xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows:$gate, Sinter_Rows:$up);
  let results = (outs Sinter_Rows:$result);
  let assemblyFormat = "$gate `,` $up attr-dict `:` type($result)";
}

#endif // SINTER_DIALECTS_SINTER_MOE_OPS_TD
