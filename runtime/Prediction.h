/// Predicts, launch by launch, what steps of a plan take on a machine; and the
/// JSON in which a report keeps what the prediction needs.
#ifndef SINTER_RUNTIME_PREDICTION_H
#define SINTER_RUNTIME_PREDICTION_H

#include "runtime/JsonText.h"
#include "runtime/LaunchCost.h"
#include "runtime/Status.h"
#include "runtime/bench/Work.h"

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sinter {

/// What a plan does not say of a kernel.
struct KernelFacts {
  ProductUnit unit = ProductUnit::Float32;
  uint64_t rowBytes = 0; ///< activations read and written for each row
};

/// The machine of a prediction, and its kernels by name.
struct CostModel {
  MachineRates rates;
  uint64_t lastCache = 0; ///< bytes that all cores share
  std::map<std::string, KernelFacts, std::less<>> kernels;
};

/// Seconds of one launch in such a step. Of a kernel that the model does not
/// know only the plan's own figures count.
double predictLaunch(const CostModel &model, const Plan &plan,
                     const PlanLaunch &launch, StepShape shape);

struct LaunchPrediction {
  std::string label, kernel;
  Work work;
  double seconds = 0;
};

/// One kind of step.
struct StepPrediction {
  uint32_t tokens = 1;
  Work work;
  double seconds = 0;
  std::vector<LaunchPrediction> launches; ///< in order
};

/// A step of one token, and the largest that the plan has, both at the start
/// of a context and with one row of logits.
std::vector<StepPrediction> predictSteps(const CostModel &model,
                                         const Plan &plan);

/// The same for the bytes of a plan section. Errors: those of parsePlan().
Result<std::vector<StepPrediction>>
predictSteps(const CostModel &model, std::span<const std::byte> plan,
             uint64_t weightBytes);

/// A figure of the machine, and its key in JSON.
struct RateKey {
  const char *name;
  double MachineRates::*rate;
  bool measured; ///< by `compile --tune`, too
};

inline constexpr RateKey kRateKeys[] = {
    {"read_bytes_per_second", &MachineRates::readBytes, true},
    {"core_read_bytes_per_second", &MachineRates::coreReadBytes, true},
    {"cache_bytes_per_second", &MachineRates::cacheBytes, false},
    {"int8_products_per_second", &MachineRates::byteProducts, true},
    {"bf16_products_per_second", &MachineRates::bf16Products, true},
    {"float32_products_per_second", &MachineRates::floatProducts, true}};

/// The report's key "machine".
Json machineJson(const CostModel &model);

/// The model in a report, from its keys "machine" and "kernels"; nothing where
/// they are missing or say something else.
std::optional<CostModel> costModelOf(const Json &report);

} // namespace sinter

#endif // SINTER_RUNTIME_PREDICTION_H
