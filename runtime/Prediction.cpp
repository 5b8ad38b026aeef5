/// Joins the plan's figures with those of the report.
#include "runtime/Prediction.h"

#include <algorithm>

namespace sinter {

static int64_t itemsOf(const PlanLaunch &launch, StepShape shape) {
  int64_t rows = 1;
  if (launch.dimension == ItemDimension::Tokens)
    rows = int64_t(shape.sequences) * shape.tokens;
  else if (launch.dimension == ItemDimension::Rows)
    rows = shape.outputs;
  if (launch.dimension != ItemDimension::One)
    rows = (rows + launch.tile - 1) / launch.tile;
  return rows * launch.count;
}

/// Weights of the regime that a step of this shape takes.
static double regimeWeights(const Plan &plan, const PlanLaunch &launch) {
  auto index = uint32_t(&launch - plan.launches.data());
  double sum = 0;
  for (const PlanRegime &regime : plan.regimes)
    if (index >= regime.firstLaunch &&
        index < regime.firstLaunch + regime.launchCount)
      for (uint32_t i = 0; i < regime.launchCount; ++i)
        sum += double(plan.launches[regime.firstLaunch + i].weightBytes);
  return sum;
}

double predictLaunch(const CostModel &model, const Plan &plan,
                     const PlanLaunch &launch, StepShape shape) {
  Work work = launchWork(plan, launch, shape);
  LaunchLoad load;
  load.readBytes = work.weightBytes + work.cacheBytes;
  // Half of it is for everything else.
  load.cached = regimeWeights(plan, launch) <= double(model.lastCache) / 2;
  load.products = work.products;
  load.items = itemsOf(launch, shape);
  load.barrier = work.barriers > 0;
  uint64_t tokens = uint64_t(shape.sequences) * shape.tokens;
  load.replicated = launch.replicated && tokens == 1;
  auto kernel =
      model.kernels.find(plan.string(plan.kernels[launch.kernel].name));
  if (kernel != model.kernels.end()) {
    load.unit = kernel->second.unit;
    bool outputs = launch.workRows || launch.dimension == ItemDimension::Rows;
    load.rowBytes = double(kernel->second.rowBytes) *
                    double(outputs ? shape.outputs : tokens);
  }
  return launchSeconds(model.rates, load);
}

std::vector<StepPrediction> predictSteps(const CostModel &model,
                                         const Plan &plan) {
  std::vector<StepPrediction> steps;
  for (const PlanRegime *regime :
       {&plan.regimes.front(), &plan.regimes.back()}) {
    StepPrediction step;
    step.tokens = steps.empty() ? 1 : regime->maxTokens;
    StepShape shape = {.tokens = step.tokens, .outputs = 1};
    for (uint32_t i = 0; i < regime->launchCount; ++i) {
      const PlanLaunch &launch = plan.launches[regime->firstLaunch + i];
      LaunchPrediction entry;
      entry.label = plan.string(launch.label);
      entry.kernel = plan.string(plan.kernels[launch.kernel].name);
      entry.work = launchWork(plan, launch, shape);
      entry.seconds = predictLaunch(model, plan, launch, shape);
      step.work += entry.work;
      step.seconds += entry.seconds;
      step.launches.push_back(std::move(entry));
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

Result<std::vector<StepPrediction>>
predictSteps(const CostModel &model, std::span<const std::byte> section,
             uint64_t weightBytes) {
  Result<Plan> plan = parsePlan(section, weightBytes);
  if (!plan.ok())
    return plan.status();
  return predictSteps(model, *plan);
}

Json machineJson(const CostModel &model) {
  Json json = {{"source", model.rates.source},
               {"threads", model.rates.threads},
               {"last_cache", model.lastCache}};
  for (const RateKey &key : kRateKeys)
    json[key.name] = model.rates.*key.rate;
  return json;
}

static bool readKernel(const Json &kernel, CostModel &model) {
  if (!kernel.is_object() || !kernel.contains("name") ||
      !kernel["name"].is_string() || !kernel.contains("unit") ||
      !kernel.contains("row_bytes") ||
      !kernel["row_bytes"].is_number_unsigned())
    return false;
  KernelFacts facts;
  facts.rowBytes = kernel["row_bytes"].get<uint64_t>();
  for (ProductUnit unit : {ProductUnit::Bytes, ProductUnit::Bf16})
    if (kernel["unit"] == unitName(unit))
      facts.unit = unit;
  model.kernels[kernel["name"].get<std::string>()] = facts;
  return true;
}

std::optional<CostModel> costModelOf(const Json &report) {
  if (!report.is_object() || !report.contains("machine") ||
      !report["machine"].is_object() || !report.contains("kernels") ||
      !report["kernels"].is_array())
    return std::nullopt;
  const Json &machine = report["machine"];
  auto isCount = [&](const char *key) {
    return machine.contains(key) && machine[key].is_number_unsigned();
  };
  if (!isCount("threads") || !isCount("last_cache"))
    return std::nullopt;
  CostModel model;
  if (machine.contains("source") && machine["source"].is_string())
    model.rates.source = machine["source"].get<std::string>();
  model.rates.threads = machine["threads"].get<uint32_t>();
  model.lastCache = machine["last_cache"].get<uint64_t>();
  for (const RateKey &key : kRateKeys) {
    if (!machine.contains(key.name) || !machine[key.name].is_number())
      return std::nullopt;
    model.rates.*key.rate = machine[key.name].get<double>();
  }
  for (const Json &kernel : report["kernels"])
    if (!readKernel(kernel, model))
      return std::nullopt;
  return model;
}

} // namespace sinter
