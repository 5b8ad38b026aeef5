/// Mistral 3 and Ministral 3: Llama's block, with YaRN for long contexts.
#include "frontends/gguf/Arch.h"
#include "frontends/gguf/ModelBuilder.h"

#include <algorithm>

namespace sinter {

/// Ministral 3 sharpens attention by 1 + scale · ln(1 + floor(position /
/// original context)), which is 1 within the original context. There is no op
/// for more, so the context ends there.
static void limitToUnitTemperature(ModelSource &source, Decoder &decoder) {
  constexpr const char *kScale = "attention.temperature_scale";
  constexpr const char *kLength = "rope.scaling.original_context_length";
  if (source.number(kScale, 0.0) == 0.0)
    return;
  const int64_t length = source.size(kLength, decoder.context).value;
  if (length >= decoder.context.value)
    return;
  source.warn(source.keyName(kScale) + " is not 0: the context is limited to " +
              std::to_string(length) + " (" + source.keyName(kLength) +
              "), up to which it has no effect");
  decoder.context.value = length;
}

static void build(ModelBuilder &model) {
  Decoder d = model.decoder();
  const RopeAttr rope =
      model.rope(d, RopePairs::Interleaved, "rope_freqs.weight");
  limitToUnitTemperature(model.source(), d);
  Rows x = model.embed(d);
  for (Block &layer : model.blocks(d)) {
    const Heads heads =
        layer.rotate(layer.project(layer.norm(x, "attn_norm")), rope);
    x = layer.add(x, layer.attend(heads, Bias::Optional), "attn_add");
    x = layer.add(x, layer.gatedFfn(layer.norm(x, "ffn_norm"), Bias::Optional),
                  "ffn_add");
  }
  model.head(x, d);
}

extern const Arch mistral3Arch = {.name = "mistral3", .build = build};

} // namespace sinter
