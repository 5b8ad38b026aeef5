// Fences of what threads write for the copy engine and the matrix units, and
// barriers in shared memory that count arrivals and bytes: what one side did
// the other sees only behind them. The words are those of prelude/Wgmma.cuh.
namespace sinter::emulation {

/// How often a thread has fenced what it wrote, and what of that others know:
/// those before the last barrier.
struct Fences {
  uint64_t block;
  uint32_t all, known, epoch;

  void add() {
    if (epoch != emulation::block().epoch()) {
      known = all;
      epoch = emulation::block().epoch();
    }
    ++all;
  }
  static Fences &of(unsigned thread) {
    static thread_local Fences fences[kMaxThreads];
    Fences &own = fences[thread];
    if (own.block != emulation::block().serial())
      own = {emulation::block().serial(), 0, 0, 0};
    return own;
  }
};

/// A write of a thread, with its fences until then.
struct FencedWrite {
  uint32_t epoch, fences;
  uint16_t thread;

  static FencedWrite now() {
    const unsigned thread = block().thread();
    return {block().epoch(), Fences::of(thread).all, uint16_t(thread)};
  }
  bool isOrdered() const { return epoch != block().epoch(); }
  /// Whether the writer has fenced it before the last barrier.
  bool isFenced() const {
    const Fences &writer = Fences::of(thread);
    const bool all = writer.epoch != block().epoch();
    return (all ? writer.all : writer.known) > fences;
  }
  /// The same for the writer itself, who needs no barrier.
  bool isFencedHere() const {
    return thread == block().thread() ? Fences::of(thread).all > fences
                                      : isFenced();
  }
};

} // namespace sinter::emulation

namespace sinter::cuda {

inline void fenceSharedWrites() { emulation::Fences::of(threadIndex()).add(); }

/// Copies come when the phase ends; who has not waited for that may not read
/// them.
class SharedBarrier {
public:
  void begin(unsigned arrivals) {
    block_ = emulation::block().serial();
    begun_ = emulation::FencedWrite::now();
    arrivals_ = left_ = arrivals;
    bytes_ = 0;
    phase_ = count_ = seen_ = 0;
    for (uint32_t &phases : waited_)
      phases = 0;
  }
  void expect(unsigned bytes) {
    check();
    if (left_ == 0)
      emulation::block().fail("more than %u threads arrive in phase %u of a "
                              "shared barrier",
                              arrivals_, phase_);
    --left_;
    bytes_ += bytes;
    endPhase();
  }
  void wait(unsigned parity) {
    check();
    struct Phase {
      const SharedBarrier *barrier;
      uint32_t number;
    } own = {this, phase_};
    if (phase_ % 2 == parity)
      emulation::block().waitForPhase(&own, [](const void *phase) {
        const auto *own = static_cast<const Phase *>(phase);
        return own->barrier->phase_ != own->number;
      });
    waited_[threadIndex()] = phase_;
    if (seen_ < phase_) {
      seen_ = phase_;
      seenEpoch_ = emulation::block().epoch();
    }
  }

  /// Whether this thread knows that phase `phase` has ended: it has waited for
  /// it, or another one did so before a barrier.
  bool knows(uint32_t phase) const {
    return waited_[threadIndex()] > phase ||
           (seen_ > phase && seenEpoch_ != emulation::block().epoch());
  }
  uint32_t phase() const { return phase_; }

  /// A copy of `size` bytes, which `arrive` completes.
  using Arrive = void (*)(void *tile, unsigned at, const void *from,
                          unsigned size);
  void copy(void *tile, unsigned at, const void *from, unsigned size,
            Arrive arrive) {
    check();
    if (!begun_.isFencedHere())
      emulation::block().fail("a copy tells a shared barrier whose beginning "
                              "nobody has fenced");
    if (count_ == kMost)
      emulation::block().fail("more than %u copies are on their way", kMost);
    copies_[count_++] = {tile, at, from, size, arrive};
    bytes_ -= size;
    endPhase();
  }

private:
  void check() const {
    if (block_ != emulation::block().serial())
      emulation::block().fail("a shared barrier is used that nobody has begun");
    if (begun_.thread != threadIndex() && !begun_.isOrdered())
      emulation::block().fail("a shared barrier is used while thread %u begins "
                              "it",
                              begun_.thread);
  }
  void endPhase() {
    if (left_ != 0 || bytes_ > 0)
      return;
    if (bytes_ < 0)
      emulation::block().fail("phase %u of a shared barrier gets %lld bytes "
                              "more than it expects",
                              phase_, -static_cast<long long>(bytes_));
    for (unsigned i = 0; i < count_; ++i)
      copies_[i].arrive(copies_[i].tile, copies_[i].at, copies_[i].from,
                        copies_[i].size);
    count_ = 0;
    left_ = arrivals_;
    ++phase_;
    emulation::block().phaseEnded();
  }

  struct Copy {
    void *tile;
    unsigned at;
    const void *from;
    unsigned size;
    Arrive arrive;
  };
  static constexpr unsigned kMost = 1024;
  uint64_t block_ = 0;
  emulation::FencedWrite begun_ = {};
  unsigned arrivals_ = 0, left_ = 0;
  int64_t bytes_ = 0; ///< that are expected and not copied
  /// The phase that goes on; those that somebody knows to have ended, and
  /// since when.
  uint32_t phase_ = 0, seen_ = 0, seenEpoch_ = 0;
  uint32_t waited_[emulation::kMaxThreads] = {};
  Copy copies_[kMost];
  unsigned count_ = 0;
};

} // namespace sinter::cuda
