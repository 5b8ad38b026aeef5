/// Counts what a model has for each fusion (#sinter.model), while its layers
/// are written and after the formats of its file.
#include "frontends/gguf/ModelBuilder.h"

#include "dialects/sinter/ElementwiseOps.h"
#include "dialects/sinter/LatentOps.h"
#include "dialects/sinter/MoeOps.h"
#include "dialects/sinter/NormOps.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

using namespace sinter;
using llvm::StringRef;
using mlir::FlatSymbolRefAttr;
using mlir::Value;

void ModelBuilder::countNorm(const Rows &rows) {
  if (rows.value.getDefiningOp<AddOp>() &&
      llvm::none_of(rows.value.getUsers(), isNorm))
    ++summedNorms;
}

/// The product behind `rows`, perhaps scaled; null: none.
static MatmulOp productOf(const Rows &rows) {
  Value value = rows.value;
  if (auto scaled = value.getDefiningOp<ScaleByOp>())
    value = scaled.getInput();
  return value.getDefiningOp<MatmulOp>();
}

mlir::Type ModelBuilder::formatOf(FlatSymbolRefAttr symbol) {
  auto weight = module->lookupSymbol<WeightOp>(symbol.getAttr());
  return llvm::cast<mlir::RankedTensorType>(weight.getType()).getElementType();
}

/// Whether the products' matrices may lie one above the other: packed rows are
/// taken by sixteens, and scale and bias are all of them or none.
static bool canJoin(llvm::ArrayRef<MatmulOp> products) {
  MatmulOp first = products.front();
  auto fits = [&](MatmulOp product) {
    auto type = llvm::cast<mlir::RankedTensorType>(product.getType());
    return (product == products.back() || type.getShape().back() % 16 == 0) &&
           product.getScale().has_value() == first.getScale().has_value() &&
           product.getBias().has_value() == first.getBias().has_value();
  };
  return products.size() > 1 && llvm::all_of(products, fits);
}

unsigned ModelBuilder::joinable(llvm::ArrayRef<Rows> projections) {
  llvm::MapVector<mlir::Type, llvm::SmallVector<MatmulOp>> byFormat;
  for (const Rows &rows : projections)
    if (MatmulOp product = productOf(rows))
      byFormat[formatOf(product.getWeightAttr())].push_back(product);
  return llvm::count_if(
      byFormat, [](const auto &entry) { return canJoin(entry.second); });
}

void ModelBuilder::countGated(const Rows &gate, const Rows &up) {
  ++ffns;
  if (!joinable({gate, up}))
    return;
  ++gated;
  // Scaled products are not what the activation reads.
  if (gate.value.getDefiningOp<MatmulOp>() &&
      up.value.getDefiningOp<MatmulOp>() && up.width.value % 16 == 0)
    ++activated;
}

void ModelBuilder::countPlain(const Rows &up) {
  ++ffns;
  if (up.value.getDefiningOp<MatmulOp>())
    ++activated;
}

/// The residual stream itself, which blocks without a norm before them read:
/// the next sum needs it as float32 too.
static bool isStream(Value rows) {
  return llvm::isa_and_nonnull<AddOp, EmbedOp, ScaleOp, ScaleByOp>(
             rows.getDefiningOp()) ||
         llvm::any_of(rows.getUsers(), [](mlir::Operation *user) {
           return llvm::isa<AddOp>(user);
         });
}

/// Rows that a router reads as float32, or a mixture quantises itself.
static bool isOfMixture(Value rows) {
  return llvm::any_of(rows.getUsers(), [](mlir::Operation *user) {
    return llvm::isa<ExpertMatmulOp>(user) ||
           (llvm::isa<MatmulOp>(user) &&
            llvm::any_of(user->getUsers(), [](mlir::Operation *next) {
              return llvm::isa<RouteOp>(next);
            }));
  });
}

/// Rows whose producer has only some columns at a time, and so no whole block
/// of a quantised row.
static bool isProduct(Value rows) {
  return llvm::isa_and_nonnull<MatmulOp, CombineOp>(rows.getDefiningOp());
}

/// Rows that products of integer weights read, and that could be quantised
/// where they are produced.
unsigned ModelBuilder::quantisedRows() {
  llvm::SetVector<Value> read;
  step.walk([&](mlir::Operation *op) {
    FlatSymbolRefAttr matrix;
    if (auto product = llvm::dyn_cast<MatmulOp>(op))
      matrix = product.getWeightAttr();
    else if (auto heads = llvm::dyn_cast<HeadMatmulOp>(op))
      matrix = heads.getWeightAttr();
    if (matrix && llvm::isa<BlockType>(formatOf(matrix)))
      read.insert(op->getOperand(0));
  });
  return llvm::count_if(read, [](Value rows) {
    return !isStream(rows) && !isOfMixture(rows) && !isProduct(rows);
  });
}

/// Only what differs from a plain decoder of float weights: every attention
/// rotates and has projections that may be one matmul, every feed-forward block
/// a gate that may be one with its other half, every block's sum but the last
/// is normed, and no layer is recurrent.
mlir::DictionaryAttr ModelBuilder::counts() {
  mlir::Builder b(step.getContext());
  mlir::NamedAttrList entries;
  unsigned sums = attentions + ffns;
  auto say = [&](StringRef what, unsigned count, unsigned usual) {
    if (count != usual)
      entries.set(what, b.getI64IntegerAttr(count));
  };
  say("activated", activated, ffns);
  say("convolutions", convolutions, 0);
  say("delta_nets", deltaNets, 0);
  say("delta_projections", deltaProjections, 0);
  say("experts", mixtures, 0);
  say("gated", gated, ffns);
  say("gated_norms", gatedNorms, 0);
  say("projected", projected, attentions);
  say("quantised_rows", quantisedRows(), 0);
  say("rotated", rotated, attentions);
  say("state_spaces", stateSpaces, 0);
  say("summed_norms", summedNorms, sums ? sums - 1 : 0);
  return entries.empty() ? mlir::DictionaryAttr()
                         : entries.getDictionary(step.getContext());
}
