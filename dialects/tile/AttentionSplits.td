// Skeleton classes of attention whose context several items share.
#ifndef SINTER_DIALECTS_TILE_ATTENTIONSPLITS_TD
#define SINTER_DIALECTS_TILE_ATTENTIONSPLITS_TD

include "dialects/tile/TileBase.td"

def Tile_AttentionSplitsAttr
    : Tile_SkeletonAttr<"AttentionSplits", "attention_splits", ["products"]> {
  let summary = "attention over a part of what each row sees";
  let description = [{
    Operands:
      query rows, cache,
          sums float32
          : of each token[heads][splits][valueWidth] weighed values,
            then the largest scores and the sums of weights,
            each[heads][splits].The parts are those that `attention` folds,
            kAttentionSplits of them(dialects / tile / AttentionSplits.h)
                .Items : splits *heads *tokens;
      with `mma`, splits *cacheHeads *ceil(tokens / config tokens).
  }];
  let parameters = (ins "::sinter::tile::AttentionAttr" : $attention);
}

def Tile_MergeSplitsAttr : Tile_SkeletonAttr<"MergeSplits", "merge_splits"> {
  let summary = "the rows of attention from the sums of its parts";
  let description = [{
    Operands: sums as `#tile.attention_splits` leaves them, [sinks float32 (one
    per head)], output rows. Items: cacheHeads * tokens.
  }];
  let parameters = (ins "::sinter::tile::AttentionAttr" : $attention);
}

#endif // SINTER_DIALECTS_TILE_ATTENTIONSPLITS_TD
