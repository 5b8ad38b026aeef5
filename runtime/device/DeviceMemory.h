/// Caches and recurrent states in a device's memory.
#ifndef SINTER_RUNTIME_DEVICE_DEVICEMEMORY_H
#define SINTER_RUNTIME_DEVICE_DEVICEMEMORY_H

#include "runtime/StateMemory.h"
#include "runtime/device/DeviceDriver.h"

#include <memory>
#include <utility>

namespace sinter {

class DeviceMemory final : public StateMemory {
public:
  explicit DeviceMemory(std::shared_ptr<DeviceDriver> driver)
      : driver_(std::move(driver)) {}

  Result<std::byte *> reserve(uint64_t bytes,
                              const std::string &what) override {
    Result<std::byte *> memory = driver_->allocate(bytes, what);
    if (memory.ok())
      SINTER_TRY(driver_->zero(*memory, bytes));
    return memory;
  }
  void zero(std::byte *at, uint64_t bytes) override {
    keep(driver_->zero(at, bytes));
  }
  void copy(std::byte *to, const std::byte *from, uint64_t bytes) override {
    keep(driver_->copy(to, from, bytes));
  }
  void read(std::byte *into, const std::byte *from,
            uint64_t bytes) const override {
    keep(driver_->copyOut(into, from, bytes));
    keep(driver_->synchronize());
  }
  void write(std::byte *to, const std::byte *from, uint64_t bytes) override {
    keep(driver_->copyIn(to, from, bytes));
    keep(driver_->synchronize());
  }

  Status problem() const override { return problem_; }

private:
  void keep(Status status) const {
    if (!status.ok() && problem_.ok())
      problem_ = std::move(status);
  }

  std::shared_ptr<DeviceDriver> driver_;
  mutable Status problem_;
};

} // namespace sinter

#endif // SINTER_RUNTIME_DEVICE_DEVICEMEMORY_H
