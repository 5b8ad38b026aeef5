// Memory of an emulated device: accesses outside what is known to it, reads of
// what nobody wrote, and races in shared memory end the block with a message.
namespace sinter::emulation {

/// A buffer that kernels may use; `written`, if any, has a byte for each byte
/// of it that tells whether it was written. No kernel writes a constant one.
struct Region {
  const char *name;
  const char *begin;
  size_t bytes;
  uint8_t *written;
  bool constant;
};

/// All buffers, changed only while no kernel runs. None: nothing is checked.
struct Regions {
  static constexpr unsigned kMost = 1024;
  Region items[kMost];
  unsigned count = 0;
};
inline Regions &regions() {
  static Regions regions;
  return regions;
}

inline const Region &regionOf(const void *address, size_t bytes,
                              const char *what) {
  const auto *at = static_cast<const char *>(address);
  const Regions &all = regions();
  for (unsigned i = 0; i < all.count; ++i) {
    const Region &region = all.items[i];
    if (at >= region.begin && at < region.begin + region.bytes) {
      if (at + bytes > region.begin + region.bytes)
        block().fail("%s of %zu bytes at %zu of '%s', which has %zu", what,
                     bytes, size_t(at - region.begin), region.name,
                     region.bytes);
      return region;
    }
  }
  block().fail("%s of %zu bytes outside all buffers, at %p", what, bytes,
               address);
}

/// `weights`: they are thought to be constant.
inline void checkRead(const void *address, size_t bytes, bool weights = false) {
  constexpr const char *kTooEarly =
      "read of %zu bytes at %zu of '%s' before the wait for the kernel before "
      "this one";
  const bool early = block().early();
  if (regions().count == 0) {
    if (early && !weights)
      block().fail(kTooEarly, bytes, size_t(0), "a buffer");
    return;
  }
  const Region &region = regionOf(address, bytes, "read");
  const size_t at = static_cast<const char *>(address) - region.begin;
  if (early && !region.constant)
    block().fail(kTooEarly, bytes, at, region.name);
  for (size_t i = 0; region.written && i < bytes; ++i)
    if (!region.written[at + i])
      block().fail("read of byte %zu of '%s', which nobody has written", at + i,
                   region.name);
}

inline void checkWrite(void *address, size_t bytes) {
  if (block().early())
    block().fail("write of %zu bytes before the wait for the kernel before "
                 "this one",
                 bytes);
  if (regions().count == 0)
    return;
  const Region &region = regionOf(address, bytes, "write");
  const size_t at = static_cast<const char *>(address) - region.begin;
  if (region.constant)
    block().fail("write of %zu bytes at %zu of '%s', which is constant", bytes,
                 at, region.name);
  for (size_t i = 0; region.written && i < bytes; ++i)
    region.written[at + i] = 1;
}

/// Who touched an element, and between which barriers.
struct Access {
  uint32_t epoch = 0, warpEpoch = 0;
  uint16_t thread = 0;
  bool present = false;

  static Access now() {
    const unsigned thread = block().thread();
    return {block().epoch(), block().warpEpoch(thread), uint16_t(thread), true};
  }
  /// Whether nothing orders the two.
  bool races(const Access &other) const {
    if (!present || epoch != other.epoch || thread == other.thread)
      return false;
    return thread / kLanes != other.thread / kLanes ||
           warpEpoch == other.warpEpoch;
  }
};

} // namespace sinter::emulation
