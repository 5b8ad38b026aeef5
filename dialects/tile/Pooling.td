// Skeleton classes behind the layers: a row for each sequence, and softmax.
#ifndef SINTER_DIALECTS_TILE_POOLING_TD
#define SINTER_DIALECTS_TILE_POOLING_TD

include "dialects/tile/TileBase.td"

def Tile_PoolAttr : Tile_SkeletonAttr<"Pool", "pool"> {
  let summary = "a row for each wanted token, of the sequence that ends there";
  let description = [{
    Operands: rows float32 of all tokens, `stride` elements apart, output
    float32 [rows, width]. Row r is of the sequence whose last token is
    outputs[r]; its tokens are the position + 1 last ones up to there. `kind`:
    mean, summed from first to last and divided by their number; first, the
    first one's row. Items: rows.
  }];
  let parameters = (ins StringRefParameter<"mean or first">:$kind,
                        "unsigned":$width, "unsigned":$stride);
}

def Tile_SoftmaxAttr : Tile_SkeletonAttr<"Softmax", "softmax"> {
  let summary = "softmax of rows";
  let description = [{
    Operands: rows float32, `stride` elements apart, output float32
    [rows, width]. Items: rows, of tokens or, with `outputs`, of wanted ones.
  }];
  let parameters = (ins "unsigned":$width, "unsigned":$stride,
                        DefaultValuedParameter<"bool", "false">:$outputs);
}

#endif // SINTER_DIALECTS_TILE_POOLING_TD
