/// One work item of gemv, gemm and grouped gemm: row groups of packed weights
/// times tiles of rows, then the hole's body over the sums.
#ifndef SINTER_CODEGEN_X86_GEMMITEM_H
#define SINTER_CODEGEN_X86_GEMMITEM_H

#include "codegen/x86/GemmTile.h"
#include "codegen/x86/PanelTile.h"

#include "llvm/Support/Error.h"

#include <functional>
#include <optional>

namespace sinter::x86 {

/// What all items of a kernel have in common.
struct GemmWork {
  PackedLayout layout;
  tile::RowAttr input, output;
  unsigned weightRows, segments;
  tile::ConfigAttr config;
  bool decode; ///< steps of few tokens
  mlir::Region &body;

  /// What of the shapes x86 cannot do.
  llvm::Error check() const;
};

/// The work of `kernel`, whose class is `gemm`, on rows that lie as `input`.
/// Errors say what of it x86 cannot do.
template <typename Class>
llvm::Expected<GemmWork> gemmWork(Class gemm, tile::RowAttr input,
                                  tile::KernelOp kernel) {
  std::string name = gemm.getFormat().str();
  const Format *format = findFormat(std::string_view(name));
  if (!format)
    return llvm::createStringError("weight format '%s' is unknown",
                                   name.c_str());
  GemmWork work{.layout = PackedLayout::of(*format),
                .input = input,
                .output = gemm.getOutput(),
                .weightRows = gemm.getWeightRows(),
                .segments = gemm.getSegments(),
                .config = kernel.getConfigAttr(),
                .decode = gemm.getDecode(),
                .body = kernel.getBody()};
  if (llvm::Error error = work.check())
    return error;
  return work;
}

/// How far ahead weights that several tokens share are fetched, in bytes.
inline constexpr unsigned kBatchPrefetch = 4096;

class GemmItem {
public:
  /// Takes stack space, so not in a loop.
  GemmItem(KernelBuilder &builder, const GemmWork &work);

  // What the next emit() works on.
  Value weights; ///< the packed matrix
  Value input;   ///< the first row
  Values biases; ///< of each segment, or none
  std::function<Value(Value row)> outputRow;
  Value outputGroup; ///< 16 columns of a row each: where it begins; null: 0

  /// Rows 0 … `rows`-1 of the input times the row groups of `item`.
  void emit(Value item, Value rows);

private:
  Value prefetchDistance(Value token, unsigned tokens);
  unsigned groupsAtOnce(unsigned tokens) const;
  void emitGroups(Value inputRow, Value group, unsigned count, unsigned tokens);
  Value rowGroup(Value group);
  void emitTokens(Value token, unsigned tokens);
  unsigned blockGroups() const;
  unsigned panelTokens() const;
  void emitBlock(Value token, Value tokens);
  void emitRange(Value group, Value count, llvm::function_ref<void()> body);
  Value emitPanels(Value all);
  void emitEpilogue(Value token, unsigned tokens);
  void emitColumns(Value sumsRow, Value outputRow);
  void emitBlocks(Value sumsRow, Value outputRow, Value groups, Value base);
  Value segment(Value sumsRow, Value group, Value column, unsigned first,
                unsigned s);
  Value column(Value sumsRow, Value group, unsigned part);
  void emitPartialGroup(Value sumsRow, Value outputRow);

  KernelBuilder &k;
  const GemmWork &work;
  GemmTile tile;
  std::optional<PanelTile> panel; ///< of steps of many tokens
  unsigned rowGroups, tileTokens;
  Value sums;
  unsigned sumBytes; ///< between the sums of two tokens
  Value rounded;     ///< bfloat16 rows of a tile, if the product takes those
  Value firstGroup, groupCount; ///< of the item
};

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_GEMMITEM_H
