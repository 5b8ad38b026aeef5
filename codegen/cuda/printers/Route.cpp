/// Prints the choice of experts.
#include "codegen/cuda/CudaPrinter.h"
#include "dialects/tile/Experts.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::tile;

/// Lanes of a warp, each of which has one group and one of the chosen.
static constexpr unsigned kLanes = 32;
/// Experts that the registers of a warp hold.
static constexpr unsigned kMaxExperts = 1024;

static llvm::Error printRoute(KernelText &kernel, RouteAttr route, KernelOp) {
  unsigned experts = route.getExperts(), groups = route.getGroups();
  if (!experts || experts > kMaxExperts || route.getTop() > kLanes ||
      groups > kLanes)
    return llvm::createStringError(
        "%u of %u experts in %u groups; a warp chooses up to %u of %u, in up "
        "to %u groups",
        route.getTop(), experts, groups, kLanes, kMaxExperts, kLanes);
  if (!groups || experts % groups || route.getUsedGroups() > groups)
    return llvm::createStringError("%u experts, %u of %u groups", experts,
                                   route.getUsedGroups(), groups);
  llvm::StringRef scoring =
      llvm::StringSwitch<llvm::StringRef>(route.getScoring())
          .Case("softmax", "Softmax")
          .Case("sigmoid", "Sigmoid")
          .Case("softmax_chosen", "SoftmaxChosen")
          .Default("");
  if (scoring.empty())
    return llvm::createStringError("scoring '%s' is unknown",
                                   route.getScoring().str().c_str());
  kernel.skeleton = "route";
  kernel.threads = "kRouteThreads";
  kernel.operands = 3 + route.getBias() + route.getExpertScale();
  ShapePrinter shape(kernel);
  shape.number("experts", experts);
  shape.number("top", route.getTop());
  shape.number("groups", groups);
  shape.number("usedGroups", route.getUsedGroups());
  shape.number("groupBest", route.getGroupBest());
  shape.choice("Scoring", "scoring", scoring);
  shape.number("stride", route.getStride());
  shape.flag("bias", route.getBias());
  shape.flag("normalise", route.getNormalise());
  shape.real("scale", route.getScale());
  shape.flag("expertScale", route.getExpertScale());
  return llvm::Error::success();
}

namespace sinter {

extern const CudaPrinter routePrinter = printerOf<RouteAttr, printRoute>();

} // namespace sinter
