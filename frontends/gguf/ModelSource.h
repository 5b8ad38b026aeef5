/// What an architecture asks of a file: keys and tensors, each with what it
/// must be. The same questions, asked without a file, are its description.
#ifndef SINTER_FRONTENDS_GGUF_MODELSOURCE_H
#define SINTER_FRONTENDS_GGUF_MODELSOURCE_H

#include "frontends/gguf/Extent.h"
#include "frontends/gguf/GgufModel.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sinter {

enum class Need { Required, Optional };

class ModelSource {
public:
  /// Questions about `model`; `arch` is the prefix of its keys.
  ModelSource(const GgufModel &model, llvm::StringRef arch)
      : model(&model), arch(arch) {}
  /// Questions answered by small invented sizes, for the sake of the record.
  explicit ModelSource(llvm::StringRef arch) : arch(arch) {}

  // Keys, named without the architecture's prefix. An answer that cannot be
  // given is an error, and a harmless value comes back.

  /// A whole number from 1; the same for all layers if the file lists layers.
  Extent size(llvm::StringRef key);
  Extent size(llvm::StringRef key, const Extent &otherwise);
  /// The same where layers may differ: a size for each of `layers`. To be asked
  /// before size() of this key, which then gives the first layer's.
  std::vector<Extent> sizes(llvm::StringRef key, const Extent &layers);
  std::vector<Extent> sizes(llvm::StringRef key, const Extent &layers,
                            const Extent &otherwise);
  /// How many layers; at most as many as the file has tensors, since each has
  /// weights, so that a key that lies costs no memory.
  Extent layers();
  /// A whole number from 0 that the file may leave out.
  int64_t count(llvm::StringRef key, int64_t otherwise);
  std::optional<int64_t> count(llvm::StringRef key);
  double number(llvm::StringRef key, std::optional<double> otherwise);
  /// A factor, of which 0 is how some writers say that there is none.
  double factor(llvm::StringRef key);
  bool flag(llvm::StringRef key, bool otherwise);
  /// A number from 0 for each of `layers` layers: the file's list, or its one
  /// number for all; nothing if it has neither.
  std::vector<int64_t> ofLayers(llvm::StringRef key, size_t layers);
  /// The same of a key that the file may not leave out; always a number for
  /// each layer.
  std::vector<int64_t> ofEachLayer(llvm::StringRef key, size_t layers);
  std::string word(llvm::StringRef key, llvm::StringRef otherwise);

  /// Refuses keys that nobody has asked for and under which the model would
  /// compute something else than its family does here: routed experts,
  /// bidirectional attention, softcaps and multipliers. A window of attention
  /// is no such key: the reference implementation (llama.cpp) does not read it
  /// in these families.
  void refuseOtherMaths();

  /// The tensor of this name, checked against `shape` (GGUF's order, width
  /// first) and, if `plain`, to be F32. Null if the file does not have it: an
  /// error too if it is required.
  PlacedTensor tensor(llvm::StringRef name, llvm::ArrayRef<Extent> shape,
                      bool plain, Need need);
  /// Whether the file has a tensor; true of a description.
  bool has(llvm::StringRef name) const {
    return !model || model->findTensor(name).tensor;
  }
  /// The same, but false of a description, which mentions what else a file may
  /// have.
  bool hasOptional(llvm::StringRef name) const { return model && has(name); }
  /// Of a description: that a file may have NAME.weight of `shape` (width
  /// first) and NAME.bias.
  void mention(llvm::StringRef name, const Extent &width, const Extent &rows);
  /// Whether a scale of the whole tensor belongs to the tensor's format; true
  /// without the tensor.
  bool isScaledWhole(llvm::StringRef name) const;
  /// Size of dimension `index` of a tensor, called `formula` from now on.
  Extent sizeOf(llvm::StringRef tensorName, unsigned index,
                llvm::StringRef formula);

  /// "key 'qwen3.block_count'".
  std::string keyName(llvm::StringRef key) const;
  /// The user's word for `pooling_type`, which then counts; empty: none.
  void choosePooling(llvm::StringRef name) { pooling = name; }
  llvm::StringRef chosenPooling() const { return pooling; }
  /// Counts the tensors of this prefix as used, though the model does without
  /// them; the user is told `why`.
  void skipTensors(llvm::StringRef prefix, llvm::StringRef why);
  /// For the user to know, though the model works.
  void warn(std::string text) { warnings.push_back(std::move(text)); }
  /// Keeps the first message; `text` begins with the thing it is about.
  void refuse(std::string text);
  bool ok() const { return failure.empty(); }
  bool describes() const { return !model; }
  llvm::Error takeError();

  /// Numbers in all tensors asked for, and their bytes.
  uint64_t usedElements() const { return elements; }
  uint64_t usedBytes() const { return bytes; }
  /// What warn() was told; then keys with the architecture's prefix, and
  /// tensors, that nobody asked for.
  std::vector<std::string> allWarnings() const;
  /// Keys and tensors asked for so far, one a line.
  std::string describe() const;

private:
  /// The invented sizes: 2 keeps every rule that a real model keeps.
  static constexpr int64_t kSample = 2;

  struct AskedKey {
    std::string key, kind, otherwise;
  };
  struct AskedTensor {
    std::string name, shape, types;
    Need need;
  };

  const GgufValue *ask(llvm::StringRef key, llvm::StringRef kind,
                       llvm::StringRef otherwise);
  std::optional<int64_t> wholeNumber(llvm::StringRef key,
                                     const GgufValue &value, int64_t least);
  std::vector<int64_t> numbersOf(llvm::StringRef key, const GgufValue &value,
                                 size_t layers);
  std::vector<Extent> eachLayer(llvm::StringRef key, const Extent &layers,
                                const Extent &first);
  /// Whether some family's code reads the key itself.
  bool isAsked(llvm::StringRef key) const;
  void checkShape(const GgufTensor &tensor, llvm::ArrayRef<Extent> shape);
  void checkType(const GgufTensor &tensor, bool plain);

  const GgufModel *model = nullptr;
  std::string arch, pooling;
  std::string failure;
  llvm::StringSet<> usedKeys, usedTensors;
  llvm::StringSet<> differing; ///< keys whose layers may differ
  std::vector<std::string> warnings;
  uint64_t elements = 0, bytes = 0;
  std::vector<AskedKey> keys;
  std::vector<AskedTensor> tensors;
};

} // namespace sinter

#endif // SINTER_FRONTENDS_GGUF_MODELSOURCE_H
