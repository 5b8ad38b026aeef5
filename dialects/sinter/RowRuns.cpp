/// The attribute that keeps the runs of a weight's rows.
#include "dialects/sinter/RowRuns.h"

using namespace mlir;
using namespace sinter;

static constexpr StringLiteral kAttribute = "sinter.row_runs";

void sinter::setRowRuns(WeightOp weight, ArrayRef<RowRun> runs) {
  SmallVector<int64_t> numbers;
  for (const RowRun &run : runs)
    numbers.append({run.first, run.count});
  weight->setAttr(kAttribute,
                  DenseI64ArrayAttr::get(weight.getContext(), numbers));
}

std::vector<RowRun> sinter::rowRunsOf(WeightOp weight) {
  auto numbers = weight->getAttrOfType<DenseI64ArrayAttr>(kAttribute);
  if (!numbers)
    return {{0, cast<RankedTensorType>(weight.getType()).getDimSize(0)}};
  std::vector<RowRun> runs;
  for (int64_t i = 0; i + 1 < numbers.size(); i += 2)
    runs.push_back({numbers[i], numbers[i + 1]});
  return runs;
}

LogicalResult sinter::verifyRowRuns(WeightOp weight) {
  Attribute found = weight->getAttr(kAttribute);
  if (!found)
    return success();
  auto type = cast<RankedTensorType>(weight.getType());
  if (auto numbers = dyn_cast<DenseI64ArrayAttr>(found);
      !numbers || numbers.size() % 2 || type.getRank() != 2)
    return weight.emitOpError("has row runs ")
           << found << ", expected pairs of numbers for two dimensions";
  int64_t rows = type.getDimSize(0), left = rows;
  for (const RowRun &run : rowRunsOf(weight)) {
    if (run.first < 0 || run.count < 1 || run.count > left)
      return weight.emitOpError("has a run of ")
             << run.count << " rows from " << run.first << ", but " << left
             << " rows are left";
    left -= run.count;
  }
  if (left)
    return weight.emitOpError("has runs of ")
           << rows - left << " rows in all, expected " << rows;
  return success();
}
