/// Reads shapes off the classes.
#include "passes/tile/KernelTile.h"

#include "dialects/tile/AttentionSplits.h"
#include "dialects/tile/Experts.h"
#include "dialects/tile/Float16.h"
#include "dialects/tile/Float4.h"
#include "dialects/tile/Latent.h"
#include "dialects/tile/Skeleton.h"
#include "passes/tile/GpuFloat16Cost.h"
#include "passes/tile/GpuScanCost.h"
#include "passes/tile/GpuTileCost.h"

#include <algorithm>

#include <type_traits>

using namespace mlir;

namespace sinter {

/// Of a gemm or a grouped gemm.
template <typename GemmT>
static GemmShape shapeOf(GemmT gemm, uint64_t tokens) {
  const Format *format = findFormat(std::string_view(gemm.getFormat()));
  GemmShape shape;
  shape.weightRows = gemm.getWeightRows();
  shape.weightRowBytes = uint64_t(gemm.getInput().getWidth()) *
                         format->blockBytes / format->blockWeights;
  tile::RowAttr input = gemm.getInput();
  shape.inputRowBytes =
      rowBytesOf(input.getWidth(), input.getQ8(), input.getSums());
  shape.segments = gemm.getSegments();
  shape.q8Output = gemm.getOutput().getQ8();
  shape.decode = gemm.getDecode();
  if constexpr (std::is_same_v<GemmT, tile::GemmAttr>)
    shape.slices = gemm.getSlices();
  shape.tokens = tokens;
  shape.width = gemm.getInput().getWidth();
  shape.plain = format->form.family == Family::Plain;
  shape.float4 = gemm.getInput().getSums() & float4Of(*format);
  if (hasFloat16Units(*format, shape.width, gemm.getInput().getStride())) {
    shape.f16 = format->form.plain == PlainType::F16;
    shape.bf16 = !shape.f16;
  }
  return shape;
}

/// Of one head's product.
static GemmShape shapeOf(tile::HeadGemmAttr gemm, uint64_t tokens) {
  tile::RowAttr row = gemm.getInput();
  // Whole rows are of whole heads.
  unsigned stride =
      row.getStride() == row.getWidth() ? gemm.headWidth() : row.getStride();
  auto head = tile::RowAttr::get(row.getContext(), gemm.headWidth(), stride,
                                 row.getQ8(), row.getSums());
  return shapeOf(tile::GemmAttr::get(gemm.getContext(), gemm.getFormat(),
                                     gemm.getWeightRows(), head,
                                     gemm.getOutput(), 1, false, false,
                                     gemm.getDecode(), false),
                 tokens);
}

TileTarget tileTarget(TargetAttr target) {
  TileTarget facts;
  facts.registers = target.getLevel() == "x86-64-v4" ? 32 : 16;
  facts.cores = std::max(1u, target.getCores());
  facts.l2 = target.getL2();
  facts.prefetch = target.getPrefetch();
  facts.gpu.bandwidth = target.rate("bandwidth");
  facts.gpu.clock = target.rate("clock");
  facts.gpu.float32 = target.rate("f32");
  facts.gpu.int8 = target.rate("int8");
  facts.gpu.fp4 = target.rate("fp4");
  facts.gpu.f16 = target.rate("f16");
  facts.gpu.bf16 = target.rate("bf16");
  facts.gpu.mma = target.hasFeature("mma");
  facts.gpu.wgmma = target.hasFeature("wgmma");
  return facts;
}

GpuAttention gpuAttentionOf(tile::AttentionAttr op) {
  return {.heads = op.getHeads(),
          .cacheHeads = op.getCacheHeads(),
          .keyWidth = op.getKeyWidth(),
          .valueWidth = op.getValueWidth(),
          .elementBytes = double(cacheBytes(op.getCacheElement(), 32)) / 32,
          .pageTokens = op.getPageTokens(),
          .window = op.getWindow(),
          .splits = kAttentionSplits,
          .bidirectional = op.getBidirectional()};
}

TileChoice chooseTile(Attribute skeleton, const TileTarget &target,
                      uint64_t tokens) {
  if (auto gemm = dyn_cast<tile::GemmAttr>(skeleton)) {
    GemmShape shape = shapeOf(gemm, tokens);
    return target.gpu.bandwidth > 0 ? chooseGpuGemm(target, shape)
                                    : chooseGemm(target, shape);
  }
  if (auto gemm = dyn_cast<tile::GroupedGemmAttr>(skeleton)) {
    GemmShape shape = shapeOf(gemm, tokens);
    return target.gpu.bandwidth > 0
               ? chooseGpuGrouped(target, shape, gemm.getExperts(),
                                  gemm.getTop())
               : chooseGrouped(target, shape, gemm.getExperts(), gemm.getTop());
  }
  // Each head is an expert that every token takes.
  if (auto gemm = dyn_cast<tile::HeadGemmAttr>(skeleton)) {
    GemmShape shape = shapeOf(gemm, tokens);
    return takesFloat16Units(target, shape)
               ? chooseGpuGrouped(target, shape, gemm.getHeads(),
                                  gemm.getHeads())
               : chooseGrouped(target, shape, gemm.getHeads(), gemm.getHeads());
  }
  if (auto combine = dyn_cast<tile::CombineAttr>(skeleton))
    return chooseElementwise(combine.getWidth());
  if (auto op = dyn_cast<tile::AttentionAttr>(skeleton))
    return target.gpu.bandwidth > 0
               ? chooseGpuAttention(target, gpuAttentionOf(op))
               : chooseAttention(op.getHeads(), op.getCacheHeads());
  if (auto op = dyn_cast<tile::AttentionSplitsAttr>(skeleton))
    return chooseGpuSplits(target, gpuAttentionOf(op.getAttention()));
  if (auto attention = dyn_cast<tile::LatentAttentionAttr>(skeleton))
    return chooseAttention(attention.getSharing(), 1);
  if (auto elementwise = dyn_cast<tile::ElementwiseAttr>(skeleton))
    return chooseElementwise(elementwise.getOutput().getWidth());
  return {};
}

std::string tileReason(Attribute skeleton, const TileTarget &target,
                       uint64_t tokens) {
  if (auto gemm = dyn_cast<tile::GemmAttr>(skeleton)) {
    GemmShape shape = shapeOf(gemm, tokens);
    return target.gpu.bandwidth > 0 ? gpuGemmReason(target, shape)
                                    : gemmReason(target, shape);
  }
  if (auto attention = dyn_cast<tile::AttentionAttr>(skeleton);
      attention && chooseTile(skeleton, target, tokens).mma)
    return "16 rows of a cache head share each load, and matrix units";
  if (auto attention = dyn_cast<tile::AttentionAttr>(skeleton))
    return "about 8 query rows share each load of a cache head, which has " +
           std::to_string(attention.getHeads() / attention.getCacheHeads()) +
           " query heads";
  if (auto gemm = dyn_cast<tile::GroupedGemmAttr>(skeleton);
      gemm && shapeOf(gemm, tokens).float4)
    return kFloat4Reason;
  if (auto gemm = dyn_cast<tile::GroupedGemmAttr>(skeleton);
      gemm && takesFloat16Units(target, shapeOf(gemm, tokens)))
    return kFloat16Reason;
  if (auto gemm = dyn_cast<tile::GroupedGemmAttr>(skeleton);
      gemm && chooseTile(skeleton, target, tokens).mma)
    return "an active expert has rows enough for tiles of matrix units";
  if (auto gemm = dyn_cast<tile::GroupedGemmAttr>(skeleton))
    return "a token tile of twice the rows per active expert, of " +
           std::to_string(gemm.getExperts()) + " with " +
           std::to_string(gemm.getTop()) + " a token";
  if (auto gemm = dyn_cast<tile::HeadGemmAttr>(skeleton))
    return "every token is multiplied by the matrices of all " +
           std::to_string(gemm.getHeads()) + " heads";
  if (auto attention = dyn_cast<tile::LatentAttentionAttr>(skeleton))
    return std::to_string(attention.getSharing()) +
           " query heads share each load of a latent row";
  if (auto scan = dyn_cast<tile::ScanAttr>(skeleton);
      scan && target.gpu.bandwidth > 0 && target.gpu.mma && scan.getDelta() &&
      tile::scansInChunks(scan.getKeyWidth(), scan.getValueWidth()))
    return gpuScanReason(target,
                         {.heads = scan.getValueHeads(),
                          .keyWidth = scan.getKeyWidth(),
                          .valueWidth = scan.getValueWidth(),
                          .block = tile::scanBlock(scan.getValueWidth()),
                          .chunk = tile::kScanChunk});
  if (isa<tile::ElementwiseAttr, tile::CombineAttr>(skeleton))
    return "whole blocks of 32 columns, at most 256";
  return "";
}

/// Whether the rules can be asked: a skeleton may come from a file.
static bool isSound(Attribute skeleton) {
  if (auto gemm = dyn_cast<tile::GemmAttr>(skeleton))
    return findFormat(std::string_view(gemm.getFormat())) &&
           gemm.getSegments() > 0;
  if (auto gemm = dyn_cast<tile::GroupedGemmAttr>(skeleton))
    return findFormat(std::string_view(gemm.getFormat())) &&
           gemm.getSegments() > 0 && gemm.getExperts() > 0;
  if (auto attention = dyn_cast<tile::AttentionAttr>(skeleton))
    return attention.getCacheHeads() > 0 &&
           attention.getHeads() >= attention.getCacheHeads();
  return true;
}

std::vector<TileChoice>
tileCandidates(Attribute skeleton, const TileTarget &target, uint64_t tokens) {
  if (!isSound(skeleton))
    return {};
  TileChoice chosen = chooseTile(skeleton, target, tokens);
  if (auto gemm = dyn_cast<tile::GemmAttr>(skeleton)) {
    GemmShape shape = shapeOf(gemm, tokens);
    return target.gpu.bandwidth > 0 ? gpuGemmCandidates(target, shape)
                                    : gemmCandidates(target, shape, chosen);
  }
  if (auto attention = dyn_cast<tile::AttentionAttr>(skeleton);
      attention && target.gpu.bandwidth == 0)
    return attentionCandidates(attention.getHeads() / attention.getCacheHeads(),
                               chosen);
  if (auto gemm = dyn_cast<tile::GroupedGemmAttr>(skeleton);
      gemm && target.gpu.bandwidth == 0)
    return groupedCandidates(target, shapeOf(gemm, tokens), chosen);
  if (auto elementwise = dyn_cast<tile::ElementwiseAttr>(skeleton))
    return elementwiseCandidates(elementwise.getOutput().getWidth(), chosen);
  if (auto combine = dyn_cast<tile::CombineAttr>(skeleton))
    return elementwiseCandidates(combine.getWidth(), chosen);
  return {};
}

tile::ConfigAttr tunedTile(ArrayAttr tuned, Attribute skeleton,
                           uint64_t tokens) {
  if (!tuned)
    return {};
  for (auto entry : tuned.getAsRange<ArrayAttr>())
    if (entry.size() == 3 && entry[0] == skeleton)
      if (auto number = dyn_cast<IntegerAttr>(entry[1]);
          number && number.getValue() == tokens)
        return dyn_cast<tile::ConfigAttr>(entry[2]);
  return {};
}

tile::ConfigAttr configOf(const TileChoice &choice, MLIRContext *context) {
  return tile::ConfigAttr::get(context, choice.rowGroups, choice.tokens,
                               choice.prefetch, choice.columns, choice.mma,
                               choice.wgmma);
}

} // namespace sinter
