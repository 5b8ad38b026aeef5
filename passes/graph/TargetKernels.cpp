/// The tables of kernels, one per target family.
#include "passes/graph/TargetKernels.h"

#include "dialects/sinter/LatentOps.h"
#include "dialects/sinter/Operands.h"
#include "dialects/sinter/RecurrentOps.h"

#include "mlir/IR/SymbolTable.h"

using namespace mlir;
using namespace sinter;

/// Columns of a head in the result of an op that writes head by head; 0 of
/// others.
static unsigned headWidth(Operation &op) {
  if (auto attention = dyn_cast<AttentionOp>(op))
    return attention.getCache().getType().getValues();
  auto width = [&] { return rowWidth(op.getResult(0)); };
  if (auto attention = dyn_cast<LatentAttentionOp>(op))
    return width() / attention.getHeads();
  if (auto columns = dyn_cast<HeadColumnsOp>(op))
    return width() / columns.getHeads();
  if (auto matmul = dyn_cast<HeadMatmulOp>(op)) {
    auto weight = SymbolTable::lookupNearestSymbolFrom<WeightOp>(
        &op, matmul.getWeightAttr());
    return cast<RankedTensorType>(weight.getType()).getDimSize(1);
  }
  return 0;
}

/// The values of one head are written at a time, so they must fill whole
/// blocks of 32 for their scales to be known.
static std::string actQuantObstacle(RegionOp region) {
  for (Operation &op : region.getBody().front())
    if (unsigned values = headWidth(op); values % 32)
      return "heads of " + std::to_string(values) +
             " values do not fill blocks of 32";
  return {};
}

// Both families have kernels of every class today.
static constexpr llvm::StringLiteral kOps[] = {
    "sinter.embed",          "sinter.rms_norm",
    "sinter.matmul",         "sinter.add",
    "sinter.swiglu",         "sinter.rope",
    "sinter.attention",      "sinter.select_rows",
    "sinter.cache_write",    "sinter.quantize",
    "sinter.geglu",          "sinter.gelu",
    "sinter.relu2",          "sinter.scale",
    "sinter.softcap",        "sinter.layer_norm",
    "sinter.embed_rows",     "sinter.pool",
    "sinter.softmax",        "sinter.gelu_erf",
    "sinter.geglu_erf",      "sinter.tanh",
    "sinter.route",          "sinter.expert_matmul",
    "sinter.combine",        "sinter.gate_rows",
    "sinter.clamped_swiglu", "sinter.state_load",
    "sinter.state_store",    "sinter.short_conv",
    "sinter.conv_window",    "sinter.gated_delta_net",
    "sinter.ssm_scan",       "sinter.grouped_norm",
    "sinter.head_columns",   "sinter.fold",
    "sinter.silu",           "sinter.mul",
    "sinter.sigmoid_gate",   "sinter.head_matmul",
    "sinter.latent_write",   "sinter.latent_attention",
    "sinter.join_heads",     "sinter.unit_norm",
    "sinter.scale_by"};

static constexpr RegionKernel kRegions[] = {
    {"projections"},   {"swiglu"},           {"moe"},
    {"residual_norm"}, {"rope_cache_write"}, {"act_quant", actQuantObstacle},
    {"gdn_conv"},      {"state_in_place"},   {"gated_norm"},
    {"collapsed"},
};

static constexpr TargetKernels kTargets[] = {
    {"x86-64", kOps, kRegions},
    {"sm_", kOps, kRegions},
};

bool TargetKernels::hasOp(StringRef name) const {
  return llvm::is_contained(ops, name);
}

std::string TargetKernels::obstacle(RegionOp region) const {
  for (const RegionKernel &kernel : regions)
    if (kernel.kind == region.getKind())
      return kernel.obstacle ? kernel.obstacle(region) : std::string();
  return "no kernel of this kind";
}

const TargetKernels *sinter::kernelsFor(TargetAttr target) {
  for (const TargetKernels &kernels : kTargets)
    if (target.getLevel().starts_with(kernels.levelPrefix))
      return &kernels;
  return nullptr;
}
