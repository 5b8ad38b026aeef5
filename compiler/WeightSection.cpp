/// Packs weights straight into the mapped section.
#include "compiler/WeightSection.h"

#include "compiler/Failure.h"

#include "codegen/x86/Packer.h"
#include "compiler/ConstantData.h"
#include "compiler/SharedWeights.h"
#include "dialects/plan/Plan.h"
#include "dialects/sinter/RowRuns.h"
#include "dialects/tile/Experts.h"

#include "llvm/Support/FormatVariadic.h"

#include <cassert>
#include <cmath>
#include <cstring>

using namespace mlir;

namespace sinter {

uint64_t weightSectionBytes(ModuleOp module) {
  uint64_t bytes = 0;
  for (auto weight : module.getOps<plan::WeightOp>())
    bytes = std::max<uint64_t>(bytes, weight.getOffset() + weight.getBytes());
  return bytes;
}

namespace {

class Writer {
public:
  Writer(ModuleOp module, const GgufModel &file, std::span<std::byte> section,
         unsigned threads, llvm::function_ref<void(uint64_t)> progress)
      : file(file), section(section), threads(threads), progress(progress),
        symbols(module) {}

  llvm::Error write(plan::WeightOp weight);

private:
  WeightOp source(Attribute symbol) {
    return symbols.lookup<WeightOp>(cast<FlatSymbolRefAttr>(symbol).getValue());
  }
  std::vector<const uint8_t *> rowsOf(WeightOp weight, uint64_t rowBytes);
  llvm::Error pack(tile::PackedOp packed, std::span<std::byte> out);
  llvm::Error pack(tile::PackedExpertsOp packed, std::span<std::byte> out);
  llvm::Error run(const x86::PackJob &job, StringRef name,
                  std::span<std::byte> out);
  std::vector<float> scales(tile::PackedOp packed);
  void join(tile::VectorOp vector, std::span<std::byte> out);
  llvm::Expected<std::vector<float>> ropeFactors(RopeAttr rope,
                                                 FlatSymbolRefAttr symbol);
  llvm::Error frequencies(tile::RopeTableOp table, std::span<std::byte> out);

  const GgufModel &file;
  std::span<std::byte> section;
  unsigned threads;
  llvm::function_ref<void(uint64_t)> progress;
  SymbolTable symbols;
  uint64_t done = 0;
};

} // namespace

/// The frontend has checked every shape, and places follow from shapes.
static void copyFloats(ArrayRef<float> values, std::span<std::byte> out) {
  assert(values.size() * sizeof(float) == out.size() && "the place fits");
  std::memcpy(out.data(), values.data(), out.size());
}

/// Tells `job` what its rows are: `k` weights of this format. Their bytes in
/// the file.
static uint64_t describeRows(x86::PackJob &job, const Format &format,
                             uint64_t k) {
  job.layout = x86::PackedLayout::of(format);
  job.k = k;
  return k / format.blockWeights * format.blockBytes;
}

/// `scale` is the tensor's, which only some formats have.
static void addRow(x86::PackJob &job, const uint8_t *row, float scale) {
  job.rows.push_back(row);
  if (job.layout.format->form.tensorScale)
    job.scales.push_back(scale);
}

/// The scale of each source's tensor; 1 where there is none.
std::vector<float> Writer::scales(tile::PackedOp packed) {
  std::vector<float> values;
  for (Attribute symbol : packed.getScales()) {
    std::vector<float> scale = weightValues(file, source(symbol));
    assert(scale.size() == 1 && "the frontend takes no other scale");
    values.push_back(scale.front());
  }
  values.resize(packed.getSources().size(), 1.0f);
  return values;
}

/// Where each row of `weight` begins in the file.
std::vector<const uint8_t *> Writer::rowsOf(WeightOp weight,
                                            uint64_t rowBytes) {
  auto *begin =
      reinterpret_cast<const uint8_t *>(weightBytes(file, weight).data());
  std::vector<const uint8_t *> rows;
  for (const RowRun &run : rowRunsOf(weight))
    for (int64_t row = run.first; row < run.first + run.count; ++row)
      rows.push_back(begin + row * rowBytes);
  return rows;
}

llvm::Error Writer::pack(tile::PackedOp packed, std::span<std::byte> out) {
  std::vector<float> scale = scales(packed);
  x86::PackJob job;
  std::vector<std::vector<const uint8_t *>> tensors; // the rows of each
  for (Attribute symbol : packed.getSources()) {
    WeightOp weight = source(symbol);
    auto type = cast<RankedTensorType>(weight.getType());
    uint64_t rowBytes =
        describeRows(job, *formatOf(type.getElementType()), type.getDimSize(1));
    tensors.push_back(rowsOf(weight, rowBytes));
  }
  auto addRows = [&](size_t tensor, uint64_t begin, uint64_t end) {
    for (uint64_t row = begin; row < end; ++row)
      addRow(job, tensors[tensor][row], scale[tensor]);
  };
  if (packed.getAlternating()) {
    for (uint64_t row = 0; row < tensors.front().size(); row += x86::kRowGroup)
      for (size_t tensor = 0; tensor < tensors.size(); ++tensor)
        addRows(tensor, row, row + x86::kRowGroup);
  } else {
    for (size_t tensor = 0; tensor < tensors.size(); ++tensor)
      addRows(tensor, 0, tensors[tensor].size());
  }
  return run(job, packed.getSymName(), out);
}

llvm::Error Writer::run(const x86::PackJob &job, StringRef name,
                        std::span<std::byte> out) {
  Status status = x86::packMatrix(
      job, out, threads, [&](uint64_t bytes) { progress(done + bytes); });
  if (!status.ok())
    return failureOf(
        llvm::formatv("packing '{0}': {1}", name, status.message()));
  return llvm::Error::success();
}

namespace {

/// The rows of one source of packed experts.
struct ExpertSource {
  const uint8_t *begin; ///< of the tensor
  uint64_t rows;        ///< of an expert in the tensor
  uint64_t first;       ///< of those used
  std::vector<float> scales;
};

} // namespace

llvm::Error Writer::pack(tile::PackedExpertsOp packed,
                         std::span<std::byte> out) {
  x86::PackJob job;
  std::vector<ExpertSource> sources;
  uint64_t rowBytes = 0, experts = 0, rows = packed.getRows();
  for (auto [index, symbol] : llvm::enumerate(packed.getSources())) {
    WeightOp weight = source(symbol);
    auto type = cast<RankedTensorType>(weight.getType());
    rowBytes =
        describeRows(job, *formatOf(type.getElementType()), type.getDimSize(2));
    experts = type.getDimSize(0);
    std::vector<float> scales(experts, 1.0f);
    if (!packed.getScales().empty())
      scales = weightValues(file, source(packed.getScales()[index]));
    sources.push_back(
        {reinterpret_cast<const uint8_t *>(weightBytes(file, weight).data()),
         static_cast<uint64_t>(type.getDimSize(1)),
         static_cast<uint64_t>(packed.getFirst()[index]), std::move(scales)});
  }
  uint64_t turn = packed.getAlternating() ? x86::kRowGroup : rows;
  for (uint64_t expert = 0; expert < experts; ++expert) {
    for (uint64_t row = 0; row < rows; row += turn)
      for (const ExpertSource &from : sources)
        for (uint64_t r = row; r < std::min(row + turn, rows); ++r)
          addRow(job,
                 from.begin + (expert * from.rows + from.first + r) * rowBytes,
                 from.scales[expert]);
    // Each expert begins with a row group of its own.
    while (job.rows.size() % x86::kRowGroup)
      addRow(job, nullptr, 0.0f);
  }
  return run(job, packed.getSymName(), out);
}

void Writer::join(tile::VectorOp vector, std::span<std::byte> out) {
  std::vector<float> values;
  for (Attribute symbol : vector.getSources()) {
    std::vector<float> part = weightValues(file, source(symbol));
    values.insert(values.end(), part.begin(), part.end());
  }
  copyFloats(values, out);
}

llvm::Expected<std::vector<float>>
Writer::ropeFactors(RopeAttr rope, FlatSymbolRefAttr symbol) {
  if (!symbol)
    return std::vector<float>();
  std::vector<float> factors = weightValues(file, source(symbol));
  assert(factors.size() == rope.getWidth() / 2 && "one for each pair");
  for (float factor : factors)
    if (!std::isfinite(factor) || factor == 0)
      return failureOf(llvm::formatv(
          "tensor '{0}' has the value {1}, expected numbers other than 0",
          symbol.getValue(), factor));
  return factors;
}

/// One set of frequencies, or that of short contexts and that of long ones.
llvm::Error Writer::frequencies(tile::RopeTableOp table,
                                std::span<std::byte> out) {
  RopeAttr rope = table.getRope();
  SmallVector<FlatSymbolRefAttr> sets = {rope.getFactors()};
  if (rope.getLongFactors())
    sets.push_back(rope.getLongFactors());
  std::vector<float> all;
  for (FlatSymbolRefAttr symbol : sets) {
    auto factors = ropeFactors(rope, symbol);
    if (!factors)
      return factors.takeError();
    std::vector<float> set = ropeFrequencies(rope, *factors);
    all.insert(all.end(), set.begin(), set.end());
  }
  copyFloats(all, out);
  return llvm::Error::success();
}

llvm::Error Writer::write(plan::WeightOp weight) {
  uint64_t offset = weight.getOffset(), bytes = weight.getBytes();
  assert(offset + bytes <= section.size() && "the section holds every weight");
  std::span<std::byte> out = section.subspan(offset, bytes);
  StringRef name =
      weight->getAttrOfType<FlatSymbolRefAttr>("plan.source").getValue();
  llvm::Error error = llvm::Error::success();
  if (auto packed = symbols.lookup<tile::PackedOp>(name))
    error = pack(packed, out);
  else if (auto experts = symbols.lookup<tile::PackedExpertsOp>(name))
    error = pack(experts, out);
  else if (auto vector = symbols.lookup<tile::VectorOp>(name))
    join(vector, out);
  else if (name.consume_back(".frequencies"))
    error = frequencies(symbols.lookup<tile::RopeTableOp>(name), out);
  done += bytes;
  progress(done);
  return error;
}

llvm::Error fillWeightSection(ModuleOp module, const GgufModel &file,
                              std::span<std::byte> section, unsigned threads,
                              llvm::function_ref<void(uint64_t)> progress) {
  Writer writer(module, file, section, threads, progress);
  for (auto weight : module.getOps<plan::WeightOp>()) {
    if (weight->hasAttr(kSharedWeightAttr))
      continue;
    if (llvm::Error error = writer.write(weight))
      return error;
  }
  return llvm::Error::success();
}

} // namespace sinter
