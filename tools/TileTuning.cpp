/// Whole models are measured and not kernels alone: caches, barriers and
/// neighbours are part of what a tile is good for.
#include "tools/TileTuning.h"

#include "compiler/Compiler.h"
#include "compiler/TunedTiles.h"
#include "runtime/Artifact.h"
#include "runtime/bench/KernelCost.h"
#include "runtime/cpu/MachineProbe.h"
#include "runtime/cpu/Topology.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>

namespace sinter {

namespace fs = std::filesystem;

namespace {

constexpr uint32_t kDecodeTokens = 16;

/// A compiled model, loaded.
struct Variant {
  CompileResult compiled;
  std::unique_ptr<Artifact> artifact;
  std::unique_ptr<Session> session;
};

/// A folder that is gone in the end, whatever happens.
struct Scratch {
  explicit Scratch(std::string path) : path(std::move(path)) {}
  ~Scratch() {
    std::error_code ignored;
    if (made)
      fs::remove_all(path, ignored);
  }
  Status make() {
    std::error_code failed;
    made = fs::create_directory(path, failed);
    if (made)
      return {};
    return Status(Code::InvalidArgument,
                  fmt::format("cannot make the folder '{}': {}", path,
                              failed ? failed.message() : "it exists"));
  }

  std::string path;
  bool made = false;
};

/// The gains of a kernel in the tests that call it.
using Gains = std::map<std::string, std::vector<Gain>>;

/// A candidate that gained.
struct Finding {
  std::string tile;
  double gain = 0;
};

class Tuner {
public:
  Tuner(const TuningOptions &options, Progress &progress)
      : options(options), progress(progress), scratch(options.scratch) {}

  Result<TuningResult> run();

private:
  Result<Variant> variant(const char *file, std::vector<TileOverride> tiles);
  Result<Gains> compare(Variant &other);
  Status compareOnce(Variant &other, const BenchTest &test,
                     std::map<std::string, Pairs> &pairs);
  Status tryRound(size_t round);
  Status confirm();
  Result<MachineRates> measureMachine();
  Status writeTable();
  std::vector<BenchTest> tests() const;
  const KernelResult *kernel(const std::string &name) const;

  const TuningOptions &options;
  Progress &progress;
  Scratch scratch;
  Variant rules;
  std::map<std::string, Finding> found;
  TuningResult result;
};

Status toStatus(llvm::Error error) {
  return Status(Code::InvalidArgument, llvm::toString(std::move(error)));
}

/// One figure of several tests: gains only if it loses in none.
std::optional<double> overallGain(const std::vector<Gain> &gains) {
  Gain mean;
  for (const Gain &gain : gains) {
    if (gain.loses())
      return std::nullopt;
    mean.median += gain.median / double(gains.size());
    mean.sigma = std::max(mean.sigma, gain.sigma);
  }
  if (gains.empty() || !mean.promotes())
    return std::nullopt;
  return mean.median;
}

} // namespace

Result<Variant> Tuner::variant(const char *file,
                               std::vector<TileOverride> tiles) {
  CompileOptions compile = options.compile;
  compile.tunedTiles = false;
  compile.tiles = std::move(tiles);
  compile.report.clear();
  std::string path = scratch.path + "/" + file;
  Progress silent(ProgressStyle::Silent);
  llvm::Expected<CompileResult> compiled =
      compileModel(options.model, path, compile, silent);
  if (!compiled)
    return toStatus(compiled.takeError());
  Result<Artifact> opened = Artifact::open(path);
  if (!opened.ok())
    return opened.status();
  Variant made;
  made.compiled = std::move(*compiled);
  made.artifact = std::make_unique<Artifact>(std::move(*opened));
  uint32_t context = made.artifact->plan().contextLength;
  SessionOptions session;
  session.maxSequences = made.artifact->plan().regimes.front().maxTokens;
  uint32_t largest = made.artifact->plan().regimes.back().maxTokens;
  session.contextLength = std::min(context, std::max(largest, kDecodeTokens));
  auto created = Session::create(*made.artifact, session);
  if (!created.ok())
    return created.status();
  made.session = std::move(*created);
  return made;
}

const KernelResult *Tuner::kernel(const std::string &name) const {
  for (const KernelResult &kernel :
       rules.compiled.targets.front().report.kernels)
    if (kernel.name == name)
      return &kernel;
  return nullptr;
}

/// A few tokens of one sequence and of as many as the smallest regime takes,
/// and a largest step, which is all that a model of whole texts has.
std::vector<BenchTest> Tuner::tests() const {
  uint32_t context = rules.session->contextLength();
  uint32_t sequences = rules.artifact->plan().regimes.front().maxTokens;
  std::vector<BenchTest> tests;
  BenchTest decode;
  decode.decode = true;
  decode.tokens = std::min(kDecodeTokens, context);
  const bool decodes = !rules.artifact->plan().wholeSequences;
  if (decodes)
    tests.push_back(decode);
  decode.sequences = sequences;
  if (decodes && sequences > 1)
    tests.push_back(decode);
  BenchTest prefill;
  prefill.tokens = std::min(rules.session->chunk(), context);
  tests.push_back(prefill);
  return tests;
}

Status Tuner::compareOnce(Variant &other, const BenchTest &test,
                          std::map<std::string, Pairs> &pairs) {
  auto before = kernelCosts(*rules.session, rules.artifact->plan(), test);
  if (!before.ok())
    return before.status();
  auto after = kernelCosts(*other.session, other.artifact->plan(), test);
  if (!after.ok())
    return after.status();
  for (const auto &[name, seconds] : *before)
    if (auto same = after->find(name); same != after->end() && seconds > 0) {
      pairs[name].before.push_back(seconds);
      pairs[name].after.push_back(same->second);
    }
  return {};
}

Result<Gains> Tuner::compare(Variant &other) {
  Gains gains;
  for (const BenchTest &test : tests()) {
    std::map<std::string, Pairs> pairs;
    for (unsigned i = 0; i < options.repeat; ++i)
      if (Status status = compareOnce(other, test, pairs); !status.ok())
        return status;
    for (const auto &[name, measured] : pairs)
      gains[name].push_back(gainOf(measured));
  }
  return gains;
}

/// Gives every kernel its candidate of this number.
Status Tuner::tryRound(size_t round) {
  std::vector<TileOverride> tiles;
  for (const KernelResult &kernel :
       rules.compiled.targets.front().report.kernels)
    if (round < kernel.candidates.size())
      tiles.push_back(
          {kernel.skeleton, kernel.tokens, kernel.candidates[round]});
  Result<Variant> made = variant("candidate.sinter", std::move(tiles));
  if (!made.ok()) {
    result.notes.push_back(fmt::format("round {} is left out: {}", round + 1,
                                       made.status().message()));
    return {};
  }
  if (made->compiled.targets.front().report.tunedTiles() == 0) {
    result.notes.push_back(fmt::format("round {} changed no tile", round + 1));
    return {};
  }
  Result<Gains> gains = compare(*made);
  if (!gains.ok())
    return gains.status();
  for (const auto &[name, list] : *gains) {
    const KernelResult *measured = kernel(name);
    if (!measured || round >= measured->candidates.size())
      continue;
    Finding &best = found[name];
    if (auto gain = overallGain(list); gain && *gain > best.gain)
      best = {measured->candidates[round], *gain};
  }
  return {};
}

/// What gained alone must gain in company, too.
Status Tuner::confirm() {
  std::erase_if(found,
                [](const auto &entry) { return entry.second.gain == 0; });
  if (found.empty())
    return {};
  std::vector<TileOverride> tiles;
  for (const auto &[name, finding] : found)
    tiles.push_back(
        {kernel(name)->skeleton, kernel(name)->tokens, finding.tile});
  Result<Variant> made = variant("chosen.sinter", std::move(tiles));
  if (!made.ok())
    return made.status();
  Result<Gains> gains = compare(*made);
  if (!gains.ok())
    return gains.status();
  for (auto &[name, finding] : found) {
    auto gain = overallGain((*gains)[name]);
    finding.gain = gain ? *gain : 0;
  }
  std::erase_if(found,
                [](const auto &entry) { return entry.second.gain == 0; });
  return {};
}

Result<MachineRates> Tuner::measureMachine() {
  MachineRates rates;
  for (int threads : {1, rules.session->threads()}) {
    auto pool = ThreadPool::create(threads, oneOfEachCore(allowedProcessors()));
    if (!pool.ok())
      return pool.status();
    Result<MachineLimits> limits = probeMachine(**pool);
    if (!limits.ok())
      return limits.status();
    rates.readBytes = limits->readBytes;
    if (threads == 1 && rates.coreReadBytes == 0)
      rates.coreReadBytes = limits->readBytes;
    // The heat of all cores at once is what kernels see.
    rates.byteProducts = limits->byteProducts / threads;
    rates.bf16Products = limits->bf16Products / threads;
    rates.floatProducts = limits->floatProducts / threads;
  }
  return rates;
}

/// Replaces what an earlier table says of this model's kernels, where this run
/// found a tile or tried all of them: a short one keeps what a long one found.
Status Tuner::writeTable() {
  TunedTable table;
  if (auto old = readTunedTable(result.table)) {
    table = std::move(*old);
  } else {
    result.notes.push_back(llvm::toString(old.takeError()) +
                           "; a new table takes its place");
  }
  const std::string &target = rules.compiled.targets.front().facts;
  for (const KernelResult &kernel :
       rules.compiled.targets.front().report.kernels) {
    if (!found.count(kernel.name) && result.rounds < kernel.candidates.size())
      continue;
    std::erase_if(table.tiles, [&](const TunedTile &tile) {
      return tile.target == target && tile.tile.kernel == kernel.skeleton &&
             tile.tile.tokens == kernel.tokens;
    });
  }
  for (const auto &[name, finding] : found) {
    const KernelResult &kernel = *this->kernel(name);
    // Kernels that differ in their bodies alone share a tile.
    bool shared = std::any_of(
        table.tiles.begin(), table.tiles.end(), [&](const TunedTile &tile) {
          return tile.target == target && tile.tile.kernel == kernel.skeleton &&
                 tile.tile.tokens == kernel.tokens;
        });
    if (shared)
      continue;
    table.tiles.push_back({target,
                           {kernel.skeleton, kernel.tokens, finding.tile},
                           kernel.tile,
                           finding.gain});
    result.kept.push_back(fmt::format("{}: <{}> instead of <{}>, {:.1f} % less "
                                      "time",
                                      name, finding.tile, kernel.tile,
                                      finding.gain * 100));
  }
  Result<MachineRates> rates = measureMachine();
  if (!rates.ok())
    return rates.status();
  table.rates = *rates;
  if (llvm::Error error = writeTunedTable(result.table, table))
    return toStatus(std::move(error));
  return {};
}

Result<TuningResult> Tuner::run() {
  result.table = tunedTablePath();
  if (result.table.empty())
    return Status(Code::NotFound, "--tune keeps its table in the cache folder: "
                                  "set XDG_CACHE_HOME or HOME");
  SINTER_TRY(scratch.make());
  Result<Variant> made = variant("rules.sinter", {});
  if (!made.ok())
    return made.status();
  rules = std::move(*made);
  for (const KernelResult &kernel :
       rules.compiled.targets.front().report.kernels) {
    result.kernels += !kernel.candidates.empty();
    result.rounds = std::max(result.rounds, kernel.candidates.size());
  }
  if (options.rounds)
    result.rounds = std::min<size_t>(result.rounds, options.rounds);
  for (size_t round = 0; round < result.rounds; ++round) {
    progress.tuning(round, result.rounds + 1);
    SINTER_TRY(tryRound(round));
  }
  progress.tuning(result.rounds, result.rounds + 1);
  SINTER_TRY(confirm());
  SINTER_TRY(writeTable());
  progress.tuning(result.rounds + 1, result.rounds + 1);
  return std::move(result);
}

Result<TuningResult> tuneTiles(const TuningOptions &options,
                               Progress &progress) {
  return Tuner(options, progress).run();
}

} // namespace sinter
