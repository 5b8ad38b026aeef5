// Products of a warpgroup: the form for an emulated device. The other one is
// prelude/Wgmma.cuh. A product goes on from its beginning until every thread
// has waited for it: until then its registers may not be touched, nor what it
// reads of shared memory be written.
namespace sinter::emulation {

/// Registers that a product uses.
class ProductRegisters {
public:
  ProductRegisters();
  ~ProductRegisters();
  ProductRegisters(const ProductRegisters &) = delete;
  ProductRegisters &operator=(const ProductRegisters &) = delete;

  void touch(const char *what) const;
  void checkFence(const char *what) const;
  mutable unsigned products = 0; ///< that go on

private:
  mutable uint32_t fences_; ///< of the thread when it touched them last
};

/// [64][64] = [64][32] · [32][64]; the last from shared memory.
struct GroupProduct {
  uint64_t tile;
  unsigned waiting; ///< threads that have not waited for it
};

/// Those of the block that this host thread runs.
struct GroupProducts {
  static constexpr unsigned kMost = 16 * kMaxThreads / kGroupLanes;
  GroupProduct items[kMost];
  uint64_t block;

  /// One that nobody uses.
  GroupProduct &begin(uint64_t tile) {
    if (block != emulation::block().serial()) {
      block = emulation::block().serial();
      for (GroupProduct &item : items)
        item.waiting = 0;
    }
    for (GroupProduct &item : items)
      if (item.waiting == 0) {
        item = {tile, kGroupLanes};
        return item;
      }
    emulation::block().fail("more than %u products go on", kMost);
  }
};
inline GroupProducts &groupProducts() {
  static thread_local GroupProducts products;
  return products;
}

/// What a thread has begun and not waited for.
struct ThreadProducts {
  static constexpr unsigned kMost = 16;
  struct Item {
    GroupProduct *product;
    const ProductRegisters *sums, *weights;
    uint32_t group;
  };
  uint64_t block;
  Item items[kMost];
  unsigned count;
  uint32_t fences, groups;

  static ThreadProducts &own() {
    static thread_local ThreadProducts all[kMaxThreads];
    ThreadProducts &own = all[emulation::block().thread()];
    if (own.block != emulation::block().serial()) {
      own.block = emulation::block().serial();
      own.count = own.fences = own.groups = 0;
    }
    return own;
  }
};

inline ProductRegisters::ProductRegisters()
    : fences_(ThreadProducts::own().fences) {}
inline ProductRegisters::~ProductRegisters() { touch("loss"); }
inline void ProductRegisters::touch(const char *what) const {
  if (products)
    block().fail("%s of a product that this thread has not waited for", what);
  fences_ = ThreadProducts::own().fences;
}
inline void ProductRegisters::checkFence(const char *what) const {
  if (fences_ == ThreadProducts::own().fences)
    block().fail("a product takes %s which this thread has touched since its "
                 "last fence of products",
                 what);
}

/// The PTX manual's matrix descriptor, taken apart; the columns of b are rows
/// of 32 bytes under one of four swizzles.
struct TileRows {
  uint64_t start, leading, stride, mode;

  explicit TileRows(uint64_t descriptor)
      : start((descriptor & 0x3fff) << 4),
        leading((descriptor >> 16 & 0x3fff) << 4),
        stride((descriptor >> 32 & 0x3fff) << 4), mode(descriptor >> 62) {
    if (descriptor >> 46 & 0xffff)
      block().fail("a tile's descriptor has bits %llx from 46 to 61; expected "
                   "an aligned tile",
                   static_cast<unsigned long long>(descriptor >> 46 & 0xffff));
  }
  /// The address of byte `k` (of 32) of row `row`.
  unsigned at(unsigned row, unsigned k) const {
    const uint64_t eight = start + row / 8 * stride;
    if (mode == 0) // blocks of eight times 16 bytes
      return unsigned(eight + row % 8 * 16 + k / 16 * leading + k % 16);
    const unsigned pitch = 256 >> mode; // 128, 64 or 32
    const uint64_t linear = eight + row % 8 * pitch + k;
    return unsigned(linear ^ ((linear >> 7 & (pitch / 16 - 1)) << 4));
  }
};

} // namespace sinter::emulation

namespace sinter::cuda {

constexpr bool kHasWgmma = true;

struct WgmmaWeights : emulation::ProductRegisters {
  uint32_t values[4] = {};

  void put(unsigned i, uint32_t value) {
    touch("write of a register");
    values[i] = value;
  }
};

struct WgmmaSums : emulation::ProductRegisters {
  static constexpr unsigned columns = 64, count = columns / 2;
  int values[count] = {};

  int get(unsigned i) const {
    touch("read of a sum");
    return values[i];
  }
};

namespace tiles {

/// A thread's part of a product.
struct GroupPart {
  WgmmaSums *sums;
  const WgmmaWeights *weights;
  uint64_t tile;
  emulation::GroupProduct *product; ///< set for all of them
};

/// Reads b and begins `product`'s claim on it.
inline void readTile(const emulation::GroupProduct &product,
                     int8_t (&b)[64][32]) {
  const emulation::TileRows rows(product.tile);
  for (unsigned row = 0; row < 64; ++row)
    for (unsigned k = 0; k < 32; k += 4) {
      const unsigned address = rows.at(row, k);
      const auto &place = emulation::places().at(address);
      const uint32_t word =
          place.beginRead(place.tile, (address - place.begin) / 4);
      memcpy(&b[row][k], &word, 4);
    }
}

inline void endReading(const emulation::GroupProduct &product) {
  const emulation::TileRows rows(product.tile);
  for (unsigned row = 0; row < 64; ++row)
    for (unsigned k = 0; k < 32; k += 4) {
      const unsigned address = rows.at(row, k);
      const auto &place = emulation::places().at(address);
      place.endRead(place.tile, (address - place.begin) / 4);
    }
}

template <bool sign> inline void multiplyGroup(void *const *lanes) {
  auto partOf = [lanes](unsigned lane) -> GroupPart & {
    return *static_cast<GroupPart *>(lanes[lane]);
  };
  emulation::GroupProduct &product =
      emulation::groupProducts().begin(partOf(0).tile);
  int8_t b[64][32];
  readTile(product, b);
  for (unsigned lane = 0; lane < emulation::kGroupLanes; ++lane) {
    GroupPart &part = partOf(lane);
    if (part.tile != product.tile)
      emulation::block().fail("threads of a warpgroup multiply other tiles");
    part.product = &product;
  }
  for (unsigned warp = 0; warp < 4; ++warp) {
    int a[16][32];
    for (unsigned lane = 0; lane < kWarp; ++lane)
      for (unsigned i = 0; i < 16; ++i) {
        const uint32_t word =
            partOf(warp * kWarp + lane).weights->values[i / 4];
        const auto byte = uint8_t(word >> 8 * (i % 4));
        a[lane / 4 + i / 4 % 2 * 8][i / 8 * 16 + lane % 4 * 4 + i % 4] =
            sign ? int(int8_t(byte)) : int(byte);
      }
    for (unsigned lane = 0; lane < kWarp; ++lane)
      for (unsigned i = 0; i < WgmmaSums::count; ++i) {
        const int *row = a[sumRow(lane, i % 4)];
        const int8_t *column = b[i / 4 * 8 + sumColumn(lane, i % 4)];
        int sum = 0;
        for (unsigned k = 0; k < 32; ++k)
          sum += row[k] * column[k];
        partOf(warp * kWarp + lane).sums->values[i] = sum;
      }
  }
}

} // namespace tiles

inline void fenceProducts() { ++emulation::ThreadProducts::own().fences; }

template <bool sign>
inline void multiplyWarpgroup(WgmmaSums &sums, const WgmmaWeights &a,
                              uint64_t tile) {
  sums.checkFence("sums");
  a.checkFence("weights");
  if (sums.products)
    emulation::block().fail("two products at once have the same sums");
  auto &own = emulation::ThreadProducts::own();
  if (own.count == own.kMost)
    emulation::block().fail("more than %u products go on", own.kMost);
  ++sums.products;
  ++a.products;
  tiles::GroupPart part = {&sums, &a, tile, nullptr};
  emulation::block().groupTogether(&part, tiles::multiplyGroup<sign>, sign);
  own.items[own.count++] = {part.product, &sums, &a, own.groups};
}

inline void commitProducts() { ++emulation::ThreadProducts::own().groups; }

template <unsigned pending, typename... Sums>
inline void waitForProducts(Sums &...) {
  auto &own = emulation::ThreadProducts::own();
  unsigned left = 0;
  for (unsigned i = 0; i < own.count; ++i) {
    const auto item = own.items[i];
    if (item.group + pending >= own.groups) {
      own.items[left++] = item;
      continue;
    }
    --item.sums->products;
    --item.weights->products;
    if (--item.product->waiting == 0)
      tiles::endReading(*item.product);
  }
  own.count = left;
}

} // namespace sinter::cuda
