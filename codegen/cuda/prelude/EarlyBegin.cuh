// How a kernel begins while the one before it still runs, where the target has
// `early` and the launch asks for it. It looks for its weights, waits until its
// predecessor has ended, lets its successor begin, and only then does its work.
//
// Why the successor sees all that it needs, although it waits for one kernel:
//  - every thread waits before it reads or writes anything but weights, and
//    none ends without having waited, in blocks without an item too;
//  - so a kernel ends after its predecessor, and by induction after all kernels
//    of its step; and it lets the next begin after its own wait, so that only
//    two kernels are ever under way: all older ones have ended, and what they
//    wrote was made visible to the predecessor's wait, which came before ours;
//  - nobody overwrites what a predecessor still reads, since writes wait too;
//  - the batch, read behind the wait as everything else, was copied before the
//    step's first launch, which is a plain one.
// Weights are what nobody writes; the emulated device knows which memory that
// is, and ends a kernel that touches any other before its wait, or never waits.
namespace sinter::cuda {

constexpr unsigned kLineBytes = 128; ///< of the caches

/// What most kernels do before their wait.
inline void nothingAhead(void *const *) {}

/// Where a stream (Gemm.cuh) begins in a row group.
template <typename F, unsigned width> struct StreamStart {
  static const char *at(const char *group, unsigned stream) {
    using Run = Runs<width>;
    const auto unit =
        Unit<F>::at(group, 0, min(stream * Run::each, Run::units - 1));
    return unit.inRecord ? unit.codes : unit.record;
  }
};
/// Streams share the columns in turn, so they read on from one place.
template <PlainType type, unsigned width>
struct StreamStart<PlainFormat<type>, width> {
  static const char *at(const char *group, unsigned stream) {
    return group + stream * kRowGroup * kLineBytes;
  }
};

/// For a gemv: the first lines that each stream reads of the block's first row
/// group. A line a thread is 32 KiB a block, what has to be on its
/// way to hide the memory's latency (../shared/reference/kernels.md, 4.1); of
/// 4096 4-bit weights a row it is all of them. More would be in the caches'
/// way, since blocks that are not resident yet begin late anyhow.
template <typename Shape> inline void weightsAhead(void *const *operands) {
  constexpr uint64_t bytes = Shape::rowGroupBytes;
  const char *group = static_cast<const char *>(operands[1]) +
                      uint64_t(itemIndex()) * Shape::rowGroups * bytes;
  using Start = StreamStart<typename Shape::Format, Shape::width>;
  const char *line = Start::at(group, threadIndex() / kRowGroup) +
                     threadIndex() % kRowGroup * kLineBytes;
  if (line < group + bytes)
    prefetchWeights(line);
}

template <auto ahead> inline void beginEarly(void *const *operands) {
  ahead(operands);
  waitForEarlier();
  letNextBegin();
}

/// A kernel that begins so.
template <auto ahead, auto kernel>
inline void afterEarlier(void *const *operands, const Batch &batch) {
  beginEarly<ahead>(operands);
  kernel(operands, batch);
}

} // namespace sinter::cuda
