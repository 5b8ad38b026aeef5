/// One emitter per skeleton class: each writes the main loop of its class for
/// whatever format, shape and body the kernel asks for.
#ifndef SINTER_CODEGEN_X86_SKELETONS_H
#define SINTER_CODEGEN_X86_SKELETONS_H

#include "codegen/x86/KernelBuilder.h"
#include "dialects/tile/Tile.h"

#include "llvm/Support/Error.h"

namespace sinter::x86 {

/// Each writes the body of `kernel` at the builder's place; operands and items
/// are those that Tile.td gives for the class. Errors say what of the skeleton
/// x86 cannot do.
llvm::Error emitGemm(KernelBuilder &k, tile::KernelOp kernel);
llvm::Error emitGroupedGemm(KernelBuilder &k, tile::KernelOp kernel);
llvm::Error emitRoute(KernelBuilder &k, tile::KernelOp kernel);
llvm::Error emitGroup(KernelBuilder &k, tile::KernelOp kernel);
llvm::Error emitCombine(KernelBuilder &k, tile::KernelOp kernel);
llvm::Error emitNorm(KernelBuilder &k, tile::KernelOp kernel);
llvm::Error emitElementwise(KernelBuilder &k, tile::KernelOp kernel);
llvm::Error emitHeads(KernelBuilder &k, tile::KernelOp kernel);
llvm::Error emitAttention(KernelBuilder &k, tile::KernelOp kernel);
llvm::Error emitEmbed(KernelBuilder &k, tile::KernelOp kernel);
llvm::Error emitPool(KernelBuilder &k, tile::KernelOp kernel);
llvm::Error emitSoftmax(KernelBuilder &k, tile::KernelOp kernel);
llvm::Error emitScan(KernelBuilder &k, tile::KernelOp kernel);
llvm::Error emitConv(KernelBuilder &k, tile::KernelOp kernel);
llvm::Error emitStateCopy(KernelBuilder &k, tile::KernelOp kernel);
llvm::Error emitGatedNorm(KernelBuilder &k, tile::KernelOp kernel);
llvm::Error emitHeadColumns(KernelBuilder &k, tile::KernelOp kernel);
llvm::Error emitHeadGemm(KernelBuilder &k, tile::KernelOp kernel);
llvm::Error emitJoinHeads(KernelBuilder &k, tile::KernelOp kernel);
llvm::Error emitLatentWrite(KernelBuilder &k, tile::KernelOp kernel);

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_SKELETONS_H
