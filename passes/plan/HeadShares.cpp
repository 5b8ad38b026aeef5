/// Reads areas off the kernels' shapes and follows values from their writers
/// to their readers.
#include "passes/plan/HeadShares.h"

#include "mlir/IR/BuiltinOps.h"

#include <numeric>

using namespace mlir;

namespace sinter {

HeadShares::HeadShares(func::FuncOp function) : context(function.getContext()) {
  SymbolTable symbols(function->getParentOfType<ModuleOp>());
  auto launches = llvm::to_vector(function.getOps<tile::LaunchOp>());
  auto kernelOf = [&](tile::LaunchOp launch) {
    return symbols.lookup<tile::KernelOp>(launch.getKernel());
  };
  for (tile::LaunchOp launch : launches)
    divideByHead(launch, kernelOf(launch));
  for (tile::LaunchOp launch : launches)
    divideByReaders(launch, kernelOf(launch));
  for (tile::LaunchOp launch : launches)
    if (divisions.contains(launch))
      joinWithReaders(launch);
}

/// Heads and attention: the head of an item is a run of columns.
void HeadShares::divideByHead(tile::LaunchOp launch, tile::KernelOp kernel) {
  Division division;
  auto takes = [&](const Twine &name, int64_t width) {
    division.areas[name.str()] = {{0, width}};
  };
  if (auto heads = dyn_cast<tile::HeadsAttr>(kernel.getSkeleton())) {
    unsigned next = 0;
    int64_t query = int64_t(heads.getQueryHeads()) * heads.getKeyWidth();
    if (query) {
      takes("i" + Twine(next++), query);
      takes("o0", query);
      division.parts.push_back(heads.getQueryHeads());
    }
    if (int64_t count = heads.getCacheHeads()) {
      takes("i" + Twine(next++), count * heads.getKeyWidth());
      takes("i" + Twine(next++), count * heads.getValueWidth());
      takes("i" + Twine(next++), 1);
      division.parts.push_back(count);
    }
  } else if (auto attention =
                 dyn_cast<tile::AttentionAttr>(kernel.getSkeleton())) {
    takes("i0", int64_t(attention.getHeads()) * attention.getKeyWidth());
    takes("i1", 1);
    division.parts.push_back(attention.getCacheHeads());
  } else {
    return;
  }
  divisions.try_emplace(launch, std::move(division));
}

/// Calls `visit` with the launch that reads `value`, the operand's name, and
/// the first column that it reads of it.
template <typename Visit> static void eachReader(Value value, Visit visit) {
  auto readers = [&](Value read, int64_t first) {
    for (OpOperand &use : read.getUses())
      if (auto launch = dyn_cast<tile::LaunchOp>(use.getOwner()))
        visit(launch, "i" + std::to_string(use.getOperandNumber()), first);
  };
  readers(value, 0);
  for (Operation *user : value.getUsers())
    if (auto columns = dyn_cast<tile::ColumnsOp>(user))
      readers(columns.getResult(), columns.getOffset());
}

/// In ascending order.
SmallVector<HeadShares::Area> HeadShares::areasRead(Value value) const {
  SmallVector<Area> areas;
  eachReader(value, [&](tile::LaunchOp reader, StringRef name, int64_t first) {
    auto division = divisions.find(reader);
    if (division == divisions.end())
      return;
    for (Area area : division->second.areas.lookup(name)) {
      area = {area.begin + first, area.end + first};
      if (!llvm::is_contained(areas, area))
        areas.push_back(area);
    }
  });
  llvm::sort(areas, [](Area a, Area b) { return a.begin < b.begin; });
  return areas;
}

/// A product's items are runs of columns too; how they are divided depends on
/// who reads them. Columns between the areas that are read make parts as well.
void HeadShares::divideByReaders(tile::LaunchOp launch, tile::KernelOp kernel) {
  auto gemm = dyn_cast<tile::GemmAttr>(kernel.getSkeleton());
  if (!gemm || !kernel.getConfig() || gemm.getSegments() != 1 ||
      gemm.getOutput().getQ8() || gemm.getOutputs() || gemm.getSlices())
    return;
  int64_t item = 16 * int64_t(kernel.getConfig()->getRowGroups());
  int64_t rows = gemm.getWeightRows(), end = 0;
  SmallVector<Area> read = areasRead(launch.getResult(0)), all;
  if (read.empty())
    return;
  read.push_back({rows, rows});
  for (Area area : read) {
    if (area.begin < end || area.begin % item)
      return; // areas overlap, or an item belongs to two
    if (area.begin > end)
      all.push_back({end, area.begin});
    if (area.end > area.begin)
      all.push_back(area);
    end = area.end;
  }
  if (end != rows || all.size() > plan::kMaxShareParts)
    return;
  Division division;
  for (Area area : all)
    division.parts.push_back((area.end - area.begin) / item);
  division.areas["o0"] = std::move(all);
  divisions.try_emplace(launch, std::move(division));
}

/// Launches that must have equal shares: writers and readers of an area, and
/// all that touch one state.
void HeadShares::joinWithReaders(tile::LaunchOp launch) {
  auto join = [&](tile::LaunchOp reader, StringRef name, int64_t) {
    auto division = divisions.find(reader);
    if (division != divisions.end() && division->second.areas.contains(name))
      together.unionSets(launch, reader);
  };
  for (auto [index, result] : llvm::enumerate(launch.getResults()))
    if (divisions[launch].areas.contains("o" + std::to_string(index)))
      eachReader(result, join);
  for (Value input : launch.getInputs())
    if (isa<KvCacheType>(input.getType()))
      eachReader(input, join);
}

plan::SharesAttr HeadShares::of(tile::LaunchOp launch) const {
  auto division = divisions.find(launch);
  auto member = together.findValue(launch);
  if (division == divisions.end() || member == together.end())
    return {};
  int64_t shares = 0;
  for (auto other = together.findLeader(launch); other != together.member_end();
       ++other)
    for (int64_t items : divisions.find(*other)->second.parts)
      shares = std::gcd(shares, items);
  if (shares < 2)
    return {};
  return plan::SharesAttr::get(context, shares, division->second.parts);
}

ArrayAttr HeadShares::areasOf(tile::LaunchOp launch) const {
  const Division &division = divisions.find(launch)->second;
  SmallVector<Attribute> operands;
  for (auto name : launch.getOrder().getAsValueRange<StringAttr>()) {
    SmallVector<int64_t> bounds;
    auto areas = division.areas.find(name);
    if (areas != division.areas.end())
      for (Area area : areas->second)
        bounds.append({area.begin * 4, area.end * 4});
    operands.push_back(DenseI64ArrayAttr::get(context, bounds));
  }
  return ArrayAttr::get(context, operands);
}

} // namespace sinter
