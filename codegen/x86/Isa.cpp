/// Reads the instruction set out of `#sinter.target`.
#include "codegen/x86/Isa.h"

using namespace sinter;
using namespace sinter::x86;

namespace {
/// Feature names of `#sinter.target` and what LLVM calls them.
struct FeatureName {
  const char *ours, *llvms;
};
} // namespace

static constexpr FeatureName kFeatures[] = {
    {"avxvnni", "avxvnni"},       {"avx512vnni", "avx512vnni"},
    {"avx512bf16", "avx512bf16"}, {"avx512fp16", "avx512fp16"},
    {"avx512vbmi", "avx512vbmi"},
};

llvm::Expected<Isa> Isa::of(TargetAttr target) {
  llvm::StringRef level = target.getLevel();
  if (level != "x86-64-v3" && level != "x86-64-v4")
    return llvm::createStringError(
        "target level is '%s'; the x86 emitter knows x86-64-v3 and x86-64-v4",
        level.str().c_str());
  Isa isa;
  isa.wide = level == "x86-64-v4";
  isa.bf16Dot = isa.wide && target.hasFeature("avx512bf16");
  isa.prefetchInto = target.getPrefetchInto();
  isa.cpu = level.str();
  for (const FeatureName &feature : kFeatures)
    if (target.hasFeature(feature.ours))
      isa.features +=
          (isa.features.empty() ? "+" : ",+") + std::string(feature.llvms);
  if (isa.wide) {
    isa.dot =
        target.hasFeature("avx512vnni") ? ByteDot::Vnni512 : ByteDot::Madd512;
    isa.lookup = target.hasFeature("avx512vbmi") ? ByteLookup::Permute512
                                                 : ByteLookup::Shuffle512;
  } else {
    isa.dot =
        target.hasFeature("avxvnni") ? ByteDot::Vnni256 : ByteDot::Madd256;
    isa.lookup = ByteLookup::Shuffle256;
  }
  return isa;
}
