// The tile dialect: one kernel is a skeleton class with a tile and typed
// holes, so that an emitter writes main loops and nothing else.
#ifndef SINTER_DIALECTS_TILE_TD
#define SINTER_DIALECTS_TILE_TD

include "dialects/tile/TileBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Tile_ConfigAttr : Tile_Attr<"Config", "config"> {
  let summary = "the tile a kernel works in, chosen by tile selection";
  let description = [{
    `rowGroups`: groups of 16 weight rows per work item (gemv, gemm);
    `tokens`: tokens per register tile; `prefetch`: bytes that weight
    prefetches run ahead, 0 for none; `columns`: elements of a row per work
    item (elementwise). `mma`: a GPU's matrix units multiply, and items are
    tiles of `tokens` tokens too (gemm); `wgmma`: by products of four warps, as
    Hopper has them.
  }];
  let parameters = (ins DefaultValuedParameter<"unsigned", "1">:$rowGroups,
                        DefaultValuedParameter<"unsigned", "1">:$tokens,
                        DefaultValuedParameter<"unsigned", "0">:$prefetch,
                        DefaultValuedParameter<"unsigned", "0">:$columns,
                        DefaultValuedParameter<"bool", "false">:$mma,
                        DefaultValuedParameter<"bool", "false">:$wgmma);
  let extraClassDeclaration = [{
    Tiling tiling() const {
      return {getRowGroups(), getTokens(), getPrefetch(), getColumns(),
              getMma()};
    }
  }];
}

// Where a kernel's rows come from: every token of the step, or only those
// whose logits are wanted.
def Tile_RowsTokens : I32EnumAttrCase<"Tokens", 0, "tokens">;
def Tile_RowsOutputs : I32EnumAttrCase<"Outputs", 1, "outputs">;
def Tile_Rows : I32EnumAttr<"Rows", "rows of a kernel",
                            [Tile_RowsTokens, Tile_RowsOutputs]> {
  let cppNamespace = "::sinter::tile";
}

def Tile_RowAttr : Tile_Attr<"Row", "row"> {
  let summary = "how a row of activations lies in memory";
  let description = [{
    float32: `width` elements, rows `stride` elements apart (a row may be a
    part of a wider one). 8-bit (`q8 = true`): Q8Layout::of(width, sums);
    `stride` is then unused. Example: `#tile.row<width = 1024, stride = 4096>`.
  }];
  let parameters = (ins "unsigned":$width,
                        DefaultValuedParameter<"unsigned", "0">:$stride,
                        DefaultValuedParameter<"bool", "false">:$q8,
                        DefaultValuedParameter<"unsigned", "0">:$sums);
}

def Tile_GemmAttr : Tile_SkeletonAttr<"Gemm", "gemm",
    ["products", "hasHole", "decodeForm"]> {
  let summary = "activations [T, width] times packed weights: gemv and gemm";
  let description = [{
    Operands: input, packed weights, [bias float32 (one per weight row)],
    output. `weightRows` counts the rows of the packed (joined) matrix. With `segments = 2` the matrix is
    joined in alternating groups of 16 rows and the body takes one value of
    each (gate, up): the output is half as wide. The body's arguments are the
    `segments` sums (bias and tensor scale applied); it yields one value. No
    body: the sum itself.
    `slices`: rows are matrices of one row each, multiplied one by one.
    `decode` marks the gemv form (few tokens, bound by memory). Items:
    weightRows / (16 * rowGroups), without `decode` for each tile of tokens if
    `mma`.
  }];
  let parameters = (ins StringRefParameter<"weight format">:$format,
                        "unsigned":$weightRows, "::sinter::tile::RowAttr":$input,
                        "::sinter::tile::RowAttr":$output,
                        DefaultValuedParameter<"unsigned", "1">:$segments,
                        DefaultValuedParameter<"bool", "false">:$bias,
                        DefaultValuedParameter<"bool", "false">:$outputs,
                        DefaultValuedParameter<"bool", "false">:$decode,
                        DefaultValuedParameter<"bool", "false">:$slices);
}

def Tile_NormAttr : Tile_SkeletonAttr<"Norm", "norm"> {
  let summary = "RMS or layer norm of rows, optionally after a residual sum";
  let description = [{
    Operands: input, [addend float32 rows], weight float32[groupWidth],
    [bias float32[groupWidth]], [sum output float32 rows, `sum`], output.
    `layer`: the mean is subtracted first, and there may be a bias. `wide`:
    weight and bias are as wide as the row, each group having its own part.
    `unit`: there is no weight. With `addend` the row normed is input + addend,
    which is also stored in the sum output. The mean is over groups of `group`
    elements; weight has `group` elements. Items: rows.
  }];
  let parameters = (ins "::sinter::tile::RowAttr":$input, "::sinter::tile::RowAttr":$output, "unsigned":$group,
                        "::mlir::FloatAttr":$epsilon,
                        DefaultValuedParameter<"bool", "false">:$addend,
                        DefaultValuedParameter<"bool", "false">:$outputs,
                        DefaultValuedParameter<"bool", "false">:$layer,
                        DefaultValuedParameter<"bool", "false">:$bias,
                        DefaultValuedParameter<"bool", "false">:$wide,
                        DefaultValuedParameter<"bool", "false">:$unit);
}

def Tile_ElementwiseAttr : Tile_SkeletonAttr<"Elementwise", "elementwise",
    ["hasHole"]> {
  let summary = "a body over corresponding elements of rows";
  let description = [{
    Operands: inputs (all float32, `inputs` of them, strides listed; stride 0:
    one number for all), output.
    No body: the first input. `gather`: row r is read from the token
    outputs[r] of the step. Each row of the step has `slots` rows here. Items:
    rows * slots * ceil(width / columns).
  }];
  let parameters = (ins ArrayRefParameter<"unsigned", "input strides">:$strides,
                        "::sinter::tile::RowAttr":$output,
                        DefaultValuedParameter<"bool", "false">:$gather,
                        DefaultValuedParameter<"bool", "false">:$outputs,
                        DefaultValuedParameter<"unsigned", "1">:$slots);
  let assemblyFormat = [{
    `<` `[` $strides `]` `->` $output (`gather` `=` $gather^)?
    (`outputs` `=` $outputs^)? (`slots` `=` $slots^)? `>`
  }];
}

def Tile_HeadsAttr : Tile_SkeletonAttr<"Heads", "heads"> {
  let summary = "head norm, rotation and cache write of one step's heads";
  let description = [{
    Each part is present if its count is not 0: query heads (read from the
    query row, written to the output row) and cache heads (key and value rows
    into the KV cache). Operands, those present in this order: query, query
    norm weight, key, key norm weight, value, rope table, cache, output.
    `rotary` 0: no rotation and no table. `ring`: the cache's operand is a
    CacheRing (runtime/ArtifactFormat.h). Items: tokens * (queryHeads +
    cacheHeads).
  }];
  let parameters = (ins DefaultValuedParameter<"unsigned", "0">:$queryHeads,
      DefaultValuedParameter<"unsigned", "0">:$cacheHeads,
      "unsigned":$keyWidth, DefaultValuedParameter<"unsigned", "0">:$valueWidth,
      DefaultValuedParameter<"unsigned", "0">:$rotary,
      DefaultValuedParameter<"bool", "false">:$neox,
      DefaultValuedParameter<"bool", "false">:$queryNorm,
      DefaultValuedParameter<"bool", "false">:$keyNorm,
      OptionalParameter<"::mlir::FloatAttr">:$epsilon,
      DefaultValuedParameter<"unsigned", "0">:$queryStride,
      DefaultValuedParameter<"unsigned", "0">:$keyStride,
      DefaultValuedParameter<"unsigned", "0">:$valueStride,
      DefaultValuedParameter<"unsigned", "0">:$outputStride,
      DefaultValuedParameter<"::mlir::Type",
                             "::mlir::Float16Type::get($_ctxt)">:$cacheElement,
      DefaultValuedParameter<"unsigned", "64">:$pageTokens,
      DefaultValuedParameter<"bool", "false">:$ring);
}

def Tile_AttentionAttr : Tile_SkeletonAttr<"Attention", "attention",
    ["products"]> {
  let summary = "causal attention over a paged cache, online softmax";
  let description = [{
    Operands: query rows, cache, [sinks float32 (one per head)], output rows
    (heads side by side). Blocks of pageTokens keys are taken in order, so a
    sequence's answer depends neither on the step's size nor on threads.
    `window`: a token sees that many positions, its own included; 0: all.
    `ring`: as in `#tile.heads`. `softcap` c: scores become c · tanh(score / c).
    `bidirectional` and `alibi`: as in `sinter.attention`. Items: cacheHeads *
    ceil(tokens / config tokens).
  }];
  let parameters = (ins "unsigned":$heads, "unsigned":$cacheHeads,
      "unsigned":$keyWidth, "unsigned":$valueWidth, "::mlir::FloatAttr":$scale,
      "unsigned":$queryStride, "::sinter::tile::RowAttr":$output,
      DefaultValuedParameter<"::mlir::Type",
                             "::mlir::Float16Type::get($_ctxt)">:$cacheElement,
      DefaultValuedParameter<"unsigned", "64">:$pageTokens,
      DefaultValuedParameter<"unsigned", "0">:$window,
      OptionalParameter<"::mlir::FloatAttr">:$softcap,
      DefaultValuedParameter<"bool", "false">:$sinks,
      DefaultValuedParameter<"bool", "false">:$ring,
      DefaultValuedParameter<"bool", "false">:$bidirectional,
      OptionalParameter<"::mlir::FloatAttr">:$alibi);
}

def Tile_EmbedAttr : Tile_SkeletonAttr<"Embed", "embed"> {
  let summary = "rows of a packed matrix, dequantised, one per token";
  let description = [{
    Operands: packed weights, output rows. `by` says which row a token gets:
    that of its id ("token"), of its "position", or the "first". Items: tokens.
  }];
  let parameters = (ins StringRefParameter<"weight format">:$format,
                        "unsigned":$weightRows, "::sinter::tile::RowAttr":$output,
                        StringRefParameter<"token, position or first", "\"token\"">:$by);
}

#endif // SINTER_DIALECTS_TILE_TD
