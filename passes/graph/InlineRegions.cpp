/// Replaces every region by its body: the program without fusions.
/// Test: test/passes/inline-regions.mlir
#include "passes/InlineRegion.h"
#include "passes/Passes.h"

using namespace mlir;

namespace sinter {
#define GEN_PASS_DEF_INLINEREGIONS
#include "passes/Passes.h.inc"

namespace {

struct InlineRegions : impl::InlineRegionsBase<InlineRegions> {
  void runOnOperation() override {
    SmallVector<RegionOp> regions;
    getOperation().walk([&](RegionOp region) { regions.push_back(region); });
    // Inner regions come first in a post-order walk, so none is met again.
    for (RegionOp region : regions)
      inlineRegion(region);
  }
};

} // namespace
} // namespace sinter
