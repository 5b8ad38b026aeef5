// Threads of a block as fibers of one host thread: each runs until it has to
// wait for others of its warp or block. Which goes first is the scheduler's
// choice, so a seed tries orders that a GPU may take.
namespace sinter::emulation {

/// Saves the registers that calls keep and the stack pointer, and goes on at
/// another one.
extern "C" void sinterSwitchFiber(void **from, void *to);
#if defined(__x86_64__)
asm(R"(
.text
.type sinterSwitchFiber, @function
sinterSwitchFiber:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size sinterSwitchFiber, .-sinterSwitchFiber
)");
constexpr unsigned kSavedWords = 6;
#else
#error "emulated blocks need a switch of fibers for this processor"
#endif

constexpr unsigned kMaxThreads = 1024;
constexpr unsigned kLanes = 32;
constexpr size_t kStackBytes = 64 * 1024;

/// Four warps that multiply together.
constexpr unsigned kGroupLanes = 4 * kLanes;

enum class Wait : uint8_t { None, Warp, Warpgroup, Phase, Block, Ended };

/// One thread of the block.
struct Fiber {
  void *stack = nullptr; ///< where it goes on
  Wait wait = Wait::None;
  uint32_t collective = 0; ///< what it waits in, and for which partners
  uint32_t exchanges = 0;  ///< collectives of its warp that it has left
  bool early = false; ///< the kernel before this one may still run
};

/// What the lanes of a warp hand each other. Two sets: a lane may enter the
/// next collective before another has read the last one's.
struct Warp {
  uint64_t values[2][kLanes];
  void *parts[kLanes]; ///< of a collective that the last lane computes
  unsigned arrived = 0;
  uint32_t epoch = 0; ///< barriers of the warp so far
};

/// The same of the lanes of a warpgroup.
struct Warpgroup {
  void *parts[kGroupLanes];
  unsigned arrived = 0;
};

/// The block that this host thread runs.
class Block {
public:
  using Body = void (*)(void *argument);

  /// Runs `threads` threads of `body`, which must wait for the kernel before
  /// it if it begins `early`; false if one of them failed, and then fault()
  /// says how.
  bool run(unsigned threads, int64_t item, Body body, void *argument,
           bool early = false);

  unsigned thread() const { return current_; }
  int64_t item() const { return item_; }
  uint64_t serial() const { return serial_; } ///< no two blocks have one
  uint32_t epoch() const { return epoch_; }   ///< barriers so far
  bool early() const { return fibers_[current_].early; }
  void waitForEarlier() { fibers_[current_].early = false; }
  uint32_t warpEpoch(unsigned thread) const {
    return warps_[thread / kLanes].epoch;
  }

  /// Waits for all threads of the block.
  void barrier();
  /// Waits for the lanes of the warp, each of which leaves a value; returns
  /// that of `lane`. `kind` names the collective; all lanes must be in one.
  uint64_t exchange(uint64_t value, unsigned lane, uint32_t kind);
  /// The same for a bit of each lane; returns all of them.
  uint32_t vote(bool bit, uint32_t kind);
  /// The same, for a result that the lanes make together: `compute` sees what
  /// each of them gave, while all of them wait, and changes it.
  using Compute = void (*)(void *const *lanes);
  void together(void *own, Compute compute, uint32_t kind);
  void warpBarrier();
  /// together() of the lanes of a warpgroup.
  void groupTogether(void *own, Compute compute, uint32_t kind);
  /// Waits until `ended` (of `phase`) says so, which another thread brings
  /// about and then calls phaseEnded().
  void waitForPhase(const void *phase, bool (*ended)(const void *phase));
  void phaseEnded();

  /// Ends the block with the message of its first fault.
  [[noreturn]] void fail(const char *format, ...)
      __attribute__((format(printf, 2, 3)));
  const char *fault() const { return fault_; }
  void seed(uint64_t seed) { random_ = seed; }

private:
  static void enter();
  void prepare(unsigned threads, bool early);
  void leave(); ///< to the scheduler
  /// Waits for the lanes of the warp; whether this is the last of them, which
  /// must let the others go.
  bool arrive(uint32_t kind);
  void releaseWarp();
  void ready(unsigned thread);
  unsigned takeReady();
  void explainDeadlock();

  Fiber fibers_[kMaxThreads];
  Warp warps_[kMaxThreads / kLanes];
  Warpgroup groups_[kMaxThreads / kGroupLanes];
  unsigned ready_[kMaxThreads];
  unsigned firstReady_ = 0, readyCount_ = 0;
  char *stacks_ = nullptr;
  void *scheduler_ = nullptr;
  Body body_ = nullptr;
  void *argument_ = nullptr;
  unsigned threads_ = 0, current_ = 0, atBarrier_ = 0, ended_ = 0;
  int64_t item_ = 0;
  uint64_t serial_ = 0, random_ = 0;
  uint32_t epoch_ = 0;
  bool failed_ = false;
  char fault_[400] = {};
};

/// Zeroed, so that the first use costs nothing.
inline Block &block() {
  static thread_local Block block;
  return block;
}

inline void Block::ready(unsigned thread) {
  fibers_[thread].wait = Wait::None;
  ready_[(firstReady_ + readyCount_++) % kMaxThreads] = thread;
}

/// The next thread in turn, or with a seed any of them.
inline unsigned Block::takeReady() {
  if (random_) {
    random_ ^= random_ << 13; // xorshift64, Marsaglia 2003
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    const unsigned other =
        (firstReady_ + unsigned(random_ % readyCount_)) % kMaxThreads;
    const unsigned first = ready_[firstReady_];
    ready_[firstReady_] = ready_[other];
    ready_[other] = first;
  }
  const unsigned thread = ready_[firstReady_];
  firstReady_ = (firstReady_ + 1) % kMaxThreads;
  --readyCount_;
  return thread;
}

inline void Block::leave() {
  sinterSwitchFiber(&fibers_[current_].stack, scheduler_);
}

inline void Block::enter() {
  Block &self = block();
  self.body_(self.argument_);
  // Who waits for this kernel would not wait for the one before it.
  if (self.early())
    self.fail("ends without a wait for the kernel before this one");
  self.fibers_[self.current_].wait = Wait::Ended;
  ++self.ended_;
  self.leave();
  __builtin_unreachable();
}

inline void Block::prepare(unsigned threads, bool early) {
  static_assert(kStackBytes % 16 == 0);
  if (!stacks_)
    stacks_ = static_cast<char *>(aligned_alloc(64, kMaxThreads * kStackBytes));
  threads_ = threads;
  firstReady_ = readyCount_ = atBarrier_ = ended_ = epoch_ = 0;
  failed_ = false;
  fault_[0] = 0;
  for (unsigned warp = 0; warp < (threads + kLanes - 1) / kLanes; ++warp)
    warps_[warp].arrived = warps_[warp].epoch = 0;
  for (Warpgroup &group : groups_)
    group.arrived = 0;
  for (unsigned i = 0; i < threads; ++i) {
    // As if enter() had been called and had switched away: its return address
    // lies 8 bytes below a multiple of 16.
    auto *top = reinterpret_cast<void **>(stacks_ + (i + 1) * kStackBytes) - 2;
    *top = reinterpret_cast<void *>(&Block::enter);
    for (unsigned word = 1; word <= kSavedWords; ++word)
      top[-int(word)] = nullptr;
    fibers_[i] = {};
    fibers_[i].stack = top - kSavedWords;
    fibers_[i].early = early;
    ready(i);
  }
}

inline bool Block::run(unsigned threads, int64_t item, Body body,
                       void *argument, bool early) {
  static uint64_t serials = 0;
  serial_ = __atomic_add_fetch(&serials, 1, __ATOMIC_RELAXED);
  item_ = item;
  body_ = body;
  argument_ = argument;
  prepare(threads, early);
  while (readyCount_ && !failed_) {
    current_ = takeReady();
    sinterSwitchFiber(&scheduler_, fibers_[current_].stack);
  }
  if (!failed_ && ended_ != threads_)
    explainDeadlock();
  return !failed_;
}

inline void Block::barrier() {
  if (++atBarrier_ < threads_) {
    fibers_[current_].wait = Wait::Block;
    return leave();
  }
  atBarrier_ = 0;
  ++epoch_;
  for (unsigned i = 0; i < threads_; ++i)
    if (fibers_[i].wait == Wait::Block)
      ready(i);
}

inline bool Block::arrive(uint32_t kind) {
  const unsigned first = current_ / kLanes * kLanes;
  Warp &warp = warps_[current_ / kLanes];
  fibers_[current_].collective = kind;
  if (++warp.arrived < kLanes) {
    fibers_[current_].wait = Wait::Warp;
    leave();
    return false;
  }
  warp.arrived = 0;
  for (unsigned i = first; i < first + kLanes; ++i)
    if (fibers_[i].collective != kind)
      fail("threads %u and %u of a warp are in different collectives", current_,
           i);
  return true;
}

inline void Block::releaseWarp() {
  const unsigned first = current_ / kLanes * kLanes;
  for (unsigned i = first; i < first + kLanes; ++i)
    if (i != current_)
      ready(i);
}

inline uint64_t Block::exchange(uint64_t value, unsigned lane, uint32_t kind) {
  Warp &warp = warps_[current_ / kLanes];
  Fiber &self = fibers_[current_];
  const unsigned set = self.exchanges % 2;
  warp.values[set][current_ % kLanes] = value;
  if (arrive(kind))
    releaseWarp();
  ++self.exchanges;
  return warp.values[set][lane];
}

inline uint32_t Block::vote(bool bit, uint32_t kind) {
  const Warp &warp = warps_[current_ / kLanes];
  const unsigned set = fibers_[current_].exchanges % 2;
  exchange(bit, 0, kind);
  uint32_t bits = 0;
  for (unsigned lane = 0; lane < kLanes; ++lane)
    bits |= uint32_t(warp.values[set][lane]) << lane;
  return bits;
}

inline void Block::together(void *own, Compute compute, uint32_t kind) {
  Warp &warp = warps_[current_ / kLanes];
  warp.parts[current_ % kLanes] = own;
  if (!arrive(kind))
    return;
  compute(warp.parts);
  releaseWarp();
}

inline void Block::groupTogether(void *own, Compute compute, uint32_t kind) {
  const unsigned first = current_ / kGroupLanes * kGroupLanes;
  Warpgroup &group = groups_[current_ / kGroupLanes];
  group.parts[current_ - first] = own;
  fibers_[current_].collective = kind;
  if (++group.arrived < kGroupLanes) {
    fibers_[current_].wait = Wait::Warpgroup;
    return leave();
  }
  group.arrived = 0;
  for (unsigned i = first; i < first + kGroupLanes; ++i)
    if (fibers_[i].collective != kind)
      fail("threads %u and %u of a warpgroup are in different products",
           current_, i);
  compute(group.parts);
  for (unsigned i = first; i < first + kGroupLanes; ++i)
    if (i != current_)
      ready(i);
}

inline void Block::waitForPhase(const void *phase,
                                bool (*ended)(const void *phase)) {
  while (!ended(phase)) {
    fibers_[current_].wait = Wait::Phase;
    leave();
  }
}

inline void Block::phaseEnded() {
  for (unsigned i = 0; i < threads_; ++i)
    if (fibers_[i].wait == Wait::Phase)
      ready(i);
}

inline void Block::warpBarrier() {
  Warp &warp = warps_[current_ / kLanes];
  exchange(0, 0, ~0u);
  if (current_ % kLanes == 0)
    ++warp.epoch;
  exchange(0, 0, ~0u - 1);
}

inline void Block::fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int length = snprintf(fault_, sizeof(fault_), "block %lld, thread %u: ",
                              static_cast<long long>(item_), current_);
  vsnprintf(fault_ + length, sizeof(fault_) - length, format, arguments);
  va_end(arguments);
  failed_ = true;
  leave(); // and nobody comes back
  __builtin_unreachable();
}

inline void Block::explainDeadlock() {
  static const char *const kNames[] = {"to run",
                                       "for its warp",
                                       "for its warpgroup",
                                       "for the phase of a shared barrier",
                                       "for the block",
                                       "ended"};
  failed_ = true;
  unsigned counts[6] = {}, firsts[6] = {};
  for (unsigned i = threads_; i-- > 0;) {
    const auto wait = unsigned(fibers_[i].wait);
    ++counts[wait];
    firsts[wait] = i;
  }
  int length =
      snprintf(fault_, sizeof(fault_),
               "block %lld waits for ever:", static_cast<long long>(item_));
  for (const Wait wait :
       {Wait::Warp, Wait::Warpgroup, Wait::Phase, Wait::Block, Wait::Ended})
    if (const unsigned count = counts[unsigned(wait)])
      length +=
          snprintf(fault_ + length, sizeof(fault_) - length,
                   wait == Wait::Ended ? " %u threads (first %u) have %s;"
                                       : " %u threads (first %u) wait %s;",
                   count, firsts[unsigned(wait)], kNames[unsigned(wait)]);
}

} // namespace sinter::emulation
