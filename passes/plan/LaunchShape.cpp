/// Counts work items.
#include "passes/plan/LaunchShape.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace sinter {

LaunchShape launchShape(Attribute skeleton, tile::ConfigAttr config) {
  auto rows = [](bool outputs) { return outputs ? "rows" : "tokens"; };
  if (auto gemm = dyn_cast<tile::GemmAttr>(skeleton))
    return {"one", int64_t(llvm::divideCeil(gemm.getWeightRows(),
                                            16 * config.getRowGroups()))};
  if (auto norm = dyn_cast<tile::NormAttr>(skeleton))
    return {.items = rows(norm.getOutputs()), .replicated = true};
  if (auto heads = dyn_cast<tile::HeadsAttr>(skeleton))
    return {"tokens", heads.getQueryHeads() + heads.getCacheHeads()};
  if (auto attention = dyn_cast<tile::AttentionAttr>(skeleton))
    return {"tokens", attention.getCacheHeads(), config.getTokens()};
  if (auto elementwise = dyn_cast<tile::ElementwiseAttr>(skeleton))
    return {.items = rows(elementwise.getOutputs()),
            .count = int64_t(llvm::divideCeil(
                elementwise.getOutput().getWidth(), config.getColumns())),
            .replicated = true};
  assert(isa<tile::EmbedAttr>(skeleton) && "the kernel's verifier knows more");
  return {.items = "tokens", .replicated = true};
}

plan::WorkAttr launchWork(Attribute skeleton, uint64_t weightBytes) {
  MLIRContext *context = skeleton.getContext();
  if (auto gemm = dyn_cast<tile::GemmAttr>(skeleton))
    return plan::WorkAttr::get(context, weightBytes,
                               uint64_t(gemm.getWeightRows()) *
                                   gemm.getInput().getWidth(),
                               0, gemm.getOutputs());
  if (auto attention = dyn_cast<tile::AttentionAttr>(skeleton))
    return plan::WorkAttr::get(
        context, 0, 0,
        uint64_t(attention.getHeads()) *
            (attention.getKeyWidth() + attention.getValueWidth()),
        false);
  return {};
}

} // namespace sinter
