/// What the attention kernels have in common: which shapes they take, and the
/// members that they read.
#ifndef SINTER_CODEGEN_CUDA_ATTENTIONSHAPE_H
#define SINTER_CODEGEN_CUDA_ATTENTIONSHAPE_H

#include "codegen/cuda/ShapePrinter.h"

namespace sinter::cuda {

/// What latent rows are made of.
mlir::Type latentElement(mlir::MLIRContext *context, bool f16);

/// What of a cache no kernel can do.
llvm::Error checkCache(mlir::Type element, unsigned keyWidth,
                       unsigned valueWidth, unsigned pageTokens);

/// Members of a kernel's shape. Errors say what of it no kernel can do.
llvm::Error printAttentionShape(KernelText &kernel, tile::AttentionAttr op,
                                tile::ConfigAttr config);

} // namespace sinter::cuda

#endif // SINTER_CODEGEN_CUDA_ATTENTIONSHAPE_H
