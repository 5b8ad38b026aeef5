// What every group of ops of the sinter dialect is declared with. A group that
// stands alone has a .td of its own, which includes this one.
#ifndef SINTER_DIALECTS_SINTER_OP_BASE_TD
#define SINTER_DIALECTS_SINTER_OP_BASE_TD

include "dialects/sinter/Sinter.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"

class Sinter_Op<string mnemonic, list<Trait> traits = []>
    : Op<Sinter_Dialect, mnemonic, traits>;

// float32 [T, n], or the 8-bit form of it.
def Sinter_Rows : RankedTensorOf<[F32]>;
def Sinter_Q8Rows : RankedTensorOf<[Sinter_Q8Type]>;
def Sinter_AnyRows : RankedTensorOf<[F32, Sinter_Q8Type]>;

#endif // SINTER_DIALECTS_SINTER_OP_BASE_TD
