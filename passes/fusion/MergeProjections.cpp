/// Boxes the matmuls of one input and one format into `region "projections"`.
///
///   %q = matmul %x, @wq           %q, %k, %v = region "projections" (%x) {
///   %k = matmul %x, @wk    ==>      the same matmuls, same order
///   %v = matmul %x, @wv             yield all
///                                 }
///
/// Why: query, key and value, or gate and up, are one matmul over joined
/// weights: one launch, and the input is read once. Where all five read one
/// input, gate and up stay two, for fuse-swiglu. A recurrence beside attention,
/// whose products read the same rows, has its own (pack-gdn-projections).
/// Refuses: formats that differ (those that agree still merge), an input read
/// once, rows that do not end on a group of 16 before the next member's begin,
/// tensor scale or bias on some members only.
/// Test: test/passes/merge-projections.mlir
#include "passes/FusionPass.h"
#include "passes/RecurrentProjections.h"

#include "llvm/ADT/StringExtras.h"

#include <set>
#include <string>

using namespace mlir;

namespace sinter {
#define GEN_PASS_DEF_MERGEPROJECTIONS
#include "passes/Passes.h.inc"

/// The value before quantisation: formats of both kinds may read it.
static Value rootOf(Value input) {
  auto quantize = input.getDefiningOp<QuantizeOp>();
  return quantize ? Value(quantize.getInput()) : input;
}

static const Format *formatAt(MatmulOp matmul, const Site &site) {
  return formatOf(site.weight(matmul.getWeightAttr()).getElementType());
}

/// Every matmul that reads `root` or its 8-bit form, merged ones included.
static SmallVector<MatmulOp> readersOf(Value root) {
  SmallVector<MatmulOp> readers;
  SmallVector<Value> forms = {root};
  for (Operation *user : root.getUsers())
    if (auto quantize = dyn_cast<QuantizeOp>(user))
      forms.push_back(quantize.getResult());
  for (Value form : forms)
    for (Operation *user : form.getUsers()) {
      if (auto matmul = dyn_cast<MatmulOp>(user))
        readers.push_back(matmul);
      if (auto joined = dyn_cast<RegionOp>(user))
        llvm::append_range(readers, joined.getOps<MatmulOp>());
    }
  return readers;
}

/// Why the members do not join; empty if they do.
static std::string obstacle(ArrayRef<MatmulOp> members) {
  MatmulOp first = members.front();
  for (MatmulOp member : members) {
    int64_t rows = rowWidth(member.getResult());
    if (member != members.back() && rows % 16)
      return "rows not a multiple of 16 (" + std::to_string(rows) + ")";
    if (member.getScale().has_value() != first.getScale().has_value())
      return "tensor scale on some members only";
    if (member.getBias().has_value() != first.getBias().has_value())
      return "bias on some members only";
  }
  return {};
}

/// The activation that reads `matmul`, with fuse-swiglu to come: gate and up of
/// one merge, but not with what else reads their input.
static Operation *activatedBy(MatmulOp matmul) {
  for (Operation *user : matmul->getUsers())
    if (auto op = dyn_cast<Elementwise>(user))
      if (op.isActivation())
        return op;
  return nullptr;
}

static std::optional<Box> matchProjections(MatmulOp matmul, Site &site) {
  if (feedsRecurrence(matmul))
    return site.ignore(); // pack-gdn-projections' business
  const Format *format = formatAt(matmul, site);
  SmallVector<MatmulOp> members;
  std::set<std::string> formats;
  for (MatmulOp reader : readersOf(rootOf(matmul.getInput()))) {
    if (feedsRecurrence(reader))
      continue;
    const Format *other = formatAt(reader, site);
    formats.insert(std::string(other->name));
    if (other == format && reader.getInput() == matmul.getInput() &&
        activatedBy(reader) == activatedBy(matmul))
      members.push_back(reader);
  }
  llvm::sort(members,
             [](MatmulOp a, MatmulOp b) { return a->isBeforeInBlock(b); });
  if (members.front() != matmul)
    return site.ignore();
  if (members.size() == 1 && formats.size() > 1)
    return site.refuse("formats differ (" + llvm::join(formats, ", ") + ")");
  if (members.size() == 1)
    return site.refuse("only one matmul reads the input");
  if (std::string reason = obstacle(members); !reason.empty())
    return site.refuse(reason);
  return Box{.ops = {members.begin(), members.end()}, .main = matmul};
}

namespace {

struct MergeProjections : impl::MergeProjectionsBase<MergeProjections> {
  using MergeProjectionsBase::MergeProjectionsBase;
  void runOnOperation() override {
    fuseAll<MatmulOp>(getOperation(), mergeProjectionsFusion, remarks,
                      matchProjections);
  }
};

} // namespace

const Fusion mergeProjectionsFusion = {
    .stem = "merge-projections",
    .kind = "projections",
    .make = createMergeProjections,
    .expected = [](ModelAttr model) {
      return model.count("projected", model.getAttention()) +
             model.count("gated", model.getFfn());
    }};

} // namespace sinter
