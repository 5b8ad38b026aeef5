/// Emits Mamba-2 layers (arXiv 2405.21060).
#include "frontends/gguf/Recurrent.h"

#include "dialects/sinter/ElementwiseOps.h"
#include "dialects/sinter/RecurrentOps.h"

using namespace sinter;
using mlir::FlatSymbolRefAttr;
using mlir::Value;

Mamba2 Mamba2::of(ModelSource &asked) {
  Mamba2 sizes;
  sizes.taps = asked.size("ssm.conv_kernel");
  sizes.inner = asked.size("ssm.inner_size");
  sizes.states = asked.size("ssm.state_size");
  sizes.heads = asked.size("ssm.time_step_rank");
  sizes.groups = asked.size("ssm.group_count");
  checkDivides(asked, sizes.groups, sizes.heads);
  checkDivides(asked, sizes.heads, sizes.inner);
  checkState(asked, sizes.inner * sizes.states);
  return sizes;
}

std::vector<LayerKind> sinter::layerKinds(ModelSource &asked,
                                          const Extent &layers) {
  const std::vector<int64_t> cacheHeads =
      asked.ofEachLayer("attention.head_count_kv", layers.value);
  const std::vector<int64_t> widths =
      asked.ofEachLayer("feed_forward_length", layers.value);
  std::vector<LayerKind> kinds;
  for (int64_t i = 0; i < layers.value; ++i)
    kinds.push_back(widths[i] > 0       ? LayerKind::FeedForward
                    : cacheHeads[i] > 0 ? LayerKind::Attention
                                        : LayerKind::StateSpace);
  return kinds;
}

Rows RecurrentLayer::mamba2(const Rows &rows, const Mamba2 &sizes, Need norm) {
  mlir::OpBuilder &b = model.builder;
  const Extent one = {1, "1"}, perHead = sizes.inner / sizes.heads;
  ++model.stateSpaces;
  Rows all = block.matmul(rows, "ssm_in", sizes.projected());
  Rows gate = columns(all, one, 0, sizes.inner, "ssm_z");
  Rows mixed = columns(all, one, sizes.inner.value, sizes.mixed(), "ssm_x");
  Rows dt = columns(all, one, sizes.inner.value + sizes.mixed().value,
                    sizes.heads, "ssm_dt");
  mixed = silu(convolve(mixed, sizes.taps, "ssm_conv1d", Bias::Optional),
               "ssm_silu");
  FlatSymbolRefAttr decay = vector("ssm_a", {sizes.heads, one}, Need::Required);
  FlatSymbolRefAttr skip = vector("ssm_d", {sizes.heads, one}, Need::Required);
  FlatSymbolRefAttr bias = vector("ssm_dt.bias", {sizes.heads}, Need::Required);
  auto [pool, width] = state("state", sizes.heads, sizes.states, perHead);
  mlir::Location loc = model.at(name("ssm_scan"));
  Value before =
      b.create<StateLoadOp>(loc, model.rowsType(width), pool, model.batch);
  auto scan =
      b.create<SsmScanOp>(loc, unitRows(sizes.inner), before.getType(),
                          mixed.value, dt.value, before, model.batch, decay,
                          bias, skip, b.getI64IntegerAttr(sizes.heads.value),
                          b.getI64IntegerAttr(sizes.groups.value));
  b.create<StateStoreOp>(loc, scan.getNext(), pool, model.batch);
  Rows gated =
      swiglu(unfolded(gate), {scan.getResult(), sizes.inner}, "ssm_gated");
  FlatSymbolRefAttr gain = vector(
      "ssm_norm.weight", {sizes.groups, sizes.inner / sizes.groups}, norm);
  if (gain) {
    ++model.gatedNorms;
    gated.value = b.create<GroupedNormOp>(
        model.at(name("ssm_norm")), gated.value.getType(), gated.value, gain,
        b.getI64IntegerAttr(sizes.groups.value),
        b.getF64FloatAttr(decoder.epsilon));
  }
  return outputOf(gated, "ssm_out");
}
