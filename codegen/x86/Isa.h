/// What the instruction set of a target offers to the emitters, read once from
/// `#sinter.target`.
#ifndef SINTER_CODEGEN_X86_ISA_H
#define SINTER_CODEGEN_X86_ISA_H

#include "dialects/sinter/Sinter.h"

#include "llvm/Support/Error.h"

#include <string>

namespace sinter::x86 {

/// How bytes are multiplied and summed into 32-bit lanes.
enum class ByteDot {
  Vnni512, ///< vpdpbusd on 64 bytes
  Vnni256, ///< vpdpbusd on 32 bytes (AVX-VNNI)
  Madd512, ///< vpmaddubsw + vpmaddwd on 64 bytes
  Madd256,
};

/// How a byte looks up one of 16 table entries.
enum class ByteLookup { Permute512, Shuffle512, Shuffle256 };

struct Isa {
  bool wide; ///< 512-bit registers, 32 of them
  ByteDot dot;
  ByteLookup lookup;
  bool bf16Dot;          ///< vdpbf16ps on 64 bytes
  unsigned prefetchInto; ///< the cache that prefetches fill, 1 or 2
  std::string cpu;       ///< LLVM's -mcpu
  std::string features;  ///< LLVM's -mattr

  /// Lanes of 32 bits in one register.
  unsigned lanes() const { return wide ? 16 : 8; }

  /// Errors when the level is not one of x86-64's.
  static llvm::Expected<Isa> of(TargetAttr target);
};

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_ISA_H
