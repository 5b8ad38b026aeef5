// Copies into shared memory that go on beside the threads: nothing arrives
// before the thread that began one waits for it.
namespace sinter::emulation {

/// A word on its way.
struct Copy {
  const void *from;
  void *element; ///< of a SharedArray, which `arrive` knows
  void (*arrive)(void *element, const void *from);
  uint32_t group;
};

/// What one thread has begun and not waited for.
struct ThreadCopies {
  static constexpr unsigned kMost = 512;
  Copy items[kMost];
  unsigned count;
  uint32_t groups; ///< that were ended
  uint64_t block;  ///< whose copies these are
};

/// Those of the block that this host thread runs.
struct Copies {
  ThreadCopies threads[kMaxThreads];

  ThreadCopies &own() {
    ThreadCopies &own = threads[block().thread()];
    if (own.block != block().serial()) {
      own.count = own.groups = 0;
      own.block = block().serial();
    }
    return own;
  }
  void begin(const void *from, void *element,
             void (*arrive)(void *element, const void *from)) {
    ThreadCopies &copies = own();
    if (copies.count == ThreadCopies::kMost)
      block().fail("more than %u words are on their way", ThreadCopies::kMost);
    copies.items[copies.count++] = {from, element, arrive, copies.groups};
  }
  void commit() { ++own().groups; }

  /// Lets all groups arrive but the `pending` latest.
  void wait(unsigned pending) {
    ThreadCopies &copies = own();
    unsigned left = 0;
    for (unsigned i = 0; i < copies.count; ++i) {
      const Copy &copy = copies.items[i];
      if (copy.group + pending < copies.groups)
        copy.arrive(copy.element, copy.from);
      else
        copies.items[left++] = copy;
    }
    copies.count = left;
  }
};

/// Copies of threads have one of three sizes, which both places are multiples
/// of.
inline void checkCopy(unsigned to, const void *from, unsigned size) {
  if (to % size || reinterpret_cast<uintptr_t>(from) % size)
    block().fail("copy of %u bytes from %p to %u of shared memory; both must "
                 "be multiples of its size",
                 size, from, to);
  checkRead(from, size);
}

inline Copies &copies() {
  static thread_local Copies copies;
  return copies;
}

} // namespace sinter::emulation
