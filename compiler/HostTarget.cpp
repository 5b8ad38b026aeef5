/// Asks the processor and sysfs.
#include "compiler/HostTarget.h"

#include "codegen/cuda/CudaTarget.h"
#include "compiler/Failure.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/TargetParser/Host.h"

#include <algorithm>
#include <set>

using llvm::StringRef;

namespace sinter {

/// What the levels of the x86-64 psABI add to its baseline, as far as our
/// kernels use it.
static constexpr const char *kLevel3[] = {"avx",  "avx2", "bmi",   "bmi2",
                                          "f16c", "fma",  "lzcnt", "movbe"};
static constexpr const char *kLevel4[] = {"avx512f", "avx512bw", "avx512cd",
                                          "avx512dq", "avx512vl"};
/// Features above a level that emitters know; the last need 512-bit registers.
static constexpr const char *kExtras3[] = {"avxvnni"};
static constexpr const char *kExtras4[] = {"avx512vnni", "avx512vbmi"};

/// DRAM answers after about 100 ns, in which a core streams some 2 KiB; twice
/// that hides it.
static constexpr unsigned kPrefetch = 4096;
static constexpr unsigned kPrefetchInto = 2;

/// A number such as "48K" from one line of sysfs; 0 if there is none.
static uint64_t readBytes(const llvm::Twine &path) {
  auto file = llvm::MemoryBuffer::getFileAsStream(path);
  if (!file)
    return 0;
  StringRef text = (*file)->getBuffer().trim();
  uint64_t unit = text.consume_back("K")   ? 1024
                  : text.consume_back("M") ? 1024 * 1024
                                           : 1;
  uint64_t number = 0;
  return text.getAsInteger(10, number) ? 0 : number * unit;
}

/// Bytes of the first processor's data or unified cache of a level.
static uint64_t cacheBytes(unsigned level, uint64_t otherwise) {
  for (unsigned index = 0; index < 8; ++index) {
    std::string folder =
        llvm::formatv("/sys/devices/system/cpu/cpu0/cache/index{0}/", index);
    if (readBytes(folder + "level") != level)
      continue;
    auto type = llvm::MemoryBuffer::getFileAsStream(folder + "type");
    if (type && (*type)->getBuffer().trim() == "Instruction")
      continue;
    if (uint64_t bytes = readBytes(folder + "size"))
      return bytes;
  }
  return otherwise;
}

/// The text of one line of sysfs; empty if there is none.
static std::string readLine(const llvm::Twine &path) {
  auto file = llvm::MemoryBuffer::getFileAsStream(path);
  return file ? (*file)->getBuffer().trim().str() : std::string();
}

/// Physical cores of the whole machine: how many of them this process may use
/// must not change what it compiles.
static int machineCores() {
  std::set<std::pair<std::string, std::string>> cores;
  for (unsigned cpu = 0;; ++cpu) {
    std::string folder = llvm::formatv("/sys/devices/system/cpu/cpu{0}", cpu);
    if (!llvm::sys::fs::exists(folder))
      return std::max<int>(1, cores.size());
    // A processor that is switched off has no topology.
    std::string core = readLine(folder + "/topology/core_id");
    if (!core.empty())
      cores.emplace(readLine(folder + "/topology/physical_package_id"), core);
  }
}

/// Facts of a machine of which nothing else is known: sizes that no server or
/// desktop processor since 2015 falls short of by much.
static TargetAttr genericTarget(StringRef level, mlir::MLIRContext &context) {
  bool v4 = level == "x86-64-v4";
  return TargetAttr::get(&context, level, "", 8, 32 << 10,
                         v4 ? 1 << 20 : 256 << 10, 16 << 20, kPrefetch,
                         kPrefetchInto, /*rates=*/{});
}

namespace {
/// How software prefetches of a stream of weights should run.
struct Prefetch {
  unsigned distance, into;
};
} // namespace

/// Zen 4's own prefetchers lose up to a sixth of their speed to software
/// prefetches in the same stream. Rapids gain as much, and Zen 5, whose cores
/// stream 45 GB/s, up to 70 % (docs/performance.md).
static Prefetch prefetchOf(StringRef cpu) {
  if (cpu == "znver5")
    return {8192, 1};
  if (cpu.starts_with("znver"))
    return {0, kPrefetchInto};
  return {kPrefetch, kPrefetchInto};
}

/// vdpbf16ps multiplies twice as fast as float32 on Zen 4 and 5, but at half
/// its speed on Sapphire and Emerald Rapids (docs/performance.md).
static bool hasFastBf16(StringRef cpu) { return cpu.starts_with("znver"); }

llvm::Expected<TargetAttr> nativeTarget(const llvm::StringMap<bool> &features,
                                        StringRef cpu,
                                        mlir::MLIRContext &context) {
  context.loadDialect<SinterDialect>();
  auto has = [&](const char *name) { return features.lookup(name); };
  if (!std::all_of(std::begin(kLevel3), std::end(kLevel3), has))
    return failureOf(
        "this machine is below x86-64-v3 (AVX2, FMA, F16C); name a --target "
        "to compile for another one");
  bool v4 = std::all_of(std::begin(kLevel4), std::end(kLevel4), has);
  std::vector<std::string> extras;
  for (const char *name : kExtras3)
    if (has(name))
      extras.push_back(name);
  for (const char *name : kExtras4)
    if (v4 && has(name))
      extras.push_back(name);
  if (v4 && has("avx512bf16") && hasFastBf16(cpu))
    extras.push_back("avx512bf16");
  Prefetch prefetch = prefetchOf(cpu);
  return TargetAttr::get(
      &context, v4 ? "x86-64-v4" : "x86-64-v3", llvm::join(extras, ","),
      machineCores(), cacheBytes(1, 32 << 10), cacheBytes(2, 256 << 10),
      cacheBytes(3, 4 << 20), prefetch.distance, prefetch.into, /*rates=*/{});
}

/// Facts of a GPU, in the words that passes know: its multiprocessors are
/// cores, and what is shared in a block is their first cache. A multiprocessor
/// has as much of the second as its share; weights are streamed by so many
/// threads that none needs to prefetch.
static TargetAttr gpuTarget(const CudaTarget &gpu, mlir::MLIRContext &context) {
  mlir::Builder b(&context);
  mlir::NamedAttrList rates;
  auto add = [&](const char *name, double rate) {
    if (rate > 0)
      rates.append(name, b.getF64FloatAttr(rate));
  };
  add("bandwidth", gpu.bandwidth);
  add("clock", gpu.clock);
  add("f32", gpu.peaks.f32);
  add("f16", gpu.peaks.f16);
  add("bf16", gpu.peaks.bf16);
  add("int8", gpu.peaks.int8);
  add("fp8", gpu.peaks.fp8);
  add("fp4", gpu.peaks.fp4);
  return TargetAttr::get(&context, gpu.name, gpu.features, gpu.multiprocessors,
                         gpu.sharedPerSm, gpu.l2 / gpu.multiprocessors, gpu.l2,
                         /*prefetch=*/0, kPrefetchInto,
                         rates.getDictionary(&context));
}

static std::string gpuNames() {
  std::vector<std::string> names;
  for (const CudaTarget *gpu : cudaTargets())
    names.emplace_back(gpu->name);
  // The list is by file; users count.
  std::stable_sort(names.begin(), names.end(),
                   [](const std::string &a, const std::string &b) {
                     return a.size() < b.size();
                   });
  return llvm::join(names, ", ");
}

bool isGpu(TargetAttr target) { return target.getLevel().starts_with("sm_"); }

llvm::Expected<TargetAttr> targetNamed(StringRef name,
                                       mlir::MLIRContext &context) {
  if (name == "native")
    return nativeTarget(llvm::sys::getHostCPUFeatures(),
                        llvm::sys::getHostCPUName(), context);
  context.loadDialect<SinterDialect>();
  if (name == "x86-64-v3" || name == "x86-64-v4")
    return genericTarget(name, context);
  if (const CudaTarget *gpu = findCudaTarget(std::string_view(name)))
    return gpuTarget(*gpu, context);
  return failureOf(
      llvm::formatv("target '{0}' is unknown; expected native, x86-64-v3, "
                    "x86-64-v4 or one of the GPUs {1}",
                    name, gpuNames()));
}

std::vector<std::string> requiredFeatures(TargetAttr target) {
  if (isGpu(target))
    return {};
  std::vector<std::string> names(std::begin(kLevel3), std::end(kLevel3));
  if (target.getLevel() == "x86-64-v4")
    names.insert(names.end(), std::begin(kLevel4), std::end(kLevel4));
  llvm::SmallVector<StringRef> extras;
  target.getFeatures().split(extras, ',', -1, /*KeepEmpty=*/false);
  for (StringRef extra : extras)
    names.push_back(extra.str());
  return names;
}

} // namespace sinter
