/// Tests that a whole artifact opens, and that each way of being damaged is
/// refused with its own message.
#include "runtime/Artifact.h"

#include "runtime/ArtifactBytes.h"
#include "runtime/Checksum.h"
#include "runtime/cpu/CpuFeatures.h"
#include "test/unit/TinyArtifact.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <random>

using namespace sinter;

namespace {

std::span<const std::byte> bytesOf(const std::string &text) {
  return std::as_bytes(std::span(text));
}

/// Makes header and section hashes right again after a change.
void rehash(std::string &file) {
  FileHeader header;
  std::memcpy(&header, file.data(), sizeof(header));
  size_t head =
      sizeof(header) + size_t(header.sectionCount) * sizeof(SectionEntry);
  if (head > file.size())
    return;
  for (size_t i = 0; i < header.sectionCount; ++i) {
    SectionEntry entry;
    char *at = file.data() + sizeof(header) + i * sizeof(entry);
    std::memcpy(&entry, at, sizeof(entry));
    if (entry.offset > file.size() || entry.bytes > file.size() - entry.offset)
      continue;
    entry.hash = checksum(bytesOf(file).subspan(entry.offset, entry.bytes));
    std::memcpy(at, &entry, sizeof(entry));
  }
  header.headerHash = 0;
  std::memcpy(file.data(), &header, sizeof(header));
  header.headerHash = checksum(bytesOf(file).first(head));
  std::memcpy(file.data(), &header, sizeof(header));
}

std::string tinyFile() {
  static const std::string bytes =
      tiny::readBytes(tiny::write({}, "whole.bin"));
  return bytes;
}

std::string messageOf(const std::string &file) {
  auto artifact = Artifact::parse(bytesOf(file));
  EXPECT_FALSE(artifact.ok());
  return artifact.status().message();
}

/// The message for the tiny file after a change to its bytes.
template <typename Change> std::string damaged(Change change) {
  std::string file = tinyFile();
  change(file);
  return messageOf(file);
}

template <typename T> void put(std::string &file, size_t offset, T value) {
  std::memcpy(file.data() + offset, &value, sizeof(value));
}

/// Where field `offset` of section entry `index` lies in the file.
size_t entryField(size_t index, size_t offset) {
  return sizeof(FileHeader) + index * sizeof(SectionEntry) + offset;
}

TEST(Artifact, RoundTrips) {
  auto artifact = Artifact::open(tiny::write({}, "tiny.bin"));
  ASSERT_TRUE(artifact.ok()) << artifact.status().message();
  EXPECT_EQ(artifact->manifest().modelName, "tiny");
  EXPECT_EQ(artifact->manifest().architecture, "sum");
  EXPECT_EQ(artifact->manifest().parameters, 13u);
  ASSERT_EQ(artifact->targets().size(), 1u);
  const ManifestTarget &machine = artifact->target().machine;
  EXPECT_EQ(machine.name, "x86-64");
  EXPECT_EQ(machine.required, std::vector<std::string>{"sse3"});
  EXPECT_EQ(artifact->plan().regimes.size(), 2u);
  EXPECT_EQ(artifact->plan().string(artifact->plan().kernels[3].name), "head");
  EXPECT_EQ(artifact->weights().size(), sizeof(tiny::Weights));
  EXPECT_TRUE(artifact->vocabulary().empty());
  EXPECT_TRUE(artifact->report().empty());
  for (const SectionEntry &entry : artifact->view().sections())
    EXPECT_EQ(entry.offset % kSectionAlignment, 0u);
}

TEST(Artifact, SameInputGivesTheSameBytes) {
  std::string first = tiny::readBytes(tiny::write({}, "first.bin"));
  EXPECT_EQ(first, tiny::readBytes(tiny::write({}, "second.bin")));
  EXPECT_EQ(first, tinyFile());
}

TEST(Artifact, FileErrorsNameTheFile) {
  EXPECT_EQ(Artifact::open("/nowhere/x.bin").status().message(),
            "cannot open '/nowhere/x.bin': No such file or directory");
  EXPECT_EQ(Artifact::open("/").status().message(),
            "'/' is not a regular file");
  std::string empty = tiny::folder() + "/empty.bin";
  tiny::writeBytes(empty, "");
  EXPECT_EQ(Artifact::open(empty).status().message(),
            "'" + empty + "' is empty");
  tiny::writeBytes(empty, "SINTER");
  EXPECT_EQ(Artifact::open(empty).status().message(),
            "'" + empty + "': file has 6 bytes, a header alone has 32");
}

TEST(Artifact, HeaderErrors) {
  EXPECT_EQ(damaged([](std::string &file) { file[0] = 'X'; }),
            "not a compiled model: the file does not begin with the "
            "artifact's magic");
  EXPECT_EQ(damaged([](std::string &file) {
              put(file, offsetof(FileHeader, version), kArtifactVersion + 1);
            }),
            fmt::format("artifact has version {}; this program reads {}",
                        kArtifactVersion + 1, kArtifactVersion));
  for (uint32_t count : {0u, 65u})
    EXPECT_EQ(damaged([&](std::string &file) {
                put(file, offsetof(FileHeader, sectionCount), count);
              }),
              "artifact declares " + std::to_string(count) +
                  " sections, expected 1 to 64");
  std::string size = std::to_string(tinyFile().size());
  EXPECT_EQ(damaged([](std::string &file) { file.resize(100); }),
            "file has 100 bytes, its header says " + size);
  EXPECT_EQ(damaged([](std::string &file) {
              file.resize(100);
              put(file, offsetof(FileHeader, fileBytes), uint64_t(100));
            }),
            "section table of 4 entries ends past the file's 100 bytes");
  EXPECT_EQ(damaged([](std::string &file) {
              file[offsetof(FileHeader, headerHash)] ^= 1;
            }).find("header has checksum"),
            0u);
}

TEST(Artifact, SectionErrors) {
  auto withField = [](size_t index, size_t field, auto value) {
    return damaged([&](std::string &file) {
      put(file, entryField(index, field), value);
      rehash(file);
    });
  };
  constexpr size_t kind = offsetof(SectionEntry, kind),
                   target = offsetof(SectionEntry, target),
                   offset = offsetof(SectionEntry, offset),
                   bytes = offsetof(SectionEntry, bytes);
  std::string size = std::to_string(tinyFile().size());
  EXPECT_EQ(withField(0, kind, 9u), "section of unknown kind 9");
  EXPECT_EQ(withField(0, target, 5u),
            "manifest section: it is for target 5, expected 0 to 0");
  EXPECT_EQ(withField(1, target, 12u),
            "plan section: it is for target 12, expected 0 to 11");
  EXPECT_EQ(withField(1, target, 1u),
            "artifact has no plan section for target 0");
  EXPECT_EQ(withField(0, offset, uint64_t(65537)),
            "manifest section: offset 65537 is not a multiple of 65536");
  EXPECT_EQ(withField(0, offset, uint64_t(0)),
            "manifest section: offset 0 overlaps what ends at 160");
  EXPECT_EQ(withField(1, offset, uint64_t(65536)).find("plan section: offset"),
            0u);
  EXPECT_EQ(withField(3, bytes, UINT64_MAX),
            "weights section: 18446744073709551615 bytes at offset 262144 end "
            "past the file's " +
                size + " bytes");
  EXPECT_EQ(withField(1, kind, SectionKind::Manifest),
            "artifact has two manifest sections");
  EXPECT_EQ(withField(1, kind, SectionKind::Report),
            "artifact has no plan section for target 0");
  EXPECT_EQ(withField(0, offset, uint64_t(131072)),
            "manifest section: 130912 bytes of padding before it, expected "
            "less than 65536");
  EXPECT_EQ(damaged([](std::string &file) { file[1000] = 1; }),
            "manifest section: padding before it is not zero");
  EXPECT_EQ(damaged([](std::string &file) {
              file.back() ^= 1;
            }).find("weights section: checksum is"),
            0u);
  EXPECT_EQ(damaged([](std::string &file) {
              file += '\0';
              put(file, offsetof(FileHeader, fileBytes), uint64_t(file.size()));
              rehash(file);
            }),
            "last section ends at " + size + ", the file at " +
                std::to_string(tinyFile().size() + 1));
}

TEST(Artifact, ManifestErrorsNameTheKey) {
  auto messageFor = [](const std::string &manifest) {
    tiny::Parts parts;
    parts.manifest = manifest;
    return messageOf(tiny::readBytes(tiny::write(parts, "manifest.bin")));
  };
  EXPECT_EQ(messageFor("{"), "manifest is not a JSON object");
  EXPECT_EQ(messageFor("[]"), "manifest is not a JSON object");
  EXPECT_EQ(messageFor(std::string(100000, '[')),
            "manifest is not a JSON object");
  EXPECT_EQ(messageFor("{}"),
            "manifest: key 'model' is missing or not an object");
  EXPECT_EQ(messageFor(R"({"model": {}})"),
            "manifest: key 'compiler' is missing or not a string");
  EXPECT_EQ(messageFor(R"({"model": {}, "compiler": ""})"),
            "manifest: key 'model.name' is missing or not a string");
  EXPECT_EQ(messageFor(R"({"model": {"name": ""}, "compiler": ""})"),
            "manifest: key 'model.architecture' is missing or not a string");
  std::string model = R"({"compiler": "", "model":
      {"name": "", "architecture": "")";
  EXPECT_EQ(messageFor(model + R"(, "parameters": -1}})"),
            "manifest: key 'model.parameters' is missing or not an unsigned "
            "number");
  const std::string none = "manifest: key 'targets' is missing or not an array "
                           "of objects, one at least";
  for (const char *targets :
       {"", R"(, "targets": 1)", R"(, "targets": [])", R"(, "targets": [3])"})
    EXPECT_EQ(messageFor(model + "}" + targets + "}"), none);
  std::string many = R"({"name": "", "requires": []})";
  for (uint32_t i = 0; i < kMaxTargets; ++i)
    many += R"(, {"name": "", "requires": []})";
  EXPECT_EQ(messageFor(model + R"(}, "targets": [)" + many + "]}"), none);
  EXPECT_EQ(messageFor(model + R"(}, "targets": [{}]})"),
            "manifest: key 'targets.name' is missing or not a string");
  for (const char *required :
       {"", R"(, "requires": 1)", R"(, "requires": ["fma", 2])"})
    EXPECT_EQ(
        messageFor(model + R"(}, "targets": [{"name": "")" + required + "}]}"),
        "manifest: key 'targets.requires' is missing or not an array of "
        "strings");
}

TEST(Artifact, KernelErrors) {
  auto load = [](const tiny::Parts &parts) {
    std::string path = tiny::write(parts, "kernels.bin");
    auto artifact = Artifact::open(path);
    EXPECT_TRUE(artifact.ok()) << artifact.status().message();
    Status status = artifact->loadKernels();
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(status.message().find("'" + path + "': "), 0u);
    return status.message().substr(path.size() + 4);
  };
  tiny::Parts parts;
  EXPECT_EQ(load(parts),
            "kernels section has 10 bytes, an ELF header alone has 64");
  parts.kernels.assign(64, 'x');
  EXPECT_EQ(load(parts), "kernels section is not a 64-bit ELF shared object");
  std::string header(64, '\0');
  std::memcpy(header.data(),
              "\x7f"
              "ELF\2\1\1",
              7);
  header[16] = 3;          // ET_DYN
  header[18] = char(0xb7); // AArch64
  parts.kernels = header;
  EXPECT_EQ(load(parts), "kernels are for ELF machine 183, expected 62 "
                         "(x86-64)");
  parts.kernels[18] = 62;
  EXPECT_EQ(load(parts).find("cannot load the kernels: "), 0u);
  if (tiny::kernels().empty())
    GTEST_SKIP() << "no C compiler (cc) to make kernels with";
  parts.kernels = tiny::kernels();
  parts.plan.kernels[0].name = parts.plan.intern("missing_kernel");
  EXPECT_EQ(load(parts), "kernels section does not export 'missing_kernel'");
}

TEST(Artifact, RefusesAnotherProcessor) {
  tiny::Parts parts;
  parts.manifest = R"({"compiler": "", "model":
      {"name": "", "architecture": ""},
      "targets": [{"name": "", "requires": ["sse3", "avx9000"]}]})";
  auto artifact = Artifact::open(tiny::write(parts, "other.bin"));
  ASSERT_TRUE(artifact.ok());
  Status status = artifact->loadKernels();
  EXPECT_EQ(status.code(), Code::Unsupported);
  EXPECT_NE(status.message().find(
                "compiled for a processor with features that this one lacks: "
                "avx9000 (unknown to this program); compile again with "
                "--target native"),
            std::string::npos);
}

TEST(CpuFeatures, KnowsWhatThisProcessorHas) {
  std::vector<std::string> features = cpuFeatures();
  EXPECT_TRUE(checkCpuFeatures(features).ok());
  for (const std::string &name : features)
    EXPECT_TRUE(hasCpuFeature(name) && isKnownCpuFeature(name)) << name;
  EXPECT_FALSE(hasCpuFeature("avx9000"));
#if defined(__x86_64__)
  // The compiler's own opinion, where it has one.
  EXPECT_EQ(hasCpuFeature("avx2"), bool(__builtin_cpu_supports("avx2")));
  EXPECT_EQ(hasCpuFeature("fma"), bool(__builtin_cpu_supports("fma")));
  EXPECT_EQ(hasCpuFeature("bmi2"), bool(__builtin_cpu_supports("bmi2")));
  EXPECT_EQ(hasCpuFeature("popcnt"), bool(__builtin_cpu_supports("popcnt")));
  EXPECT_EQ(hasCpuFeature("avx512f"), bool(__builtin_cpu_supports("avx512f")));
  EXPECT_EQ(hasCpuFeature("avx512vl"),
            bool(__builtin_cpu_supports("avx512vl")));
  EXPECT_EQ(hasCpuFeature("avx512vnni"),
            bool(__builtin_cpu_supports("avx512vnni")));
  EXPECT_EQ(hasCpuFeature("avx512bf16"),
            bool(__builtin_cpu_supports("avx512bf16")));
#endif
}

TEST(Artifact, TruncatedAnywhereIsRefused) {
  std::string file = tinyFile();
  std::mt19937 random(1);
  for (int i = 0; i < 200; ++i) {
    std::string cut = file.substr(0, random() % file.size());
    EXPECT_FALSE(Artifact::parse(bytesOf(cut)).ok()) << cut.size();
    put(cut = file.substr(0, std::max<size_t>(cut.size(), 32)),
        offsetof(FileHeader, fileBytes), uint64_t(cut.size()));
    rehash(cut);
    EXPECT_FALSE(Artifact::parse(bytesOf(cut)).ok()) << cut.size();
  }
}

TEST(Artifact, EveryFlippedByteIsRefused) {
  std::string file = tinyFile();
  std::mt19937 random(2);
  for (int i = 0; i < 2000; ++i) {
    size_t at = random() % file.size();
    char flip = char(1 << random() % 8);
    file[at] ^= flip;
    EXPECT_FALSE(Artifact::parse(bytesOf(file)).ok()) << at;
    file[at] ^= flip;
  }
}

/// With right checksums the content is what has to be judged; whatever is
/// accepted must still pass the checks.
TEST(Artifact, FlippedBytesUnderRightChecksumsNeverCrash) {
  std::mt19937 random(3);
  int accepted = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string file = tinyFile();
    FileHeader header;
    std::memcpy(&header, file.data(), sizeof(header));
    SectionEntry entry;
    std::memcpy(&entry, file.data() + entryField(random() % 2, 0),
                sizeof(entry));
    size_t at = random() % 4 == 0 ? 32 + random() % 128
                                  : entry.offset + random() % entry.bytes;
    file[at] = char(random());
    rehash(file);
    auto artifact = Artifact::parse(bytesOf(file));
    if (!artifact.ok())
      continue;
    ++accepted;
    EXPECT_TRUE(checkPlan(artifact->plan(), artifact->weights().size()).ok());
  }
  EXPECT_LT(accepted, 2000);
}

TEST(ArtifactBuilder, KeepsTheFileUnderAnotherNameUntilItIsWhole) {
  namespace fs = std::filesystem;
  std::string folder = tiny::folder() + "/unfinished";
  fs::create_directory(folder);
  {
    auto builder = ArtifactBuilder::create(folder + "/x.bin");
    ASSERT_TRUE(builder.ok());
    ASSERT_TRUE(builder->addSection(SectionKind::Manifest, "{}").ok());
    EXPECT_FALSE(fs::exists(folder + "/x.bin"));
    EXPECT_FALSE(fs::is_empty(folder));
  }
  EXPECT_TRUE(fs::is_empty(folder));
}

TEST(ArtifactBuilder, Errors) {
  EXPECT_EQ(ArtifactBuilder::create("/nowhere/x.bin").status().message(),
            "cannot create '/nowhere/x.bin': No such file or directory");
  std::string path = tiny::folder() + "/errors.bin";
  auto builder = ArtifactBuilder::create(path);
  ASSERT_TRUE(builder.ok());
  EXPECT_EQ(builder->finish().message(),
            "'" + path + "' would have no section");
  ASSERT_TRUE(builder->addSection(SectionKind(1), "").ok());
  EXPECT_EQ(builder->addSection(SectionKind(1), "").message(),
            "section of kind 1 is added twice");
  for (uint32_t kind = 2; kind <= kMaxSections; ++kind)
    ASSERT_TRUE(builder->addSection(SectionKind(kind), "").ok());
  EXPECT_EQ(builder->addSection(SectionKind(65), "").message(),
            "artifact has 64 sections already, the limit");
  auto huge = ArtifactBuilder::create(path);
  ASSERT_TRUE(huge.ok());
  auto section = huge->reserveSection(SectionKind::Weights, uint64_t(1) << 60);
  EXPECT_EQ(section.status().code(), Code::ResourceExhausted);
  EXPECT_EQ(section.status().message().find(
                "cannot reserve 1152921504606846976 bytes in '" + path),
            0u);
  std::filesystem::create_directory(path);
  auto blocked = ArtifactBuilder::create(path);
  ASSERT_TRUE(blocked.ok());
  ASSERT_TRUE(blocked->addSection(SectionKind(1), "").ok());
  EXPECT_EQ(blocked->finish().message(),
            "cannot rename the finished file to '" + path +
                "': Is a directory");
}

} // namespace
