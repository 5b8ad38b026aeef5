/// Runs the tiny model on a device that a fake driver plays: the answers are
/// those of the processor, graphs are captured once, nothing is lost, and each
/// failure of a driver has its message.
#include "runtime/ModelInfo.h"
#include "runtime/Session.h"
#include "test/unit/FakeCuda.h"
#include "test/unit/TinyArtifact.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <dlfcn.h>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <thread>
#include <vector>

using namespace sinter;

namespace {

struct Model {
  std::unique_ptr<Artifact> artifact;
  std::unique_ptr<Session> session;
};

/// Ten tokens of the model.
std::vector<int32_t> text(size_t count) {
  std::vector<int32_t> tokens(count);
  for (size_t i = 0; i < count; ++i)
    tokens[i] = int32_t(i * 7 % tiny::kVocabulary);
  return tokens;
}

class DeviceSession : public ::testing::Test {
protected:
  void SetUp() override {
    if (tiny::kernels().empty())
      GTEST_SKIP() << "no C compiler (cc) to make kernels with";
    parts.kernels = tiny::kernels();
    parts.plan = tiny::plan(/*recurrent=*/true);
    parts.deviceCode = tiny::deviceCode(parts.plan);
    parts.manifest = tiny::gpuManifest();
    setenv("SINTER_CUDA", SINTER_FAKE_CUDA, 1);
    setenv("FAKE_CUDA_KERNELS", (tiny::folder() + "/kernels.so").c_str(), 1);
    setenv("FAKE_CUDA", "", 1);
    unsetenv("CUDA_VISIBLE_DEVICES");
  }

  static FakeCudaCounts counts() {
    void *library = dlopen(SINTER_FAKE_CUDA, RTLD_NOW);
    return reinterpret_cast<decltype(&fakeCudaCounts)>(
        dlsym(library, "fakeCudaCounts"))();
  }

  Result<std::unique_ptr<Session>> create(Model &model,
                                          SessionOptions options = {}) {
    auto artifact = Artifact::open(tiny::write(parts, "device.bin"));
    EXPECT_TRUE(artifact.ok()) << artifact.status().message();
    model.artifact = std::make_unique<Artifact>(std::move(*artifact));
    return Session::create(*model.artifact, options);
  }
  Model open(SessionOptions options = {}) {
    Model model;
    auto session = create(model, options);
    EXPECT_TRUE(session.ok()) << session.status().message();
    if (session.ok())
      model.session = std::move(*session);
    return model;
  }
  /// Why there is no session with FAKE_CUDA like this.
  std::string failure(const char *fake, SessionOptions options = {}) {
    setenv("FAKE_CUDA", fake, 1);
    Model model;
    auto session = create(model, options);
    EXPECT_FALSE(session.ok());
    return session.ok() ? "" : session.status().message();
  }
  /// The same model on the processor.
  Model openProcessor(uint32_t sequences = 2) {
    tiny::Parts other = parts;
    other.manifest = tiny::manifest();
    other.deviceCode.clear();
    Model model;
    auto artifact = Artifact::open(tiny::write(other, "processor.bin"));
    model.artifact = std::make_unique<Artifact>(std::move(*artifact));
    model.session = std::move(
        *Session::create(*model.artifact, {.maxSequences = sequences}));
    return model;
  }

  tiny::Parts parts;
};

/// Logits of all steps: a prompt, then tokens one by one.
std::vector<float> talk(Session &session, int32_t slot, size_t prompt,
                        size_t more) {
  std::vector<float> all;
  std::vector<int32_t> tokens = text(prompt + more);
  auto take = [&](std::span<const int32_t> part) {
    auto logits = session.append(slot, part);
    EXPECT_TRUE(logits.ok()) << logits.status().message();
    if (logits.ok())
      all.insert(all.end(), logits->begin(), logits->end());
  };
  take(std::span(tokens).first(prompt));
  for (size_t i = 0; i < more; ++i)
    take(std::span(tokens).subspan(prompt + i, 1));
  return all;
}

TEST_F(DeviceSession, AnswersAsTheProcessorAndCounts) {
  const FakeCudaCounts before = counts();
  const std::vector<float> expected = talk(*openProcessor().session, 0, 20, 30);
  for (bool graphs : {true, false}) {
    Model model = open({.maxSequences = 2, .device = {.graphs = graphs}});
    ASSERT_TRUE(model.session);
    EXPECT_EQ(model.session->place(), "GPU 0, Fake GPU");
    EXPECT_EQ(talk(*model.session, 0, 20, 30), expected);
    const DeviceCounters &counted = *model.session->deviceCounters();
    EXPECT_EQ(counted.steps, 33u); // 8 + 8 + 4 tokens, then 30
    EXPECT_EQ(counted.captures, graphs ? 1u : 0u);
    EXPECT_EQ(counted.replays, graphs ? 30u : 0u);
    // Steps that want no rows have no launch of the head.
    EXPECT_EQ(counted.launches, 33u * 5 - 2);
    EXPECT_EQ(counted.stepAllocations, 0u);
    EXPECT_EQ(counted.uploaded, sizeof(tiny::Weights));
    EXPECT_EQ(counted.copiedOut, 31u * tiny::kVocabulary * sizeof(float));
    const FakeCudaCounts now = counts();
    EXPECT_EQ(now.contexts, before.contexts + 1);
    EXPECT_EQ(now.graphLaunches - before.graphLaunches, 30u);
  }
  EXPECT_EQ(counts().live, before.live);
  EXPECT_EQ(counts().contexts, before.contexts);
  EXPECT_EQ(counts().modules, before.modules);
}

/// All launches but a step's first may begin early, one by one and in graphs,
/// where kernels, driver and user let them.
TEST_F(DeviceSession, KernelsBeginEarlyWhereTheyMay) {
  struct Case {
    bool kernels, asked, graphs;
    const char *driver;
    bool early;
  };
  for (const Case &with :
       {Case{true, true, true, "", true}, Case{true, true, false, "", true},
        Case{true, true, true, "version=12030", true},
        Case{true, true, true, "version=12020", false},
        Case{true, false, true, "", false},
        Case{false, true, false, "", false}}) {
    parts.deviceCode = tiny::deviceCode(parts.plan, 90, true, false,
                                        /*early=*/with.kernels);
    setenv("FAKE_CUDA", with.driver, 1);
    const FakeCudaCounts before = counts();
    Model model =
        open({.device = {.graphs = with.graphs, .early = with.asked}});
    ASSERT_TRUE(model.session);
    EXPECT_EQ(talk(*model.session, 0, 20, 5),
              talk(*openProcessor().session, 0, 20, 5));
    const DeviceCounters &counted = *model.session->deviceCounters();
    const uint64_t launches = counted.launches;
    EXPECT_EQ(launches, 8u * 5 - 2);
    EXPECT_EQ(counted.early, with.early ? launches - counted.steps : 0);
    EXPECT_EQ(counts().early - before.early, counted.early);
    EXPECT_EQ(counts().launches - before.launches, launches);
  }
  setenv("FAKE_CUDA", "fail=cuLaunchKernelEx:1", 1);
  parts.deviceCode = tiny::deviceCode(parts.plan);
  Model model = open();
  EXPECT_EQ(model.session->append(0, text(20)).status().message(),
            "the NVIDIA driver fails to launch a kernel: a planted failure "
            "(FAKE_1)");
  // What was queued before is done, and another step can begin.
  setenv("FAKE_CUDA", "", 1);
  EXPECT_TRUE(model.session->append(0, text(20)).ok());
}

/// Steps of any number of sequences: three graphs for two to eight, whose
/// blocks beyond a step's tokens touch nothing.
TEST_F(DeviceSession, GraphsServeSmallerSteps) {
  constexpr int32_t kSequences = 8;
  const std::vector<int32_t> sizes = {3, 8, 1, 5, 2, 7, 4, 6, 3, 8};
  std::vector<float> answers[3];
  FakeCudaCounts before = counts();
  uint64_t tokens = 0;
  for (size_t kind = 0; kind < 3; ++kind) {
    Model model = kind == 2 ? openProcessor(kSequences)
                            : open({.maxSequences = kSequences,
                                    .device = {.graphs = kind == 0}});
    ASSERT_TRUE(model.session);
    Session &session = *model.session;
    for (int32_t slot = 0; slot < kSequences; ++slot) {
      auto done = session.append(slot, text(size_t(slot + 2)), Outputs::None);
      ASSERT_TRUE(done.ok());
    }
    const DeviceCounters *counted = session.deviceCounters();
    const uint64_t copied = counted ? counted->copiedIn : 0;
    for (int32_t size : sizes) {
      std::vector<int32_t> slots, ids, positions;
      for (int32_t i = 0; i < size; ++i) {
        slots.push_back((i * 3 + size) % kSequences);
        ids.push_back((slots.back() * 5 + size) % int32_t(tiny::kVocabulary));
        positions.push_back(int32_t(session.length(slots.back())));
      }
      std::vector<int32_t> rows(slots.size());
      std::iota(rows.begin(), rows.end(), 0);
      auto logits = session.step({ids, positions, slots, rows});
      ASSERT_TRUE(logits.ok()) << logits.status().message();
      answers[kind].insert(answers[kind].end(), logits->begin(), logits->end());
      tokens += kind == 0 ? uint64_t(size) : 0;
    }
    if (kind == 0) {
      EXPECT_EQ(counted->captures, 4u); // of 1, 2, 4 and 8
      EXPECT_EQ(counted->replays, sizes.size());
      EXPECT_EQ(counted->stepAllocations, 0u);
      // What goes there is of the bucket's size, not of the largest step's.
      EXPECT_LT(counted->copiedIn - copied, sizes.size() * 700);
      EXPECT_EQ(counts().graphLaunches - before.graphLaunches, sizes.size());
    }
  }
  EXPECT_EQ(answers[0].size(), tokens * tiny::kVocabulary);
  EXPECT_EQ(answers[0], answers[2]);
  EXPECT_EQ(answers[1], answers[2]);
}

/// Of greedy choices only tokens come back; of others, which the tiny model's
/// kernel leaves to the host, also the row. The tokens are the processor's.
TEST_F(DeviceSession, ChoosesTokensWhereTheLogitsAre) {
  parts.plan = tiny::plan(/*recurrent=*/true, /*samples=*/true);
  parts.deviceCode = tiny::deviceCode(parts.plan);
  for (bool graphs : {true, false}) {
    Model model = open({.maxSequences = 2, .device = {.graphs = graphs}});
    Model other = openProcessor();
    ASSERT_TRUE(model.session);
    Session &device = *model.session, &host = *other.session;
    EXPECT_TRUE(device.choosesTokens());
    EXPECT_FALSE(host.choosesTokens());
    const DeviceCounters &counted = *device.deviceCounters();
    const TokenChoice greedy = {0, 0, 1, 0, 0};
    const TokenChoice drawn = {0.4, 4, 1, 0, 0};
    auto both = [&](std::span<const int32_t> tokens, TokenChoice choice) {
      auto here = device.appendAndChoose(0, tokens, choice);
      auto there = host.appendAndChoose(0, tokens, choice);
      ASSERT_TRUE(here.ok() && there.ok()) << here.status().message();
      EXPECT_EQ(*here, *there);
    };
    both(text(20), greedy);
    EXPECT_EQ(counted.copiedOut, 4u);
    for (int i = 0; i < 5; ++i)
      both(text(1), greedy);
    EXPECT_EQ(counted.copiedOut, 6 * 4u);
    EXPECT_EQ(counted.chosen, 6u);
    EXPECT_EQ(counted.leftToHost, 0u);
    both(text(1), drawn);
    EXPECT_EQ(counted.leftToHost, 1u);
    EXPECT_EQ(counted.copiedOut, 7 * 4u + tiny::kVocabulary * 4u);
    // Logits are still to be had; both kinds of step have a graph.
    auto logits = device.append(0, text(1));
    auto expected = host.append(0, text(1));
    ASSERT_TRUE(logits.ok() && expected.ok());
    EXPECT_TRUE(std::equal(logits->begin(), logits->end(), expected->begin()));
    EXPECT_EQ(counted.captures, graphs ? 2u : 0u);
    EXPECT_EQ(counted.replays, graphs ? 7u : 0u);
    EXPECT_EQ(counted.stepAllocations, 0u);
    // Two sequences, each by its own choice.
    const std::vector<int32_t> rows = {0, 1}, ids = {3, 4};
    const std::vector<int32_t> positions = {int32_t(device.length(0)), 0};
    const TokenChoice choices[] = {drawn, greedy};
    const StepInput step = {ids, positions, rows, rows};
    auto here = device.choose(step, choices),
         there = host.choose(step, choices);
    ASSERT_TRUE(here.ok() && there.ok());
    EXPECT_TRUE(std::equal(here->begin(), here->end(), there->begin()));
    EXPECT_EQ(counted.leftToHost, 2u);
    auto wrong = device.choose(step, std::span(choices).first(1));
    EXPECT_EQ(wrong.status().message(), "1 choices for 2 outputs");
  }
}

TEST_F(DeviceSession, MeasuringGivesItsMemoryBack) {
  Model model = open();
  const uint64_t live = counts().live;
  EXPECT_GT(model.session->copyRate(), 0);
  EXPECT_EQ(counts().live, live);
  setenv("FAKE_CUDA", "memory=600000000", 1); // room for one of two buffers
  EXPECT_EQ(model.session->copyRate(), 0);
  EXPECT_EQ(counts().live, live);
  setenv("FAKE_CUDA", "", 1);
}

TEST_F(DeviceSession, SequencesForkAndComeBack) {
  Model model = open({.maxSequences = 2});
  Model other = openProcessor();
  std::vector<float> answers[2];
  size_t index = 0;
  for (Session *session : {model.session.get(), other.session.get()}) {
    std::vector<float> &all = answers[index++];
    auto add = [&](std::vector<float> more) {
      all.insert(all.end(), more.begin(), more.end());
    };
    add(talk(*session, 0, 18, 3));
    ASSERT_TRUE(session->fork(0, 1).ok());
    auto saved = session->snapshot(0);
    ASSERT_TRUE(saved.ok());
    add(talk(*session, 1, 5, 2));
    add(talk(*session, 0, 9, 1));
    ASSERT_TRUE(session->truncate(1, 0).ok());
    ASSERT_TRUE(session->restore(1, *saved).ok());
    add(talk(*session, 1, 2, 2));
  }
  EXPECT_EQ(answers[0], answers[1]);
  // Both sequences in one step, which has a graph of its own.
  const uint64_t captured = model.session->deviceCounters()->captures;
  const std::vector<int32_t> rows = {0, 1};
  std::vector<int32_t> positions = {int32_t(model.session->length(0)),
                                    int32_t(model.session->length(1))};
  const StepInput both = {rows, positions, rows, rows};
  auto here = model.session->step(both), there = other.session->step(both);
  ASSERT_TRUE(here.ok() && there.ok());
  EXPECT_TRUE(std::equal(here->begin(), here->end(), there->begin()));
  EXPECT_EQ(model.session->deviceCounters()->captures, captured + 1);
}

TEST_F(DeviceSession, WeightsOfUnifiedMemoryStayWhereTheyAre) {
  setenv("FAKE_CUDA", "unified=1", 1);
  Model model = open();
  EXPECT_EQ(model.session->deviceCounters()->uploaded, 0u);
  EXPECT_EQ(talk(*model.session, 0, 3, 2),
            talk(*openProcessor().session, 0, 3, 2));
  // A driver that cannot: they are uploaded.
  setenv("FAKE_CUDA", "unified=1,fail=cuMemHostRegister_v2:801", 1);
  Model copied = open();
  EXPECT_EQ(copied.session->deviceCounters()->uploaded, sizeof(tiny::Weights));
}

TEST_F(DeviceSession, ProfilesEachLaunch) {
  Model model = open();
  model.session->startProfile();
  talk(*model.session, 0, 1, 2);
  ASSERT_EQ(model.session->profile().size(), 10u);
  EXPECT_EQ(model.session->profile()[4].steps, 3u);
  EXPECT_EQ(model.session->profile()[5].steps, 0u);
}

TEST_F(DeviceSession, LaterGpusRunPtxAndSaySo) {
  parts.deviceCode = tiny::deviceCode(parts.plan, 90, true, /*text=*/true);
  setenv("FAKE_CUDA", "capability=121", 1);
  const FakeCudaCounts before = counts();
  Model model = open();
  ASSERT_EQ(model.session->notes().size(), 1u);
  EXPECT_EQ(model.session->notes()[0],
            "GPU 0 (Fake GPU) runs PTX that was made for sm_90a, since the "
            "file has no machine code for it; --target sm_121 makes some, if "
            "compile knows it");
  EXPECT_EQ(counts().text - before.text, parts.plan.kernels.size());
  EXPECT_EQ(counts().code, before.code);
}

TEST_F(DeviceSession, SaysWhatIsMissing) {
  const std::string file = "'" + tiny::folder() + "/device.bin': ";
  EXPECT_EQ(failure("version=11040"),
            file + "the NVIDIA driver is one for CUDA 11.4, expected 12.0 or "
                   "later: update it");
  setenv("CUDA_VISIBLE_DEVICES", "7", 1);
  EXPECT_EQ(failure("gpus=0"), file + "the NVIDIA driver finds no GPU; "
                                      "CUDA_VISIBLE_DEVICES is '7'");
  unsetenv("CUDA_VISIBLE_DEVICES");
  SessionOptions second;
  second.device = {DeviceKind::Gpu, 1};
  EXPECT_EQ(failure("", second),
            file + "GPU 1 is asked for, there are 1 (counted from 0)");
  EXPECT_EQ(
      failure("capability=80"),
      file + "its kernels are for sm_90a; GPU 0 (Fake GPU) runs sm_80: "
             "compile again with --target sm_80 or, if compile does not know "
             "it, the nearest earlier one");
  EXPECT_EQ(failure("fail=cuModuleLoadData:222")
                .find(file + "kernel 'embed': the NVIDIA driver fails to load "
                             "a kernel: a planted failure (FAKE_222); the "
                             "driver is older than the compiler of these "
                             "kernels"),
            0u);
  EXPECT_EQ(failure("fail=cuInit:803")
                .find(file + "the NVIDIA driver fails to start: a planted "
                             "failure (FAKE_803); driver and kernel module "
                             "have different versions"),
            0u);
  parts.deviceCode.clear();
  EXPECT_EQ(failure(""), file + "it holds no machine code for sm_90a, only "
                                "text that an emulated device runs: --device "
                                "emulated");
}

TEST_F(DeviceSession, SaysWhoTookTheMemory) {
  const std::string message = failure("memory=900");
  EXPECT_NE(message.find("GPU 0, Fake GPU has no room for the KV cache of "
                         "context of 100 tokens for 1 sequences (a smaller "
                         "--ctx needs less)"),
            std::string::npos)
      << message;
  EXPECT_NE(message.find("; weights took 52 B"), std::string::npos) << message;
  EXPECT_EQ(counts().live, 0u);
}

TEST_F(DeviceSession, ContextIsWhatTheDeviceHasRoomFor) {
  parts.plan.contextLength = 4096;
  Model whole = open();
  EXPECT_EQ(whole.session->contextLength(), 4096u);
  EXPECT_TRUE(whole.session->notes().empty());
  const MemoryUse use = memoryUse(whole.artifact->plan(), 1024);
  const uint64_t memory =
      (use.arena + use.logits + use.cacheForContext + 4096) * 17 / 16;
  whole = {};
  setenv("FAKE_CUDA", ("memory=" + std::to_string(memory)).c_str(), 1);
  Model part = open();
  EXPECT_EQ(part.session->contextLength(), 1024u);
  ASSERT_EQ(part.session->notes().size(), 1u);
  EXPECT_EQ(part.session->notes()[0].find("context of 1024 tokens, not 4096 as "
                                          "trained: "),
            0u);
  // Who asks gets it, or is told who took the memory.
  part = {};
  setenv("FAKE_CUDA", "", 1);
  EXPECT_EQ(open({.contextLength = 2048}).session->contextLength(), 2048u);
}

TEST_F(DeviceSession, AnotherThreadMayGoOn) {
  Model model = open();
  const std::vector<float> want = talk(*openProcessor().session, 0, 3, 2);
  std::vector<float> got;
  std::thread other([&] {
    got = talk(*model.session, 0, 3, 2);
    model = {};
  });
  other.join();
  EXPECT_EQ(got, want);
  EXPECT_EQ(counts().live, 0u);
}

TEST_F(DeviceSession, SnapshotsThatCannotBeReadFail) {
  Model model = open();
  ASSERT_TRUE(model.session->append(0, text(3)).ok());
  setenv("FAKE_CUDA", "fail=cuMemcpyDtoHAsync_v2:700", 1);
  auto snapshot = model.session->snapshot(0);
  ASSERT_FALSE(snapshot.ok());
  EXPECT_EQ(snapshot.status().code(), Code::Internal);
}

TEST_F(DeviceSession, SaysThatThereIsNoDriver) {
  setenv("SINTER_CUDA", "/nowhere/libcuda.so.1", 1);
  EXPECT_NE(failure("").find("there is no NVIDIA driver here (/nowhere/"),
            std::string::npos);
  setenv("SINTER_CUDA", "libm.so.6", 1);
  EXPECT_NE(failure("").find("the NVIDIA driver has no function cuInit; one "
                             "for CUDA 12 or later has it"),
            std::string::npos);
}

TEST_F(DeviceSession, TakesTheProcessorWhereThereIsNoGpu) {
  parts.manifest = tiny::gpuManifest(/*both=*/true);
  parts.second = true;
  setenv("FAKE_CUDA", "gpus=0", 1);
  Model model = open();
  EXPECT_EQ(model.session->deviceCounters(), nullptr);
  ASSERT_EQ(model.session->notes().size(), 1u);
  EXPECT_EQ(model.session->notes()[0],
            "the processor is used: the NVIDIA driver finds no GPU");
  setenv("FAKE_CUDA", "", 1);
  EXPECT_NE(open().session->deviceCounters(), nullptr);
  SessionOptions processor;
  processor.device.kind = DeviceKind::Processor;
  EXPECT_EQ(open(processor).session->deviceCounters(), nullptr);
}

TEST_F(DeviceSession, AKernelThatFailsEndsTheStep) {
  Model model = open();
  setenv("FAKE_CUDA", "fail=cuStreamSynchronize:700", 1);
  auto logits = model.session->append(0, text(1));
  ASSERT_FALSE(logits.ok());
  EXPECT_EQ(logits.status().code(), Code::Internal);
  EXPECT_EQ(logits.status().message(),
            "the NVIDIA driver fails to finish a step: a planted failure "
            "(FAKE_700); a kernel is at fault; --device emulated names it and "
            "the place");
  // Nobody can go on from what it left.
  EXPECT_EQ(model.session->length(0), 0u);
}

TEST_F(DeviceSession, SaysWhatToDo) {
  for (auto [what, remedy] :
       {std::pair("cuInit:34", "no driver: take its folder out of"),
        std::pair("cuInit:802", "nvidia-fabricmanager"),
        std::pair("cuInit:804", "does not serve this GPU"),
        std::pair("cuModuleLoadData:200", "older than the compiler"),
        std::pair("cuModuleLoadData:218", "older than the compiler"),
        std::pair("cuModuleLoadData:209", "compile again for it")})
    EXPECT_NE(failure((std::string("fail=") + what).c_str()).find(remedy),
              std::string::npos)
        << what;
  for (int code : {715, 716, 719}) {
    unsetenv("FAKE_CUDA");
    Model model = open();
    setenv("FAKE_CUDA",
           ("fail=cuStreamSynchronize:" + std::to_string(code)).c_str(), 1);
    EXPECT_NE(model.session->append(0, text(1))
                  .status()
                  .message()
                  .find("a kernel is at fault"),
              std::string::npos)
        << code;
  }
}

TEST(Device, IsReadFromItsWord) {
  Device device;
  EXPECT_TRUE(parseDevice("cpu", device).ok());
  EXPECT_EQ(device.kind, DeviceKind::Processor);
  EXPECT_TRUE(parseDevice("emulated", device).ok());
  EXPECT_EQ(device.kind, DeviceKind::Emulated);
  EXPECT_TRUE(parseDevice("auto", device).ok());
  EXPECT_EQ(device.kind, DeviceKind::Auto);
  EXPECT_TRUE(parseDevice("3", device).ok());
  EXPECT_EQ(device.kind, DeviceKind::Gpu);
  EXPECT_EQ(device.gpu, 3);
  for (const char *wrong : {"", "gpu", "-1", "1x", "99999999999"})
    EXPECT_EQ(parseDevice(wrong, device).message(),
              std::string("'") + wrong +
                  "' is no device, expected auto, cpu, emulated or the number "
                  "of a GPU");
}

} // namespace
