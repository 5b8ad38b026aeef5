/// The skeleton classes of multi-head latent attention: included only where
/// they are met.
#ifndef SINTER_DIALECTS_TILE_LATENT_H
#define SINTER_DIALECTS_TILE_LATENT_H

#include "dialects/tile/Tile.h"

#define GET_ATTRDEF_CLASSES
#include "dialects/tile/LatentAttributes.h.inc"

#endif // SINTER_DIALECTS_TILE_LATENT_H
