// Spreads the row groups of a matrix over threads; each group's bytes have a
// fixed place, so no order of work can change the result.
#include "codegen/x86/Packer.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <fmt/format.h>
#include <system_error>
#include <thread>

namespace sinter::x86 {

static Status checkJob(const PackJob &job) {
  const Format *format = job.layout.format;
  if (!format)
    return Status(Code::InvalidArgument, "pack job has no layout");
  if (job.k == 0 || job.k % format->blockWeights != 0)
    return Status(Code::InvalidArgument,
                  fmt::format("row has {} weights; {} packs multiples of {}",
                              job.k, format->name, format->blockWeights));
  const size_t scales = format->form.tensorScale ? job.rows.size() : 0;
  if (job.scales.size() != scales)
    return Status(Code::InvalidArgument,
                  fmt::format("pack job has {} tensor scales; {} rows of {} "
                              "need {}",
                              job.scales.size(), job.rows.size(), format->name,
                              scales));
  return Status();
}

static void packGroup(const PackJob &job, uint64_t group,
                      std::span<std::byte> out) {
  std::array<const uint8_t *, kRowGroup> rows{};
  std::array<float, kRowGroup> scales;
  scales.fill(1.0f);
  const size_t first = group * kRowGroup;
  const size_t present = std::min<size_t>(kRowGroup, job.rows.size() - first);
  std::copy_n(job.rows.begin() + first, present, rows.begin());
  if (!job.scales.empty())
    std::copy_n(job.scales.begin() + first, present, scales.begin());
  packRowGroup(job.layout, job.k, rows, scales, out);
}

/// Packs row groups [begin, begin + out.size() / groupBytes) into `out`;
/// progress counts from `done`.
static void packGroups(const PackJob &job, uint64_t begin,
                       std::span<std::byte> out, unsigned threads,
                       const PackProgress &progress, uint64_t done) {
  const uint64_t groupBytes = job.layout.rowGroupBytes(job.k);
  const uint64_t count = out.size() / groupBytes;
  std::atomic<uint64_t> next = 0, packed = 0;
  const auto work = [&](bool report) {
    for (uint64_t i; (i = next.fetch_add(1)) < count;) {
      packGroup(job, begin + i, out.subspan(i * groupBytes, groupBytes));
      const uint64_t all = packed.fetch_add(groupBytes) + groupBytes;
      if (report && progress)
        progress(done + all);
    }
  };
  std::vector<std::thread> helpers;
  const uint64_t wanted = std::min<uint64_t>(std::max(threads, 1u), count);
  helpers.reserve(wanted);
  for (uint64_t i = 1; i < wanted; ++i) {
    try {
      helpers.emplace_back(work, false);
    } catch (const std::system_error &) {
      break; // fewer threads pack the same bytes
    }
  }
  work(true);
  for (std::thread &helper : helpers)
    helper.join();
  if (progress && count > 0)
    progress(done + out.size());
}

Status packMatrix(const PackJob &job, std::span<std::byte> out,
                  unsigned threads, const PackProgress &progress) {
  SINTER_TRY(checkJob(job));
  if (out.size() != job.bytes())
    return Status(Code::InvalidArgument,
                  fmt::format("room for {} bytes; the packed matrix has {}",
                              out.size(), job.bytes()));
  packGroups(job, 0, out, threads, progress, 0);
  return Status();
}

Status packMatrix(const PackJob &job, const PackSink &sink, unsigned threads,
                  const PackProgress &progress, uint64_t bufferBytes) {
  SINTER_TRY(checkJob(job));
  const uint64_t groupBytes = job.layout.rowGroupBytes(job.k);
  const uint64_t groups = job.bytes() / groupBytes;
  const uint64_t perPiece =
      std::clamp<uint64_t>(bufferBytes / groupBytes, 1, std::max(groups, 1ul));
  std::vector<std::byte> buffer;
  try {
    buffer.resize(perPiece * groupBytes);
  } catch (const std::exception &) { // bad_alloc or length_error
    return Status(Code::ResourceExhausted,
                  fmt::format("no memory for a packing buffer of {} bytes",
                              perPiece * groupBytes));
  }
  for (uint64_t first = 0; first < groups; first += perPiece) {
    const uint64_t count = std::min(perPiece, groups - first);
    const std::span piece(buffer.data(), count * groupBytes);
    packGroups(job, first, piece, threads, progress, first * groupBytes);
    SINTER_TRY(sink(piece));
  }
  return Status();
}

} // namespace sinter::x86
