// Skeleton classes of multi-head latent attention: products head by head, the
// cache of latent rows, attention over it, and heads of two parts.
#ifndef SINTER_DIALECTS_TILE_LATENT_TD
#define SINTER_DIALECTS_TILE_LATENT_TD

include "dialects/tile/TileBase.td"

def Tile_HeadGemmAttr : Tile_SkeletonAttr<"HeadGemm", "head_gemm",
    ["products", "decodeForm"]> {
  let summary = "each head's columns times the packed matrix of the head";
  let description = [{
    Operands: input, packed weights (`weightRows` rows of head after head),
    output. Input and output are rows of all heads, side by side. Items:
    heads * ceil(weightRows / (16 * config rowGroups)).
  }];
  let parameters = (ins StringRefParameter<"weight format">:$format,
      "unsigned":$heads, "unsigned":$weightRows,
      "::sinter::tile::RowAttr":$input, "::sinter::tile::RowAttr":$output,
      DefaultValuedParameter<"bool", "false">:$decode);
  let extraClassDeclaration = [{
    unsigned headWidth() const { return getInput().getWidth() / getHeads(); }
    unsigned getSegments() const { return 1; }
  }];
}

def Tile_LatentWriteAttr : Tile_SkeletonAttr<"LatentWrite", "latent_write"> {
  let summary = "rows of two parts into the cache, row by row";
  let description = [{
    Operands: latent rows, rotated rows, cache. A page is
    [pageTokens][rank + rotary]. Items: tokens.
  }];
  let parameters = (ins "unsigned":$rank, "unsigned":$rotary,
      "unsigned":$latentStride, "unsigned":$rotatedStride,
      DefaultValuedParameter<"bool", "true">:$cacheF16,
      DefaultValuedParameter<"unsigned", "64">:$pageTokens);
}

def Tile_LatentAttentionAttr
    : Tile_SkeletonAttr<"LatentAttention", "latent_attention", ["products"]> {
  let summary = "causal attention of all heads over cached latent rows";
  let description = [{
    Operands: queries in the latent space, rotated queries, cache, output rows
    (heads of `rank` side by side). A head's value is the first `rank` numbers
    of the row that is its key. Pages are taken and sums made as
    `#tile.attention` does. `sharing` heads make one item's tile. Items:
    heads / sharing * ceil(tokens / config tokens).
  }];
  let parameters = (ins "unsigned":$heads, "unsigned":$sharing,
      "unsigned":$rank, "unsigned":$rotary, "::mlir::FloatAttr":$scale,
      "unsigned":$latentStride, "unsigned":$rotatedStride,
      "::sinter::tile::RowAttr":$output,
      DefaultValuedParameter<"bool", "true">:$cacheF16,
      DefaultValuedParameter<"unsigned", "64">:$pageTokens);
}

def Tile_JoinHeadsAttr : Tile_SkeletonAttr<"JoinHeads", "join_heads"> {
  let summary = "two parts of each head, side by side";
  let description = [{
    Operands: rows of `heads` parts of `first` columns, rows of as many of
    `second` or, if `shared`, of one for all heads; output rows. Items:
    tokens * heads.
  }];
  let parameters = (ins "unsigned":$heads, "unsigned":$first,
      "unsigned":$second, "unsigned":$firstStride, "unsigned":$secondStride,
      DefaultValuedParameter<"bool", "false">:$shared);
}

#endif // SINTER_DIALECTS_TILE_LATENT_TD
