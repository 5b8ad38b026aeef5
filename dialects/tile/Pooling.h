/// The skeleton classes behind the layers: included only where they are met.
#ifndef SINTER_DIALECTS_TILE_POOLING_H
#define SINTER_DIALECTS_TILE_POOLING_H

#include "dialects/tile/Tile.h"

#define GET_ATTRDEF_CLASSES
#include "dialects/tile/PoolingAttributes.h.inc"

#endif // SINTER_DIALECTS_TILE_POOLING_H
