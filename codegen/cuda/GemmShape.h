/// What the matrix products (gemm, by expert, by head) have in common: which
/// shapes they take, and the members that their tiles read.
#ifndef SINTER_CODEGEN_CUDA_GEMMSHAPE_H
#define SINTER_CODEGEN_CUDA_GEMMSHAPE_H

#include "codegen/cuda/ShapePrinter.h"

namespace sinter::cuda {

/// What multiplies: as prelude/Units.cuh lists it, and four warps together,
/// whose blocks take one tile of tokens (prelude/WgmmaGemm.cuh).
enum class Units { Lanes, Bytes, Floats4, Floats16, FourWarps };

struct GemmShape {
  llvm::StringRef format;
  tile::RowAttr input, output;
  unsigned width; ///< columns of a row that are multiplied
  unsigned weightRows, segments;
  tile::ConfigAttr config;
  bool decode = false; ///< matrix units multiply few tokens: MmaGemv.cuh

  /// That of a class whose rows are multiplied whole.
  template <typename Class>
  static GemmShape of(Class gemm, tile::ConfigAttr config) {
    return {gemm.getFormat(),
            gemm.getInput(),
            gemm.getOutput(),
            gemm.getInput().getWidth(),
            gemm.getWeightRows(),
            gemm.getSegments(),
            config};
  }

  /// Format, In, Out, weightRows, rowGroups, tile and segments. Errors say what
  /// of the shape no tile can do.
  llvm::Error print(ShapePrinter &shape) const;
  /// The same, and units, of a block that may take several tiles of tokens;
  /// those of 8 are the few ones of 16-bit weights.
  llvm::Error printWithUnits(ShapePrinter &shape) const;

  Units units() const;

  /// Bytes that a block of prelude/WgmmaGemm.cuh shares.
  unsigned wgmmaSharedBytes() const;

private:
  llvm::Error check() const;
  llvm::Error checkUnits() const;
  llvm::Error checkMma() const;
  llvm::Error checkFloat4() const;
  llvm::Error checkWgmma() const;
  llvm::Error checkFloat16() const;
};

} // namespace sinter::cuda

#endif // SINTER_CODEGEN_CUDA_GEMMSHAPE_H
