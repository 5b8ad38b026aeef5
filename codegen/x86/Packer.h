/// Packs a whole weight matrix, possibly joined from several tensors, on all
/// threads: to a piece of memory, or in order to a sink with bounded memory.
#ifndef SINTER_CODEGEN_X86_PACKER_H
#define SINTER_CODEGEN_X86_PACKER_H

#include "codegen/x86/PackedLayout.h"
#include "runtime/Status.h"

#include <functional>

namespace sinter::x86 {

/// What to pack: the matrix row by row, in the order of the packed rows. Rows
/// of different tensors may follow each other as the kernel wants them (q, k, v
/// one after the other, or gate and up in turns of 16), as long as they agree
/// on format and width.
struct PackJob {
  PackedLayout layout;
  uint64_t k = 0; ///< weights in a row, a multiple of the format's block
  /// Where each row's GGUF blocks begin, k / blockWeights * blockBytes readable
  /// bytes, with no alignment asked for; null for a row of zeros.
  std::vector<const uint8_t *> rows;
  /// Formats with a tensor scale: that of each row's tensor; else empty.
  std::vector<float> scales;

  /// Bytes of the packed matrix; rows are padded to a multiple of 16.
  uint64_t bytes() const { return layout.matrixBytes(rows.size(), k); }
};

/// Called on the caller's thread with the bytes packed so far, now and then and
/// at the end.
using PackProgress = std::function<void(uint64_t)>;

/// Takes the packed bytes in order; a failure ends the packing.
using PackSink = std::function<Status(std::span<const std::byte>)>;

/// Packs into `out`, which has job.bytes() bytes. At most `threads` threads
/// work, the caller's included; the result does not depend on their number.
/// Fails with InvalidArgument if the job contradicts itself.
Status packMatrix(const PackJob &job, std::span<std::byte> out,
                  unsigned threads, const PackProgress &progress = {});

/// The same bytes handed to `sink` piece by piece; holds at most about
/// `bufferBytes` of them, but one row group at least.
Status packMatrix(const PackJob &job, const PackSink &sink, unsigned threads,
                  const PackProgress &progress = {},
                  uint64_t bufferBytes = uint64_t(16) << 20);

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_PACKER_H
