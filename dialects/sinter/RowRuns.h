/// Weights whose rows lie in pieces: files may hold several matrices in turns,
/// some rows of the one, then some of the next.
#ifndef SINTER_DIALECTS_SINTER_ROWRUNS_H
#define SINTER_DIALECTS_SINTER_ROWRUNS_H

#include "dialects/sinter/Sinter.h"

#include <vector>

namespace sinter {

/// Rows of the file's tensor that follow one another in the weight.
struct RowRun {
  int64_t first; ///< counted from the weight's offset
  int64_t count;
};

/// Makes the runs, one behind the other, the rows of `weight`:
/// `sinter.row_runs`, first and count of each.
void setRowRuns(WeightOp weight, llvm::ArrayRef<RowRun> runs);

/// Where the rows of `weight` lie; one run without the attribute.
std::vector<RowRun> rowRunsOf(WeightOp weight);

/// Says what is wrong with the attribute of `weight`, if it has one.
mlir::LogicalResult verifyRowRuns(WeightOp weight);

} // namespace sinter

#endif // SINTER_DIALECTS_SINTER_ROWRUNS_H
