/// Reads the sizes of models whose layers are of several kinds.
#include "frontends/gguf/Recurrent.h"

#include "llvm/Support/FormatVariadic.h"

using namespace sinter;
using llvm::StringRef;

/// The one size of the layers that have it; `otherwise` if none has.
static Extent sizeOfSome(ModelSource &asked, StringRef key,
                         const Extent &layers, const Extent &otherwise) {
  Extent size = {0, key.str()};
  for (int64_t found : asked.ofLayers(key, layers.value)) {
    if (found && size.value && found != size.value)
      asked.refuse(llvm::formatv("{0} is {1} and {2}, expected one size for "
                                 "the layers that have it",
                                 asked.keyName(key), size.value, found));
    size.value = std::max(size.value, found);
  }
  if (size.value == 0)
    size.value = asked.describes() ? 2 : otherwise.value;
  return size;
}

Decoder sinter::hybridDecoder(ModelBuilder &model) {
  ModelSource &asked = model.source();
  const Extent one = {1, "1"};
  Decoder d;
  d.layers = asked.layers();
  d.context = asked.size("context_length");
  d.hidden = asked.size("embedding_length");
  d.feedForward = sizeOfSome(asked, "feed_forward_length", d.layers, one);
  d.heads = sizeOfSome(asked, "attention.head_count", d.layers, one);
  d.cacheHeads =
      sizeOfSome(asked, "attention.head_count_kv", d.layers, d.heads);
  Extent headWidth = d.hidden / d.heads;
  d.keyWidth = asked.size("attention.key_length", headWidth);
  d.valueWidth = asked.size("attention.value_length", headWidth);
  d.epsilon = asked.number("attention.layer_norm_rms_epsilon", std::nullopt);
  d.attentionScale = asked.number("attention.scale", 0.0);
  asked.refuseOtherMaths();
  if (d.heads.value % d.cacheHeads.value || d.keyWidth.value < 1 ||
      d.valueWidth.value < 1) {
    asked.refuse(
        llvm::formatv("{0} is {1}, expected a multiple of {2} and at most {3}",
                      asked.keyName("attention.head_count"), d.heads.value,
                      d.cacheHeads.value, d.hidden.value));
    d.cacheHeads = d.heads;
    d.keyWidth.value = d.valueWidth.value = 1;
  }
  return d;
}
