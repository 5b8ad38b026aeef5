/// Reads the keys of a decoder-only transformer, whether its layers are alike
/// or of several kinds.
#include "frontends/gguf/ModelBuilder.h"

#include "llvm/Support/FormatVariadic.h"

using namespace sinter;
using llvm::StringRef;

/// The one size of the layers that have it; `otherwise` if none has.
static Extent sizeOfSome(ModelSource &asked, StringRef key,
                         const Extent &layers, int64_t otherwise, Need need) {
  const std::vector<int64_t> each = need == Need::Required
                                        ? asked.ofEachLayer(key, layers.value)
                                        : asked.ofLayers(key, layers.value);
  Extent size = {0, key.str()};
  for (int64_t found : each) {
    if (found && size.value && found != size.value)
      asked.refuse(llvm::formatv("{0} is {1} and {2}, expected one size for "
                                 "the layers that have it",
                                 asked.keyName(key), size.value, found));
    size.value = std::max(size.value, found);
  }
  if (asked.describes())
    size.value = 2;
  else if (size.value == 0)
    size.value = otherwise;
  return size;
}

/// Width of the feed-forward blocks, and heads.
static void readLayers(ModelSource &asked, LayerKinds kinds, Decoder &d) {
  if (kinds == LayerKinds::One) {
    d.feedForward = asked.size("feed_forward_length");
    d.heads = asked.size("attention.head_count");
    d.cacheHeads = asked.size("attention.head_count_kv", d.heads);
    return;
  }
  const Need need =
      kinds == LayerKinds::WithoutAttention ? Need::Optional : Need::Required;
  d.feedForward =
      sizeOfSome(asked, "feed_forward_length", d.layers, 1, Need::Optional);
  d.heads = sizeOfSome(asked, "attention.head_count", d.layers, 1, need);
  d.cacheHeads = sizeOfSome(asked, "attention.head_count_kv", d.layers,
                            d.heads.value, Need::Optional);
}

/// Refuses heads that cannot be; makes them harmless.
static void checkHeads(ModelSource &asked, Decoder &d) {
  if (d.heads.value % d.cacheHeads.value) {
    asked.refuse(
        llvm::formatv("{0} is {1}, expected a multiple of {2}, which is {3}",
                      asked.keyName(d.heads.formula), d.heads.value,
                      asked.keyName(d.cacheHeads.formula), d.cacheHeads.value));
    d.cacheHeads.value = d.heads.value;
  }
  if (d.keyWidth.value < 1 || d.valueWidth.value < 1) {
    asked.refuse(llvm::formatv("{0} is {1}, expected at most {2}, which is {3}",
                               asked.keyName(d.heads.formula), d.heads.value,
                               asked.keyName(d.hidden.formula),
                               d.hidden.value));
    d.keyWidth.value = d.valueWidth.value = 1;
  }
}

Decoder ModelBuilder::decoder(Norm norm, LayerKinds kinds) {
  const char *epsilon = norm == Norm::Rms ? "attention.layer_norm_rms_epsilon"
                                          : "attention.layer_norm_epsilon";
  Decoder d;
  d.norm = norm;
  d.layers = asked.layers();
  d.context = asked.size("context_length");
  d.hidden = asked.size("embedding_length");
  readLayers(asked, kinds, d);
  Extent headWidth = d.hidden / d.heads;
  d.keyWidth = asked.size("attention.key_length", headWidth);
  d.valueWidth = asked.size("attention.value_length", headWidth);
  d.epsilon = asked.number(epsilon, std::nullopt);
  d.attentionScale = asked.number("attention.scale", 0.0);
  asked.refuseOtherMaths();
  checkHeads(asked, d);
  if (d.epsilon < 0.0)
    asked.refuse(llvm::formatv("{0} is {1}, expected a number from 0",
                               asked.keyName(epsilon), plainNumber(d.epsilon)));
  return d;
}
