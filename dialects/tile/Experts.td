// Skeleton classes of a mixture of experts: routing, grouping of tokens by
// expert, matrix products by group, and the weighted sum.
#ifndef SINTER_DIALECTS_TILE_EXPERTS_TD
#define SINTER_DIALECTS_TILE_EXPERTS_TD

include "dialects/tile/TileBase.td"
include "mlir/IR/SymbolInterfaces.td"

def Tile_RouteAttr : Tile_SkeletonAttr<"Route", "route"> {
  let summary = "the experts of each token and their weights";
  let description = [{
    Operands: logits float32[T, experts], [bias float32[experts]],
    [`expertScale`: float32[experts]], ids int32[T, top], weights float32[T,
    top]; the arithmetic is that of `sinter.route`. Every id is below `experts`,
    whatever the logits. Items: tokens.
  }];
  let parameters = (ins "unsigned":$experts, "unsigned":$top,
      StringRefParameter<"softmax, sigmoid or softmax_chosen">:$scoring,
      "unsigned":$stride,
      DefaultValuedParameter<"bool", "false">:$bias,
      DefaultValuedParameter<"bool", "false">:$normalise,
      DefaultValuedParameter<"unsigned", "1">:$groups,
      DefaultValuedParameter<"unsigned", "1">:$usedGroups,
      DefaultValuedParameter<"unsigned", "2">:$groupBest,
      "::mlir::FloatAttr":$scale,
      DefaultValuedParameter<"bool", "false">:$expertScale);
}

def Tile_GroupAttr : Tile_SkeletonAttr<"Group", "group"> {
  let summary = "a step's assignments of tokens to experts, sorted by expert";
  let description = [{
    Operands: ids int32 [T, top], groups int32[2 + 2 * experts], order int32
    [T, top]. Assignment i is slot i % top of token i / top. `order` lists them
    expert by expert, each expert's by token. `groups` is | active experts A |
    their numbers, `experts` places | where each begins in `order`, and the end,
    experts + 1 places |. Items: one.
  }];
  let parameters = (ins "unsigned" : $experts, "unsigned" : $top);
}

def Tile_GroupedGemmAttr
    : Tile_SkeletonAttr<"GroupedGemm", "grouped_gemm",
                        ["products", "hasHole", "decodeForm"]> {
  let summary = "rows times the packed matrices of their experts";
  let description = [{
    Operands: input, groups and order as `#tile.group` gives them, packed
    weights (`weightRows` rows of expert after expert), a bias for each segment
    if `biasRows` is not 0, output. Assignment i reads the input row of its
    token, or row i if `slots`;
      it writes output row i.Segments and body are those of `#tile.gemm`.A bias
          is float32[experts, biasRows],
          read from column `biasFirst`[segment] on.

          An active
              expert's row tiles weigh as much as it has tokens, plus `idle`; items
                  divide that weight evenly,
          so that each thread's share of the items is its share of the work,
          whichever experts are active.Items : kGroupedItems.
  }];
  let parameters = (ins StringRefParameter<"weight format">:$format,
      "unsigned":$experts, "unsigned":$top, "unsigned":$weightRows,
      "::sinter::tile::RowAttr":$input, "::sinter::tile::RowAttr":$output,
      DefaultValuedParameter<"bool", "false">:$slots,
      DefaultValuedParameter<"unsigned", "1">:$segments,
      DefaultValuedParameter<"unsigned", "0">:$biasRows,
      OptionalParameter<"::mlir::DenseI64ArrayAttr">:$biasFirst,
      DefaultValuedParameter<"bool", "false">:$decode);
}

def Tile_CombineAttr : Tile_SkeletonAttr<"Combine", "combine"> {
  let summary = "weighted sums of the rows of a token";
  let description = [{
    Operands: rows float32 [T, slots, width], weights float32 [T, slots],
    output float32 [T, width]. Weights of a token are `stride` numbers behind
    those of the one before; with `sigmoid` they are sigmoids of what is given.
    Items: tokens * ceil(width / columns).
  }];
  let parameters = (ins "unsigned":$width, "unsigned":$slots, "unsigned":$stride,
      DefaultValuedParameter<"bool", "false">:$sigmoid);
}

def Tile_PackedExpertsOp : Op<Tile_Dialect, "packed_experts", [Symbol]> {
  let summary = "weights of experts, packed expert by expert";
  let description = [{
    Of each source[experts, rows, width] the `rows` rows from `first` on;
    within an expert source after source, or in alternating groups of 16 rows.
    `scales` names a vector [experts] for each source, or is empty.

    ```mlir
    tile.packed_experts @blk.0.gate_up from [@blk.0.ffn_gate_exps.weight, @blk.0.ffn_up_exps.weight] first [0, 0] rows 768 alternating
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       TypedArrayAttrBase<FlatSymbolRefAttr, "symbols">:$sources,
                       DenseI64ArrayAttr:$first, I64Attr:$rows,
                       DefaultValuedOptionalAttr<
                           TypedArrayAttrBase<FlatSymbolRefAttr, "symbols">,
                           "{}">:$scales,
                       UnitAttr:$alternating);
  let assemblyFormat = [{
    $sym_name `from` $sources `first` $first `rows` $rows (`scales` $scales^)?
    (`alternating` $alternating^)? attr-dict
  }];
}

#endif // SINTER_DIALECTS_TILE_EXPERTS_TD
