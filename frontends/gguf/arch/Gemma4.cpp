/// Gemma 4: Gemma 3's norms around each block, with norms on values, too; sizes
/// of their own for layers with a window; last layers that read the cache of
/// earlier ones; inputs of each layer; experts beside the dense block.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/Experts.h"
#include "frontends/gguf/LayerInputs.h"

#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <optional>

namespace sinter {

namespace {

/// The sizes of each layer, and which cache it reads.
struct Layers {
  std::vector<Decoder> sizes;
  std::vector<unsigned> caches; ///< the layer that writes it
  Windows windows;
};

} // namespace

/// The last of the first `own` layers that has a window as `layer` has, or none
/// as it has none; itself if it is one of them.
static unsigned cacheOf(unsigned layer, int64_t own, const Windows &windows) {
  if (layer < own)
    return layer;
  for (int64_t i = own; i-- > 0;)
    if ((windows.of(i) != 0) == (windows.of(layer) != 0))
      return i;
  return layer;
}

/// Reads what differs between layers; the sizes of those that attend to
/// everything are left in `d`.
static Layers layersOf(ModelBuilder &model, Decoder &d) {
  ModelSource &source = model.source();
  const Extent count = source.layers();
  const auto fed = source.sizes("feed_forward_length", count);
  const auto heads = source.sizes("attention.head_count_kv", count,
                                  source.size("attention.head_count"));
  d = model.decoder();
  d.attentionScale = 1.0;
  const Extent localKey = source.size("attention.key_length_swa", d.keyWidth);
  const Extent localValue =
      source.size("attention.value_length_swa", d.valueWidth);
  const int64_t own =
      count.value - source.count("attention.shared_kv_layers", 0);
  Layers layers{{}, {}, Windows(source, count, {})};
  if (source.describes()) { // which of the two is the layer's affair
    d.keyWidth.formula += "[_swa]";
    d.valueWidth.formula += "[_swa]";
    source.mention("blk.0.attn_v", d.hidden, d.values());
  }
  for (int64_t i = 0; i < count.value; ++i) {
    Decoder layer = d;
    layer.feedForward = fed[i];
    layer.cacheHeads = heads[i];
    if (layers.windows.of(i)) {
      layer.keyWidth = localKey;
      layer.valueWidth = localValue;
    }
    if (d.heads.value % heads[i].value)
      source.refuse(llvm::formatv(
          "{0} is {1} for layer {2}, expected a divisor of {3}",
          source.keyName(heads[i].formula), heads[i].value, i, d.heads.value));
    layers.sizes.push_back(layer);
    layers.caches.push_back(cacheOf(i, own, layers.windows));
  }
  return layers;
}

/// Attention over the layer's own cache or an earlier layer's.
static Rows attend(Block &layer, const Rows &normed, RopeAttr rope,
                   const Decoder &d, unsigned cache, int64_t window) {
  const AttentionOptions options = {.window = window};
  if (cache != layer.number()) {
    const Rows queries =
        layer.headNorm(layer.projectQueries(normed), "attn_q_norm");
    return layer.project(
        layer.attentionOf(cache, layer.rope(queries, rope, d.heads, "q_rope"),
                          options),
        options);
  }
  // Without values of its own a layer's keys are its values, too.
  const Heads heads = layer.has("attn_v.weight")
                          ? layer.project(normed)
                          : layer.projectSharedKeys(normed);
  return layer.attend(
      layer.rotate(layer.normHeads(layer.normValues(heads)), rope), options);
}

static void build(ModelBuilder &model) {
  ModelSource &source = model.source();
  const double logitCap = source.number("final_logit_softcapping", 0.0);
  std::optional<Experts> experts;
  const bool mixes = Experts::has(model) || source.describes();
  Decoder d;
  const Layers layers = layersOf(model, d);
  if (mixes)
    experts.emplace(model, Experts::widthOf(model, d));
  const RopeAttr rope = model.rope(d, RopePairs::Halves, "rope_freqs.weight");
  const RopeAttr localRope =
      model.localRope(rope, 10000.0, source.size("attention.key_length_swa"));
  LayerInputs inputs(model, d);
  Rows x = model.scale(model.embed(d), std::sqrt(double(d.hidden.value)),
                       "embed_scale");
  inputs.read(x);
  for (Block &layer : model.blocks(layers.sizes)) {
    const unsigned i = layer.number();
    const int64_t window = layers.windows.of(i);
    const Rows attended =
        attend(layer, layer.norm(x, "attn_norm"), window ? localRope : rope,
               layers.sizes[i], layers.caches[i], window);
    x = layer.add(x, layer.norm(attended, "post_attention_norm"), "attn_add");
    Rows fed = layer.gatedFfn(layer.norm(x, "ffn_norm"), Gate::Gelu);
    if (mixes) {
      const Rows mixed = experts->ffnOfStream(
          layer, x, layer.norm(x, "pre_ffw_norm_2"),
          Routing{.selectionBias = false}, ExpertGate::Gelu);
      fed = layer.add(layer.norm(fed, "post_ffw_norm_1"),
                      layer.norm(mixed, "post_ffw_norm_2"), "ffn_exps_add");
    }
    x = layer.add(x, layer.norm(fed, "post_ffw_norm"), "ffn_add");
    x = layer.scaleBy(inputs.mixInto(layer, x), "layer_output_scale.weight");
  }
  model.head(x, d, {.softcap = logitCap});
}

extern const Arch gemma4Arch = {.name = "gemma4", .build = build};

} // namespace sinter
