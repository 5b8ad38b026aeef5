# The three dialects: TableGen, then one library.
sinter_tablegen(sinter/Sinter.td
  sinter/SinterDialect.h.inc -gen-dialect-decls -dialect=sinter
  sinter/SinterDialect.cpp.inc -gen-dialect-defs -dialect=sinter
  sinter/SinterTypes.h.inc -gen-typedef-decls -typedefs-dialect=sinter
  sinter/SinterTypes.cpp.inc -gen-typedef-defs -typedefs-dialect=sinter
  sinter/SinterAttributes.h.inc -gen-attrdef-decls -attrdefs-dialect=sinter
  sinter/SinterAttributes.cpp.inc -gen-attrdef-defs -attrdefs-dialect=sinter)
sinter_tablegen(sinter/Elementwise.td
  sinter/Elementwise.h.inc -gen-op-interface-decls
  sinter/Elementwise.cpp.inc -gen-op-interface-defs)
sinter_tablegen(sinter/ElementwiseOps.td
  sinter/ElementwiseOps.h.inc -gen-op-decls
  sinter/ElementwiseOps.cpp.inc -gen-op-defs)
sinter_tablegen(sinter/EncoderOps.td
  sinter/EncoderOps.h.inc -gen-op-decls
  sinter/EncoderOps.cpp.inc -gen-op-defs)
sinter_tablegen(sinter/NormOps.td
  sinter/NormOps.h.inc -gen-op-decls
  sinter/NormOps.cpp.inc -gen-op-defs)
sinter_tablegen(sinter/SinterOps.td
  sinter/SinterOps.h.inc -gen-op-decls
  sinter/SinterOps.cpp.inc -gen-op-defs)
sinter_tablegen(sinter/MoeOps.td
  sinter/MoeOps.h.inc -gen-op-decls
  sinter/MoeOps.cpp.inc -gen-op-defs)
sinter_tablegen(sinter/LatentOps.td
  sinter/LatentOps.h.inc -gen-op-decls
  sinter/LatentOps.cpp.inc -gen-op-defs)
sinter_tablegen(sinter/RecurrentOps.td
  sinter/RecurrentOps.h.inc -gen-op-decls
  sinter/RecurrentOps.cpp.inc -gen-op-defs)
sinter_tablegen(tile/TileBase.td
  tile/Skeleton.h.inc -gen-attr-interface-decls
  tile/Skeleton.cpp.inc -gen-attr-interface-defs)
sinter_tablegen(tile/TileOps.td
  tile/TileDialect.h.inc -gen-dialect-decls -dialect=tile
  tile/TileDialect.cpp.inc -gen-dialect-defs -dialect=tile
  tile/TileEnums.h.inc -gen-enum-decls
  tile/TileEnums.cpp.inc -gen-enum-defs
  tile/TileAttributes.h.inc -gen-attrdef-decls -attrdefs-dialect=tile
  tile/TileOps.h.inc -gen-op-decls
  tile/TileOps.cpp.inc -gen-op-defs)
sinter_tablegen(tile/Pooling.td
  tile/PoolingAttributes.h.inc -gen-attrdef-decls -attrdefs-dialect=tile)
sinter_tablegen(tile/Experts.td
  tile/ExpertsAttributes.h.inc -gen-attrdef-decls -attrdefs-dialect=tile
  tile/Experts.h.inc -gen-op-decls
  tile/Experts.cpp.inc -gen-op-defs)
sinter_tablegen(tile/Latent.td
  tile/LatentAttributes.h.inc -gen-attrdef-decls -attrdefs-dialect=tile)
sinter_tablegen(tile/AttentionSplits.td
  tile/AttentionSplitsAttributes.h.inc
    -gen-attrdef-decls -attrdefs-dialect=tile)
sinter_tablegen(tile/TileClasses.td
  tile/TileAttributes.cpp.inc -gen-attrdef-defs -attrdefs-dialect=tile)
sinter_tablegen(plan/Plan.td
  plan/PlanDialect.h.inc -gen-dialect-decls -dialect=plan
  plan/PlanDialect.cpp.inc -gen-dialect-defs -dialect=plan
  plan/PlanAttributes.h.inc -gen-attrdef-decls -attrdefs-dialect=plan
  plan/PlanAttributes.cpp.inc -gen-attrdef-defs -attrdefs-dialect=plan
  plan/Plan.h.inc -gen-op-decls
  plan/Plan.cpp.inc -gen-op-defs)
add_public_tablegen_target(SinterDialectsIncGen)

add_library(sinter-dialects STATIC
  sinter/ElementwiseOps.cpp sinter/EncoderOps.cpp
  sinter/LatentOps.cpp sinter/MoeOps.cpp
  sinter/NormOps.cpp sinter/Operands.cpp sinter/RecurrentOps.cpp sinter/RowRuns.cpp sinter/Sinter.cpp
  sinter/SinterOps.cpp tile/AttentionSplits.cpp tile/Experts.cpp
  tile/Latent.cpp
  tile/Pooling.cpp
  tile/RecurrentSkeletons.cpp tile/Tile.cpp
  tile/Skeletons.cpp plan/Plan.cpp)
sinter_uses_mlir(sinter-dialects)
target_link_libraries(sinter-dialects PUBLIC sinter-formats)
add_dependencies(sinter-dialects SinterDialectsIncGen)
