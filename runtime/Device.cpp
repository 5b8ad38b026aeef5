/// The words of --device.
#include "runtime/Device.h"

#include <fmt/format.h>

#include <charconv>

namespace sinter {

Status parseDevice(std::string_view text, Device &device) {
  int number = 0;
  const char *end = text.data() + text.size();
  auto read = std::from_chars(text.data(), end, number);
  if (text == "auto")
    device.kind = DeviceKind::Auto;
  else if (text == "cpu")
    device.kind = DeviceKind::Processor;
  else if (text == "emulated")
    device.kind = DeviceKind::Emulated;
  else if (read.ec == std::errc() && read.ptr == end && number >= 0)
    device.kind = DeviceKind::Gpu, device.gpu = number;
  else
    return Status(Code::InvalidArgument,
                  fmt::format("'{}' is no device, expected auto, cpu, emulated "
                              "or the number of a GPU",
                              text));
  return {};
}

} // namespace sinter
