/// Boxes the matmuls that feed one gated delta net into `region "projections"`.
///
///   %m = matmul %x, @qkv           %m, %z = region "projections" (%x) {
///   %z = matmul %x, @gate            matmul %x, @qkv; matmul %x, @gate
///   %b = matmul %x, @beta    ==>   }
///   %a = matmul %x, @alpha         %b, %a = region "projections" (%x) {
///                                    matmul %x, @beta; matmul %x, @alpha
///                                  }
///
/// Why: alpha and beta are narrow, so a launch for each costs more than its
/// work; where formats agree all four are one matmul.
/// Refuses: formats that differ (those that agree still join), rows that do not
/// end on a group of 16 before the next member's begin, tensor scale on some
/// members only.
/// Test: test/passes/pack-gdn-projections.mlir
#include "dialects/sinter/RecurrentOps.h"
#include "passes/FusionPass.h"
#include "passes/RecurrentProjections.h"

using namespace mlir;

namespace sinter {
#define GEN_PASS_DEF_PACKGDNPROJECTIONS
#include "passes/Passes.h.inc"

/// Weight rows that lie side by side in packed matrices.
static constexpr int64_t kGroupRows = 16;

static std::optional<Box> matchGdnProjections(MatmulOp matmul, Site &site) {
  if (!feedsRecurrence(matmul))
    return site.ignore();
  SmallVector<MatmulOp> readers;
  for (Operation *user : matmul.getInput().getUsers())
    if (auto reader = dyn_cast<MatmulOp>(user);
        reader && reader->getBlock() == matmul->getBlock() &&
        feedsRecurrence(reader))
      readers.push_back(reader);
  llvm::sort(readers,
             [](MatmulOp a, MatmulOp b) { return a->isBeforeInBlock(b); });
  Type format = site.weight(matmul.getWeightAttr()).getElementType();
  Box box{.ops = {}, .main = matmul};
  std::string obstacle = "only one matmul feeds the recurrence";
  for (MatmulOp reader : readers) {
    if (reader->isBeforeInBlock(matmul))
      continue; // was a candidate itself
    int64_t ends = box.ops.empty() ? 0 : rowWidth(box.ops.back()->getResult(0));
    if (site.weight(reader.getWeightAttr()).getElementType() != format)
      obstacle = "formats differ";
    else if (reader.getScale().has_value() != matmul.getScale().has_value())
      obstacle = "tensor scale on some members only";
    else if (ends % kGroupRows)
      obstacle = "rows not a multiple of 16 (" + std::to_string(ends) + ")";
    else
      box.ops.push_back(reader);
  }
  if (box.ops.size() > 1)
    return box;
  // The last one left over has been looked at from the first.
  bool last = readers.back() == matmul && readers.size() > 1;
  return last ? site.ignore() : site.refuse(obstacle);
}

namespace {

struct PackGdnProjections : impl::PackGdnProjectionsBase<PackGdnProjections> {
  using PackGdnProjectionsBase::PackGdnProjectionsBase;
  void runOnOperation() override {
    fuseAll<MatmulOp>(getOperation(), packGdnProjectionsFusion, remarks,
                      matchGdnProjections);
  }
};

} // namespace

const Fusion packGdnProjectionsFusion = {
    .stem = "pack-gdn-projections",
    .kind = "projections",
    .make = createPackGdnProjections,
    // A box for each format that projections of a layer share.
    .expected = [](ModelAttr model) {
      return model.count("delta_projections", 0);
    }};

} // namespace sinter
