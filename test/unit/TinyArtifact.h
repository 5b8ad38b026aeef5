/// Builds the smallest compiled model that uses all of the plan, with kernels
/// compiled from C by the machine's own compiler.
///
///   x[t] = embedding[token t];  cache[position] = x[t]
///   y[t] = sum of the cache up to t + cos(position / 2) + mark of the regime
///   logits[row][v] = y[row's token] + v
#ifndef SINTER_TEST_UNIT_TINYARTIFACT_H
#define SINTER_TEST_UNIT_TINYARTIFACT_H

#include "runtime/ArtifactBytes.h"
#include "runtime/DeviceCode.h"
#include "runtime/Plan.h"
#include "runtime/Vocabulary.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>
#include <vector>

namespace sinter::tiny {

inline constexpr uint32_t kVocabulary = 10;
inline constexpr uint32_t kContext = 100;
inline constexpr uint32_t kPageTokens = 16;
inline constexpr uint32_t kLargestStep = 8;
inline constexpr float kFrequency = 0.5f;

/// Weights: embedding[10], frequency, one mark per regime.
struct Weights {
  float embedding[kVocabulary];
  float frequency;
  float marks[2];
};

inline float embedding(int32_t id) { return float(id * id + 1); }

inline Weights weights(float firstMark, float secondMark) {
  Weights made = {{}, kFrequency, {firstMark, secondMark}};
  for (uint32_t i = 0; i < kVocabulary; ++i)
    made.embedding[i] = embedding(int32_t(i));
  return made;
}

inline std::string manifest() {
  return R"({"compiler": "sinter test",
    "model": {"name": "tiny", "architecture": "sum", "parameters": 13},
    "targets": [{"name": "x86-64", "requires": ["sse3"]}]})";
}

/// A GPU, and the processor's part behind it if asked for.
inline std::string gpuManifest(bool both = false) {
  std::string targets = R"({"name": "sm_90a", "requires": []})";
  if (both)
    targets += R"(, {"name": "x86-64", "requires": ["sse3"]})";
  return R"({"compiler": "sinter test",
    "model": {"name": "tiny", "architecture": "sum", "parameters": 13},
    "targets": [)" +
         targets + "]}";
}

/// The least that passes for machine code for a GPU: an ELF header.
inline std::string cubin() {
  std::string header(64, '\0');
  std::memcpy(header.data(),
              "\x7f"
              "ELF\2\1\1",
              7);
  header[18] = char(190); // CUDA
  return header;
}

/// A device code section for all kernels of a plan.
inline std::string deviceCode(const Plan &plan, uint32_t capability = 90,
                              bool exact = true, bool text = false,
                              bool early = true) {
  std::vector<DeviceImage> images(plan.kernels.size());
  for (const PlanLaunch &launch : plan.launches)
    images[launch.kernel].kernel.operands = launch.operandCount;
  for (DeviceImage &image : images) {
    image.kernel.threads = 128;
    image.kernel.registers = 32;
    image.kernel.residentWarps = 64;
    image.code = cubin();
    if (text)
      image.text = std::string("// PTX") + '\0';
  }
  DeviceCodeHeader header = {capability, exact, text ? capability : 0,
                             0,          early, 0};
  std::vector<std::byte> bytes = serializeDeviceCode(header, images);
  return std::string(reinterpret_cast<const char *>(bytes.data()),
                     bytes.size());
}

/// One regime for single tokens and one for up to kLargestStep. With
/// `recurrent` y[t] has s[t] added, s[t] = s[t - 1] / 2 + x[t].
/// As a compiler makes them for GPUs, kernels touch nothing beyond the batch;
/// with `samples` there is one that chooses tokens, if they are the likeliest.
inline Plan plan(bool recurrent = false, bool samples = false) {
  Plan plan;
  plan.vocabulary = kVocabulary;
  plan.contextLength = kContext;
  plan.pageTokens = kPageTokens;
  plan.resultWidth = kVocabulary;
  for (const char *name : {"embed", "remember", "attend", "head"})
    plan.kernels.push_back({plan.intern(name)});
  plan.states.push_back({StateKind::KvCache, StateElement::F32, 1, 1, 1,
                         plan.intern("blk.0"), 2 * kPageTokens * 4, 0, 0});
  if (recurrent) {
    plan.kernels.push_back({plan.intern("decay")});
    plan.states.push_back({StateKind::Recurrent, StateElement::F32, 1, 1, 1,
                           plan.intern("blk.0.s"), 4, 0, 0});
  }
  plan.ropeTables.push_back(
      {1, 1.0f, 0.0f, 1, offsetof(Weights, frequency), 0, 0});
  if (samples)
    plan.kernels.push_back({plan.intern(kSampleKernel)});
  const uint64_t x = 0, y = 64;
  for (uint32_t regime = 0; regime < 2; ++regime) {
    uint64_t mark = offsetof(Weights, marks) + regime * sizeof(float);
    auto first = uint32_t(plan.launches.size());
    auto launch = [&](uint32_t kernel, ItemDimension dimension, uint32_t tile,
                      std::vector<PlanOperand> operands) {
      plan.launches.push_back(
          {.kernel = kernel,
           .firstOperand = uint32_t(plan.operands.size()),
           .operandCount = uint32_t(operands.size()),
           .dimension = dimension,
           .count = 1,
           .tile = tile,
           .barrier = kernel ? LaunchBarrier::Always : LaunchBarrier::None,
           .label = plan.intern("blk.0 " + std::to_string(kernel)),
           .weightBytes = 0,
           .products = 0,
           .cacheProducts = 0,
           .workRows = 0,
           .replicated = 0,
           .stateBytes = kernel == 4 ? 8u : 0u,
           .copiedBytes = 0,
           .shares = 0,
           .parts = {},
           .weightShare = 1});
      plan.operands.insert(plan.operands.end(), operands.begin(),
                           operands.end());
    };
    launch(0, ItemDimension::Tokens, 1,
           {{OperandKind::Arena, 0, x}, {OperandKind::Weight, 0, 0}});
    launch(1, ItemDimension::Tokens, 2,
           {{OperandKind::Arena, 0, x}, {OperandKind::State, 0, 0}});
    launch(2, ItemDimension::Tokens, 1,
           {{OperandKind::Arena, 0, y},
            {OperandKind::State, 0, 0},
            {OperandKind::RopeTable, 0, 0},
            {OperandKind::Weight, 0, mark}});
    if (recurrent)
      launch(4, ItemDimension::One, 1,
             {{OperandKind::Arena, 0, y},
              {OperandKind::Arena, 0, x},
              {OperandKind::State, 1, 0}});
    launch(3, ItemDimension::Rows, 1,
           {{OperandKind::Arena, 0, y}, {OperandKind::Logits, 0, 0}});
    plan.regimes.push_back(
        {regime == 0 ? 1 : kLargestStep, first, recurrent ? 5u : 4u, 0, 128});
  }
  return plan;
}

inline const char *kernelSource() {
  return R"(
#include <stdint.h>
typedef struct {
  int32_t tokens, outputRows;
  const int32_t *tokenIds, *positions, *slots, *outputs, *blockTable;
  int64_t blockStride;
} Batch;
static float *cell(float *pool, const Batch *b, int64_t t, int position) {
  int page = b->blockTable[b->slots[t] * b->blockStride + position / 16];
  return pool + page * 32 + position % 16;
}
void embed(void *const *o, const Batch *b, int64_t begin, int64_t end) {
  for (int64_t t = begin; t < end && t < b->tokens; ++t)
    ((float *)o[0])[t] = ((const float *)o[1])[b->tokenIds[t]];
}
void remember(void *const *o, const Batch *b, int64_t begin, int64_t end) {
  for (int64_t t = begin * 2; t < end * 2 && t < b->tokens; ++t)
    *cell(o[1], b, t, b->positions[t]) = ((const float *)o[0])[t];
}
void attend(void *const *o, const Batch *b, int64_t begin, int64_t end) {
  for (int64_t t = begin; t < end && t < b->tokens; ++t) {
    float sum = ((const float *)o[2])[2 * t] + *(const float *)o[3];
    for (int p = 0; p <= b->positions[t]; ++p)
      sum += *cell(o[1], b, t, p);
    ((float *)o[0])[t] = sum;
  }
}
void decay(void *const *o, const Batch *b, int64_t begin, int64_t end) {
  float *slots = o[2];
  for (int64_t t = 0; begin < end && t < b->tokens; ++t) {
    float *s = slots + b->slots[t];
    *s = (b->positions[t] ? *s / 2 : 0) + ((const float *)o[1])[t];
    ((float *)o[0])[t] += *s;
  }
}
void head(void *const *o, const Batch *b, int64_t begin, int64_t end) {
  for (int64_t r = begin; r < end && r < b->outputRows; ++r)
    for (int v = 0; v < 10; ++v)
      ((float *)o[1])[r * 10 + v] = ((const float *)o[0])[b->outputs[r]] + v;
}
typedef struct {
  double chance;
  float temperature, topP, minP;
  int32_t topK;
} TokenChoice;
void sample(void *const *o, const Batch *b, int64_t begin, int64_t end) {
  for (int64_t r = begin; r < end && r < b->outputRows; ++r) {
    const float *row = (const float *)o[0] + r * 10;
    int best = 0;
    for (int v = 1; v < 10; ++v)
      if (row[v] > row[best])
        best = v;
    ((int32_t *)o[2])[r] =
        ((const TokenChoice *)o[1])[r].temperature == 0 ? best : -1;
  }
}
)";
}

/// A folder for the files of this process's tests, removed at its end.
inline const std::string &folder() {
  struct Folder {
    Folder() {
      path = ::testing::TempDir() + "sinter-XXXXXX";
      if (!mkdtemp(path.data()))
        path.clear();
    }
    ~Folder() { std::filesystem::remove_all(path); }
    std::string path;
  };
  static const Folder made;
  return made.path;
}

inline std::string readBytes(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

inline void writeBytes(const std::string &path, const std::string &bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// The kernels as a shared object; empty where there is no C compiler.
inline const std::string &kernels() {
  static const std::string made = [] {
    std::string source = folder() + "/kernels.c";
    std::string library = folder() + "/kernels.so";
    writeBytes(source, kernelSource());
    std::string command = "cc -shared -fPIC -O1 -ffp-contract=off -o " +
                          library + " " + source + " 2>/dev/null";
    return std::system(command.c_str()) == 0 ? readBytes(library)
                                             : std::string();
  }();
  return made;
}

/// Ten one-letter tokens; the model always finds the last one likeliest.
inline Vocabulary letters() {
  Vocabulary made = Vocabulary::withDefaults("gpt2", "gpt-2");
  for (char letter = 'a'; letter < 'a' + char(kVocabulary); ++letter)
    made.tokens.push_back(std::string_view(&letter, 1));
  return made;
}

/// What goes into a file; tests change one part of it.
struct Parts {
  std::string manifest = tiny::manifest();
  Plan plan = tiny::plan();
  std::string kernels = "not loaded";
  std::string vocabulary; ///< left out if empty
  std::string report;     ///< left out if empty
  std::string deviceCode; ///< likewise
  bool second = false;    ///< plan and kernels once more, for a second target
  float firstMark = 0;
  float secondMark = 0;
};

/// Writes an artifact and returns its path.
inline std::string write(const Parts &parts, const std::string &name) {
  std::string path = folder() + "/" + name;
  auto builder = ArtifactBuilder::create(path);
  EXPECT_TRUE(builder.ok()) << builder.status().message();
  Weights values = weights(parts.firstMark, parts.secondMark);
  auto planBytes = serializePlan(parts.plan);
  EXPECT_TRUE(builder->addSection(SectionKind::Manifest, parts.manifest).ok());
  EXPECT_TRUE(builder->addSection(SectionKind::Plan, planBytes).ok());
  EXPECT_TRUE(builder->addSection(SectionKind::Kernels, parts.kernels).ok());
  auto section = builder->reserveSection(SectionKind::Weights, sizeof(values));
  EXPECT_TRUE(section.ok()) << section.status().message();
  std::memcpy(section->data(), &values, sizeof(values));
  auto addText = [&](SectionKind kind, const std::string &text) {
    Status added = text.empty() ? Status() : builder->addSection(kind, text);
    EXPECT_TRUE(added.ok()) << added.message();
  };
  addText(SectionKind::Vocabulary, parts.vocabulary);
  addText(SectionKind::Report, parts.report);
  addText(SectionKind::DeviceCode, parts.deviceCode);
  if (parts.second) {
    EXPECT_TRUE(builder->addSection(SectionKind::Plan, planBytes, 1).ok());
    EXPECT_TRUE(
        builder->addSection(SectionKind::Kernels, parts.kernels, 1).ok());
  }
  Status finished = builder->finish();
  EXPECT_TRUE(finished.ok()) << finished.message();
  return path;
}

} // namespace sinter::tiny

#endif // SINTER_TEST_UNIT_TINYARTIFACT_H
