// Shared memory that threads, copy engine and matrix units reach, each on a way
// of its own: an access to what another one did, without the fence or the phase
// of a barrier between, ends the block with a message. The words are those of
// prelude/Wgmma.cuh.
namespace sinter::emulation {

/// Tiles by their addresses, as a block's threads name them first: what a
/// descriptor tells the units.
struct Places {
  struct Place {
    void *tile;
    unsigned begin, bytes;
    uint32_t (*beginRead)(void *tile, unsigned word);
    void (*endRead)(void *tile, unsigned word);
  };
  static constexpr unsigned kMost = 16, kAligned = 1024;
  Place items[kMost];
  unsigned count, end;
  uint64_t block;

  /// The place of a tile, given to it where it has none.
  unsigned of(const Place &wanted) {
    if (block != emulation::block().serial()) {
      block = emulation::block().serial();
      count = 0;
      end = kAligned; // what is below belongs to the system
    }
    for (unsigned i = 0; i < count; ++i)
      if (items[i].tile == wanted.tile)
        return items[i].begin;
    if (count == kMost)
      emulation::block().fail("more than %u tiles in shared memory", kMost);
    items[count] = wanted;
    items[count].begin = end;
    end += (wanted.bytes + kAligned - 1) / kAligned * kAligned;
    return items[count++].begin;
  }
  const Place &at(unsigned address) const {
    for (unsigned i = 0; i < count; ++i)
      if (address >= items[i].begin &&
          address < items[i].begin + items[i].bytes)
        return items[i];
    emulation::block().fail("a product reads at %u of shared memory, where no "
                            "tile is",
                            address);
  }
};
inline Places &places() {
  static thread_local Places places;
  return places;
}

} // namespace sinter::emulation

namespace sinter::cuda {

/// Shared memory of which each word knows on which way it was last written, and
/// which products still read it.
template <unsigned count> class SharedTile {
public:
  template <typename T> T get(unsigned at) const {
    static_assert(sizeof(T) % 4 == 0);
    uint32_t words[sizeof(T) / 4];
    for (unsigned i = 0; i < sizeof(T) / 4; ++i) {
      checkArrival(at / 4 + i, "read");
      words[i] = words_.get(at / 4 + i);
    }
    T value;
    memcpy(&value, words, sizeof(T));
    return value;
  }
  template <typename T> void put(unsigned at, T value) {
    static_assert(sizeof(T) % 4 == 0);
    uint32_t words[sizeof(T) / 4];
    memcpy(words, &value, sizeof(T));
    for (unsigned i = 0; i < sizeof(T) / 4; ++i) {
      checkProducts(at / 4 + i);
      words_.put(at / 4 + i, words[i]);
      Way &way = wayOf(at / 4 + i);
      way.write = emulation::FencedWrite::now();
      way.barrier = nullptr;
    }
  }
  unsigned address(unsigned at) {
    return emulation::places().of({this, 0, count, beginRead, endRead}) + at;
  }
  template <unsigned size> void copy(unsigned at, const void *from) {
    emulation::checkCopy(at, from, size);
    for (unsigned word = 0; word < size / 4; ++word) {
      checkProducts(at / 4 + word);
      words_.expect(at / 4 + word);
      Way &way = wayOf(at / 4 + word);
      way.tile = this;
      way.barrier = nullptr;
      emulation::copies().begin(static_cast<const char *>(from) + 4 * word,
                                &way, arriveWord);
    }
  }
  void copyBulk(unsigned at, const void *from, unsigned size,
                SharedBarrier &barrier) {
    if (at % 16 || size % 16 || reinterpret_cast<uintptr_t>(from) % 16)
      emulation::block().fail("bulk copy of %u bytes from %p to %u of shared "
                              "memory; all must be multiples of 16",
                              size, from, at);
    emulation::checkRead(from, size);
    for (unsigned word = at / 4; word < (at + size) / 4; ++word) {
      checkProducts(word);
      words_.expect(word);
      Way &way = wayOf(word);
      way.barrier = &barrier;
      way.phase = barrier.phase();
    }
    barrier.copy(this, at, from, size, arrive);
  }

private:
  struct Way {
    uint64_t block;
    SharedTile *tile;             ///< of a copy into it
    const SharedBarrier *barrier; ///< whose phase `phase` has brought it
    uint32_t phase;
    emulation::FencedWrite write; ///< otherwise
    unsigned reads;               ///< by products that go on
    uint32_t readEpoch;           ///< when the last of them was waited for
    bool wasRead;
  };

  Way &wayOf(unsigned word) const {
    if (word >= count / 4)
      emulation::block().fail("access to shared word %u of %u", word,
                              count / 4);
    Way &way = ways_[word];
    if (way.block != emulation::block().serial()) {
      way = {};
      way.block = emulation::block().serial();
    }
    return way;
  }
  void checkArrival(unsigned word, const char *what) const {
    const Way &way = wayOf(word);
    if (way.barrier && !way.barrier->knows(way.phase))
      emulation::block().fail("%s of shared word %u, which phase %u of a "
                              "barrier brings; nobody has waited for that",
                              what, word, way.phase);
  }
  void checkProducts(unsigned word) const {
    const Way &way = wayOf(word);
    if (way.reads ||
        (way.wasRead && way.readEpoch == emulation::block().epoch()))
      emulation::block().fail("write of shared word %u, which a product reads "
                              "that not all of its threads have waited for",
                              word);
  }

  static void arrive(void *tile, unsigned at, const void *from, unsigned size) {
    auto &self = *static_cast<SharedTile *>(tile);
    for (unsigned i = 0; i < size / 4; ++i)
      self.words_.arrive(at / 4 + i, static_cast<const char *>(from) + 4 * i,
                         /*forAll=*/true);
  }
  /// A thread's own copy is a write of it, when it arrives.
  static void arriveWord(void *place, const void *from) {
    Way &way = *static_cast<Way *>(place);
    way.tile->words_.arrive(unsigned(&way - way.tile->ways_), from,
                            /*forAll=*/false);
    way.write = emulation::FencedWrite::now();
  }
  /// What a product reads, until endRead().
  static uint32_t beginRead(void *tile, unsigned word) {
    auto &self = *static_cast<SharedTile *>(tile);
    self.checkArrival(word, "a product's read");
    Way &way = self.wayOf(word);
    const uint32_t value = self.words_.get(word); // if anybody has written it
    if (!way.barrier && !way.write.isOrdered())
      emulation::block().fail("a product reads shared word %u while thread %u "
                              "writes it",
                              word, way.write.thread);
    if (!way.barrier && !way.write.isFenced())
      emulation::block().fail("a product reads shared word %u, which thread %u "
                              "wrote without fencing it",
                              word, way.write.thread);
    ++way.reads;
    return value;
  }
  static void endRead(void *tile, unsigned word) {
    Way &way = static_cast<SharedTile *>(tile)->wayOf(word);
    --way.reads;
    way.readEpoch = emulation::block().epoch();
    way.wasRead = true;
  }

  SharedArray<uint32_t, count / 4> words_;
  mutable Way ways_[count / 4] = {};
};

} // namespace sinter::cuda
