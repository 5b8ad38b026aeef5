/// Reads what a file says of pooling.
#include "frontends/gguf/Pooling.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <iterator>

using namespace sinter;

/// The kinds as the user names them, in the files' order.
static constexpr llvm::StringLiteral kNames[] = {"none", "mean", "cls", "last",
                                                 "rank"};

static Pooling read(ModelSource &source, PoolingKind otherwise) {
  std::optional<int64_t> type = source.count("pooling_type");
  if (llvm::StringRef chosen = source.chosenPooling(); !chosen.empty())
    type = llvm::find(kNames, chosen) - std::begin(kNames);
  Pooling pooling;
  pooling.wanted = type.has_value();
  pooling.kind = otherwise;
  if (type.value_or(0) > static_cast<int64_t>(PoolingKind::Rank))
    source.refuse(llvm::formatv("{0} is {1}, expected 0 (none), 1 (mean), 2 "
                                "(cls), 3 (last) or 4 (rank)",
                                source.keyName("pooling_type"), *type));
  else if (type)
    pooling.kind = static_cast<PoolingKind>(*type);
  return pooling;
}

Pooling sinter::encoderPooling(ModelSource &source) {
  bool head = source.hasOptional("cls.output.weight") ||
              source.hasOptional("cls.weight");
  Pooling pooling = read(source, head ? PoolingKind::Rank : PoolingKind::None);
  pooling.wanted = true;
  return pooling;
}

Pooling sinter::decoderPooling(ModelSource &source) {
  Pooling pooling = read(source, PoolingKind::None);
  pooling.ranked = PoolingKind::Last;
  pooling.softmax = pooling.kind == PoolingKind::Rank;
  return pooling;
}
