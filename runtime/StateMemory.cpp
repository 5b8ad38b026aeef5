/// Plain memory of this process.
#include "runtime/StateMemory.h"

#include "runtime/MappedMemory.h"

#include <cstring>
#include <utility>
#include <vector>

namespace sinter {

namespace {

class HostMemory final : public StateMemory {
public:
  Result<std::byte *> reserve(uint64_t bytes,
                              const std::string &what) override {
    Result<MappedMemory> memory = MappedMemory::reserve(bytes, what);
    if (!memory.ok())
      return memory.status();
    blocks_.push_back(std::move(*memory));
    return blocks_.back().data();
  }
  void zero(std::byte *at, uint64_t bytes) override {
    std::memset(at, 0, bytes);
  }
  void copy(std::byte *to, const std::byte *from, uint64_t bytes) override {
    std::memcpy(to, from, bytes);
  }
  void read(std::byte *into, const std::byte *from,
            uint64_t bytes) const override {
    std::memcpy(into, from, bytes);
  }
  void write(std::byte *to, const std::byte *from, uint64_t bytes) override {
    std::memcpy(to, from, bytes);
  }

private:
  std::vector<MappedMemory> blocks_;
};

} // namespace

std::shared_ptr<StateMemory> hostMemory() {
  return std::make_shared<HostMemory>();
}

} // namespace sinter
