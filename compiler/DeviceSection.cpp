/// Brings compiled kernels into the plan's order.
#include "compiler/DeviceSection.h"

#include "compiler/Failure.h"
#include "runtime/DeviceCode.h"
#include "runtime/Plan.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FormatVariadic.h"

#include <string>

namespace sinter {

static DeviceImage imageOf(const cuda::CompiledKernel &compiled,
                           const CudaTarget &target) {
  const cuda::KernelResources &needs = compiled.needs;
  DeviceImage image;
  image.kernel.threads = needs.threads;
  image.kernel.operands = compiled.text.operands;
  image.kernel.dynamicShared = needs.dynamic;
  image.kernel.shared = needs.shared;
  image.kernel.registers = needs.registers;
  image.kernel.stack = needs.stack;
  image.kernel.spills = needs.spills;
  image.kernel.residentWarps = cuda::residentWarps(needs, target);
  image.code = compiled.code.cubin;
  if (!compiled.later.empty()) // with the zero at which a driver stops
    image.text.assign(compiled.later.c_str(), compiled.later.size() + 1);
  return image;
}

llvm::Expected<std::vector<std::byte>>
deviceSectionBytes(const cuda::CompiledModule &compiled,
                   std::span<const std::byte> section, uint64_t weightBytes) {
  Result<Plan> plan = parsePlan(section, weightBytes);
  if (!plan.ok())
    return failureOf(plan.status().message());
  const CudaTarget &target = *compiled.target;
  llvm::StringMap<const cuda::CompiledKernel *> byName;
  for (const cuda::CompiledKernel &kernel : compiled.kernels)
    byName[kernel.text.name] = &kernel;
  std::vector<DeviceImage> images;
  bool hasText = true;
  for (const PlanKernel &kernel : plan->kernels) {
    std::string name(plan->string(kernel.name));
    const cuda::CompiledKernel *found = byName.lookup(name);
    if (!found)
      return failureOf(
          llvm::formatv("the plan's kernel '{0}' was not compiled", name));
    images.push_back(imageOf(*found, target));
    hasText = hasText && !images.back().text.empty();
  }
  DeviceCodeHeader header = {};
  header.capability = cuda::capabilityOf(target);
  header.exact = cuda::isExact(target);
  header.textCapability = hasText ? header.capability : 0;
  header.early = !compiled.kernels.empty();
  for (const cuda::CompiledKernel &kernel : compiled.kernels)
    header.early = header.early && kernel.text.early;
  return serializeDeviceCode(header, images);
}

std::vector<KernelNeeds> kernelNeeds(const cuda::CompiledModule &compiled) {
  std::vector<KernelNeeds> all;
  for (const cuda::CompiledKernel &kernel : compiled.kernels) {
    const cuda::KernelResources &needs = kernel.needs;
    all.push_back({needs.name, needs.threads, needs.registers,
                   needs.shared + needs.dynamic, needs.spills, needs.stack,
                   cuda::residentWarps(needs, *compiled.target),
                   compiled.target->warpsPerSm,
                   cuda::obstacleOf(needs, *compiled.target)});
  }
  return all;
}

} // namespace sinter
