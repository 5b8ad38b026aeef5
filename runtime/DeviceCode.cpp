/// Images go to a driver that takes no length and believes what they say of
/// themselves, so that much is judged here.
#include "runtime/DeviceCode.h"

#include <fmt/format.h>

#include <cstring>
#include <elf.h>

namespace sinter {

static constexpr uint64_t kImageAlignment = 16;
/// ELF's number for CUDA (EM_CUDA; older elf.h do not have it).
static constexpr uint16_t kCudaMachine = 190;
/// More than any GPU has: a block's threads (CUDA C++ Programming Guide) and
/// its shared memory.
static constexpr uint32_t kMaxThreads = 1024, kMaxShared = 1u << 20;

template <typename... Arguments>
static Status bad(size_t kernel, fmt::format_string<Arguments...> format,
                  Arguments &&...arguments) {
  return Status(Code::CorruptData,
                fmt::format("device code: kernel {} ", kernel) +
                    fmt::format(format, std::forward<Arguments>(arguments)...));
}

/// Whether [offset, offset + bytes) is inside `size` bytes.
static bool inside(uint64_t offset, uint64_t bytes, uint64_t size) {
  return offset <= size && bytes <= size - offset;
}

/// A 64-bit ELF image for CUDA whose tables and sections lie inside it.
static Status checkCubin(size_t kernel, std::span<const std::byte> image) {
  Elf64_Ehdr head;
  if (image.size() < sizeof(head))
    return bad(kernel,
               "has machine code of {} bytes, an ELF header alone has "
               "{}",
               image.size(), sizeof(head));
  std::memcpy(&head, image.data(), sizeof(head));
  if (std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
      head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_machine != kCudaMachine)
    return bad(kernel, "has machine code that is no 64-bit ELF image for CUDA");
  if ((head.e_shnum && (head.e_shentsize != sizeof(Elf64_Shdr) ||
                        head.e_shstrndx >= head.e_shnum)) ||
      (head.e_phnum && head.e_phentsize != sizeof(Elf64_Phdr)) ||
      !inside(head.e_shoff, uint64_t(head.e_shnum) * sizeof(Elf64_Shdr),
              image.size()) ||
      !inside(head.e_phoff, uint64_t(head.e_phnum) * sizeof(Elf64_Phdr),
              image.size()))
    return bad(kernel, "has machine code whose tables are not inside it");
  for (uint16_t i = 0; i < head.e_shnum; ++i) {
    Elf64_Shdr section;
    std::memcpy(&section, image.data() + head.e_shoff + i * sizeof(section),
                sizeof(section));
    if (section.sh_type != SHT_NOBITS && section.sh_type != SHT_NULL &&
        !inside(section.sh_offset, section.sh_size, image.size()))
      return bad(kernel, "has machine code whose section {} ends outside it",
                 i);
  }
  for (uint16_t i = 0; i < head.e_phnum; ++i) {
    Elf64_Phdr segment;
    std::memcpy(&segment, image.data() + head.e_phoff + i * sizeof(segment),
                sizeof(segment));
    if (!inside(segment.p_offset, segment.p_filesz, image.size()))
      return bad(kernel, "has machine code whose segment {} ends outside it",
                 i);
  }
  return {};
}

static Status checkNumbers(size_t index, const DeviceKernel &kernel) {
  if (kernel.threads == 0 || kernel.threads % 32 != 0 ||
      kernel.threads > kMaxThreads)
    return bad(index,
               "has blocks of {} threads, expected a multiple of 32 up "
               "to {}",
               kernel.threads, kMaxThreads);
  if (kernel.operands > kMaxOperands)
    return bad(index, "takes {} operands, expected up to {}", kernel.operands,
               kMaxOperands);
  if (kernel.dynamicShared > kMaxShared || kernel.shared > kMaxShared)
    return bad(index,
               "needs {} and {} bytes of shared memory, expected up to "
               "{}",
               kernel.shared, kernel.dynamicShared, kMaxShared);
  return {};
}

/// `end` is where the previous image ended, and then this kernel's last one.
static Status checkPlaces(size_t index, const DeviceKernel &kernel,
                          bool hasText, uint64_t size, uint64_t &end) {
  auto place = [&](const char *what, uint64_t offset, uint64_t bytes) {
    const uint64_t expected =
        (end + kImageAlignment - 1) / kImageAlignment * kImageAlignment;
    if (offset != expected || bytes == 0 || !inside(offset, bytes, size))
      return bad(index, "has {} of {} bytes at {}, expected some at {} of {}",
                 what, bytes, offset, expected, size);
    end = offset + bytes;
    return Status();
  };
  SINTER_TRY(place("machine code", kernel.code, kernel.codeBytes));
  if (hasText)
    return place("PTX", kernel.text, kernel.textBytes);
  if (kernel.text || kernel.textBytes)
    return bad(index, "has PTX of {} bytes at {}, expected none",
               kernel.textBytes, kernel.text);
  return {};
}

static Status checkLaunches(const DeviceCode &code, const Plan &plan) {
  for (size_t i = 0; i < plan.launches.size(); ++i) {
    const PlanLaunch &launch = plan.launches[i];
    const uint32_t operands = code.kernels[launch.kernel].operands;
    if (launch.operandCount != operands)
      return bad(launch.kernel, "takes {} operands, launch {} has {}", operands,
                 i, launch.operandCount);
  }
  return {};
}

Result<DeviceCode> parseDeviceCode(std::span<const std::byte> section,
                                   const Plan &plan) {
  auto corrupt = [](std::string message) {
    return Status(Code::CorruptData, "device code: " + std::move(message));
  };
  DeviceCode code;
  code.section = section;
  DeviceCodeHeader &header = code.header;
  if (section.size() < sizeof(header))
    return corrupt(fmt::format("section has {} bytes, its header alone has {}",
                               section.size(), sizeof(header)));
  std::memcpy(&header, section.data(), sizeof(header));
  if (header.exact > 1)
    return corrupt(fmt::format("exact is {}, expected 0 or 1", header.exact));
  if (header.early > 1 || header.zero)
    return corrupt(fmt::format("early is {} with {} behind it, expected 0 or 1 "
                               "with 0 behind it",
                               header.early, header.zero));
  if (header.kernels != plan.kernels.size())
    return corrupt(fmt::format("it has {} kernels, the plan {}", header.kernels,
                               plan.kernels.size()));
  const uint64_t table = uint64_t(header.kernels) * sizeof(DeviceKernel);
  if (!inside(sizeof(header), table, section.size()))
    return corrupt(fmt::format("table of {} kernels ends outside the "
                               "section's {} bytes",
                               header.kernels, section.size()));
  code.kernels.resize(header.kernels);
  if (table)
    std::memcpy(code.kernels.data(), section.data() + sizeof(header), table);
  uint64_t end = sizeof(header) + table;
  for (size_t i = 0; i < code.kernels.size(); ++i) {
    const DeviceKernel &kernel = code.kernels[i];
    SINTER_TRY(checkNumbers(i, kernel));
    SINTER_TRY(checkPlaces(i, kernel, header.textCapability != 0,
                           section.size(), end));
    SINTER_TRY(checkCubin(i, code.code(i)));
    // The driver reads PTX up to its zero.
    if (kernel.textBytes && code.text(i).back() != std::byte{0})
      return bad(i, "has PTX that does not end with a zero");
  }
  if (end != section.size())
    return corrupt(fmt::format("images end at {}, the section at {}", end,
                               section.size()));
  SINTER_TRY(checkLaunches(code, plan));
  return code;
}

DeviceFit fitOf(const DeviceCodeHeader &header, uint32_t capability) {
  const bool later = !header.exact && capability > header.capability &&
                     capability / 10 == header.capability / 10;
  if (capability == header.capability || later)
    return DeviceFit::Code;
  return header.textCapability && capability >= header.textCapability
             ? DeviceFit::Text
             : DeviceFit::None;
}

std::vector<std::byte>
serializeDeviceCode(DeviceCodeHeader header,
                    std::span<const DeviceImage> images) {
  header.kernels = static_cast<uint32_t>(images.size());
  std::vector<DeviceKernel> kernels;
  uint64_t end = sizeof(header) + images.size() * sizeof(DeviceKernel);
  auto place = [&](const std::string &image) {
    const uint64_t at =
        (end + kImageAlignment - 1) / kImageAlignment * kImageAlignment;
    end = at + image.size();
    return at;
  };
  for (const DeviceImage &image : images) {
    DeviceKernel &kernel = kernels.emplace_back(image.kernel);
    kernel.code = place(image.code);
    kernel.codeBytes = image.code.size();
    kernel.text = image.text.empty() ? 0 : place(image.text);
    kernel.textBytes = image.text.size();
  }
  std::vector<std::byte> bytes(end);
  std::memcpy(bytes.data(), &header, sizeof(header));
  if (!kernels.empty())
    std::memcpy(bytes.data() + sizeof(header), kernels.data(),
                kernels.size() * sizeof(DeviceKernel));
  for (size_t i = 0; i < images.size(); ++i) {
    std::memcpy(bytes.data() + kernels[i].code, images[i].code.data(),
                images[i].code.size());
    if (!images[i].text.empty())
      std::memcpy(bytes.data() + kernels[i].text, images[i].text.data(),
                  images[i].text.size());
  }
  return bytes;
}

} // namespace sinter
