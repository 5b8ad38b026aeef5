/// Writes the plan's tables in the order of the module.
#include "compiler/PlanBytes.h"

#include "codegen/cuda/SampleKernel.h"
#include "compiler/Failure.h"

#include "dialects/plan/Plan.h"
#include "dialects/tile/CachePages.h"
#include "runtime/ArtifactFormat.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FormatVariadic.h"

#include <cstring>

using namespace mlir;

namespace sinter {

/// Tables begin at multiples of the widest field.
static constexpr size_t kTableAlignment = 8;

namespace {

class PlanWriter {
public:
  explicit PlanWriter(ModuleOp module) : module(module), symbols(module) {}

  void collect();
  llvm::Expected<std::vector<std::byte>> bytes() const;

private:
  uint32_t intern(StringRef name);
  uint32_t kernel(StringRef name);
  void addState(plan::StateOp state);
  void addRope(plan::RopeTableOp rope);
  void addRegime(plan::RegimeOp regime);
  void addLaunch(plan::LaunchOp launch);
  PlanOperand operand(plan::OperandAttr operand);

  ModuleOp module;
  SymbolTable symbols;
  std::vector<PlanRegime> regimes;
  std::vector<PlanKernel> kernels;
  std::vector<PlanLaunch> launches;
  std::vector<PlanOperand> operands;
  std::vector<PlanState> states;
  std::vector<PlanRopeTable> ropes;
  std::string strings;
  llvm::StringMap<uint32_t> internedAt, kernelAt, stateAt, ropeAt;
};

} // namespace

uint32_t PlanWriter::intern(StringRef name) {
  auto [entry, isNew] = internedAt.try_emplace(name, strings.size());
  if (isNew)
    (strings += name) += '\0';
  return entry->second;
}

uint32_t PlanWriter::kernel(StringRef name) {
  auto [entry, isNew] = kernelAt.try_emplace(name, kernels.size());
  if (isNew)
    kernels.push_back({intern(name)});
  return entry->second;
}

/// What the file calls it, without the prefix that made its symbol unique.
static StringRef sourceOf(Operation *op) {
  return op->getAttrOfType<FlatSymbolRefAttr>("plan.source").getValue();
}

static StateElement elementOf(mlir::Type element) {
  if (element.isF16())
    return StateElement::F16;
  if (element.isBF16())
    return StateElement::Bf16Pairs;
  if (element.isFloat8E4M3FN())
    return StateElement::E4m3;
  return isQ8Cache(element) ? StateElement::Q8_0 : StateElement::F32;
}

void PlanWriter::addState(plan::StateOp state) {
  stateAt[state.getSymName()] = states.size();
  if (auto recurrent = dyn_cast<RecurrentType>(state.getType())) {
    states.push_back({StateKind::Recurrent, StateElement::F32,
                      recurrent.getHeads(), recurrent.getKeys(),
                      recurrent.getValues(), intern(sourceOf(state)),
                      static_cast<uint64_t>(state.getPageBytes()), 0, 0});
    return;
  }
  auto cache = cast<KvCacheType>(state.getType());
  states.push_back({StateKind::KvCache, elementOf(cache.getElement()),
                    cache.getHeads(), cache.getKeys(), cache.getValues(),
                    intern(sourceOf(state)), state.getPageBytes(),
                    cache.getWindow(),
                    /*reserved=*/0});
}

void PlanWriter::addRope(plan::RopeTableOp rope) {
  auto place = symbols.lookup<plan::WeightOp>(rope.getFrequencies());
  ropeAt[rope.getSymName()] = ropes.size();
  PlanRopeTable written = {};
  written.pairs = rope.getPairs();
  written.magnitude = rope.getMagnitude().convertToDouble();
  written.temperatureLength = 1;
  if (std::optional<ArrayRef<double>> temperature = rope.getTemperature()) {
    written.temperature = (*temperature)[0];
    written.temperatureLength = (*temperature)[1];
  }
  written.frequencies = place.getOffset();
  written.longFrom = rope.getLongFrom();
  ropes.push_back(written);
}

PlanOperand PlanWriter::operand(plan::OperandAttr operand) {
  StringRef kind = operand.getKind();
  if (kind == "arena")
    return {OperandKind::Arena, 0, operand.getOffset()};
  if (kind == "logits")
    return {OperandKind::Logits, 0, 0};
  StringRef name = operand.getSymbol().getValue();
  if (kind == "state")
    return {OperandKind::State, stateAt.lookup(name), 0};
  if (kind == "rope")
    return {OperandKind::RopeTable, ropeAt.lookup(name), 0};
  assert(kind == "weight" && "the five kinds of the plan dialect");
  return {OperandKind::Weight, 0,
          symbols.lookup<plan::WeightOp>(name).getOffset() +
              operand.getOffset()};
}

void PlanWriter::addLaunch(plan::LaunchOp launch) {
  ItemDimension dimension = launch.getItems() == "one" ? ItemDimension::One
                            : launch.getItems() == "tokens"
                                ? ItemDimension::Tokens
                                : ItemDimension::Rows;
  PlanLaunch written = {};
  written.kernel = kernel(launch.getKernel());
  written.firstOperand = operands.size();
  written.operandCount = launch.getOperands().size();
  written.dimension = dimension;
  written.count = launch.getCount();
  written.tile = launch.getTile();
  written.barrier = launch.getBarrier()           ? LaunchBarrier::Always
                    : launch.getBatchBarrier()    ? LaunchBarrier::Batch
                    : launch.getUnsharedBarrier() ? LaunchBarrier::Unshared
                                                  : LaunchBarrier::None;
  written.replicated = launch.getReplicated();
  static_assert(plan::kMaxShareParts == kMaxParts);
  if (plan::SharesAttr shares = launch.getSharesAttr()) {
    written.shares = shares.getCount();
    llvm::copy(shares.getParts(), written.parts);
  }
  written.label = intern(launch.getLabel());
  written.weightShare = 1;
  if (plan::WorkAttr work = launch.getWorkAttr()) {
    written.weightBytes = work.getWeightBytes();
    written.products = work.getProducts();
    written.cacheProducts = work.getCacheProducts();
    written.workRows = work.getOutputs();
    written.stateBytes = work.getStateBytes();
    written.copiedBytes = work.getCopiedBytes();
    if (work.getExperts())
      written.weightShare = float(work.getTop()) / float(work.getExperts());
  }
  launches.push_back(written);
  for (Attribute entry : launch.getOperands())
    operands.push_back(operand(cast<plan::OperandAttr>(entry)));
}

void PlanWriter::addRegime(plan::RegimeOp regime) {
  PlanRegime written = {};
  written.maxTokens = regime.getMaxTokens();
  written.firstLaunch = launches.size();
  written.arenaBytes = regime.getArenaBytes();
  for (auto launch : regime.getBody().getOps<plan::LaunchOp>())
    addLaunch(launch);
  written.launchCount = launches.size() - written.firstLaunch;
  regimes.push_back(written);
}

void PlanWriter::collect() {
  intern(""); // offset 0 is the empty name
  for (auto state : module.getOps<plan::StateOp>())
    addState(state);
  for (auto rope : module.getOps<plan::RopeTableOp>())
    addRope(rope);
  for (auto regime : module.getOps<plan::RegimeOp>())
    addRegime(regime);
  if (cuda::sampleKernel(module))
    kernel(kSampleKernel);
}

template <typename Table>
static PlanTable append(std::vector<std::byte> &bytes, const Table &table) {
  bytes.resize((bytes.size() + kTableAlignment - 1) / kTableAlignment *
               kTableAlignment);
  PlanTable written = {static_cast<uint32_t>(bytes.size()),
                       static_cast<uint32_t>(table.size())};
  const auto *begin = reinterpret_cast<const std::byte *>(table.data());
  bytes.insert(bytes.end(), begin,
               begin + table.size() * sizeof(typename Table::value_type));
  return written;
}

llvm::Expected<std::vector<std::byte>> PlanWriter::bytes() const {
  auto model = module->getAttrOfType<ModelAttr>("sinter.model");
  assert(model && "the frontend stamps the model's facts");
  PlanHeader header = {};
  header.vocabulary = model.getVocabulary();
  header.contextLength = model.getTrainedContext();
  header.pageTokens = kPageTokens;
  header.resultWidth = model.getVocabulary();
  if (auto result = module->getAttrOfType<ResultAttr>("sinter.result")) {
    header.resultWidth = result.getWidth();
    header.result = result.getKind() == "scores" ? ResultKind::Scores
                                                 : ResultKind::Embedding;
    header.rows =
        result.getPooled() ? ResultRows::Sequences : ResultRows::Tokens;
    header.wholeSequences = result.getWhole();
    header.positions = result.getPositions();
  }
  std::vector<std::byte> bytes(sizeof(header));
  header.regimes = append(bytes, regimes);
  header.kernels = append(bytes, kernels);
  header.launches = append(bytes, launches);
  header.operands = append(bytes, operands);
  header.states = append(bytes, states);
  header.ropeTables = append(bytes, ropes);
  header.strings = append(bytes, strings);
  if (bytes.size() > UINT32_MAX)
    return failureOf(llvm::formatv(
        "the plan has {0} bytes, expected less than 4 GiB", bytes.size()));
  std::memcpy(bytes.data(), &header, sizeof(header));
  return bytes;
}

llvm::Expected<std::vector<std::byte>> planBytes(ModuleOp module) {
  PlanWriter writer(module);
  writer.collect();
  return writer.bytes();
}

} // namespace sinter
