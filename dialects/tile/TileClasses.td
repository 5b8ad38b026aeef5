// All groups of the tile dialect's attributes: the dialect has one parser for
// them, so that their definitions are generated together.
#ifndef SINTER_DIALECTS_TILE_CLASSES_TD
#define SINTER_DIALECTS_TILE_CLASSES_TD

include "dialects/tile/AttentionSplits.td"
include "dialects/tile/Experts.td"
include "dialects/tile/Latent.td"
include "dialects/tile/Pooling.td"
include "dialects/tile/TileOps.td"

#endif // SINTER_DIALECTS_TILE_CLASSES_TD
