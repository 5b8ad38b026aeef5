// Models in several files: parts are found beside the first, and each way in
// which they can disagree has its message.
#include "frontends/gguf/GgufModel.h"

#include "test/unit/GgufBytes.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

#include <fstream>
#include <gtest/gtest.h>

using namespace sinter;

namespace {

enum : uint32_t { U16 = 2, I32 = 5, String = 8 };

/// A part with one F32 tensor whose only number is the part's index.
GgufBytes part(uint16_t index, uint16_t count, int32_t tensors,
               std::string_view name) {
  GgufBytes file;
  file.header(1, 3).key("split.no", U16).put(index);
  file.key("split.count", U16).put(count);
  file.key("split.tensors.count", I32).put(tensors);
  file.tensor(name, {1}, 0, 0).data(0).put<float>(index);
  return file;
}

class GgufModelTest : public testing::Test {
protected:
  void SetUp() override {
    llvm::SmallString<128> made;
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("sinter-gguf", made));
    folder = made.str().str();
  }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }

  std::string path(std::string_view name) const {
    return folder + "/" + std::string(name);
  }
  void write(std::string_view name, const GgufBytes &file) {
    std::ofstream(path(name), std::ios::binary) << file.bytes;
  }
  /// The message for a model that must be refused, without the folder.
  std::string errorOf(std::string_view name) {
    auto model = GgufModel::open(path(name));
    std::string text = model ? "no error" : llvm::toString(model.takeError());
    for (size_t at; (at = text.find(folder + "/")) != std::string::npos;)
      text.erase(at, folder.size() + 1);
    return text;
  }

  std::string folder;
};

TEST_F(GgufModelTest, OpensAllPartsFromTheFirst) {
  write("m-00001-of-00003.gguf", part(0, 3, 3, "a"));
  write("m-00002-of-00003.gguf", part(1, 3, 3, "b"));
  write("m-00003-of-00003.gguf", part(2, 3, 3, "c"));
  auto model = GgufModel::open(path("m-00001-of-00003.gguf"));
  ASSERT_TRUE(bool(model)) << llvm::toString(model.takeError());
  ASSERT_EQ((*model)->files().size(), 3u);
  PlacedTensor placed = (*model)->findTensor("c");
  ASSERT_TRUE(placed.tensor);
  EXPECT_EQ(placed.file, 2u);
  auto bytes = (*model)->bytes(2, placed.tensor->offset, 4);
  float value = 0;
  std::memcpy(&value, bytes.data(), 4);
  EXPECT_EQ(value, 2.0f);
  EXPECT_FALSE((*model)->findTensor("d").tensor);
  EXPECT_EQ((*model)->find("split.count")->integer(), 3);
}

TEST_F(GgufModelTest, OpensASingleFile) {
  write("m.gguf", part(0, 1, 1, "a"));
  auto model = GgufModel::open(path("m.gguf"));
  ASSERT_TRUE(bool(model)) << llvm::toString(model.takeError());
  EXPECT_EQ((*model)->files().size(), 1u);
}

TEST_F(GgufModelTest, RefusesWhatIsNoFile) {
  EXPECT_EQ(errorOf("none.gguf"),
            "file 'none.gguf': cannot be opened: No such file or directory");
  ASSERT_FALSE(llvm::sys::fs::create_directory(path("folder")));
  EXPECT_EQ(errorOf("folder"), "file 'folder': is not a regular file");
}

TEST_F(GgufModelTest, RefusesAMissingPart) {
  write("m-00001-of-00002.gguf", part(0, 2, 2, "a"));
  EXPECT_EQ(errorOf("m-00001-of-00002.gguf"),
            "file 'm-00001-of-00002.gguf': needs all 2 parts of the model\n"
            "file 'm-00002-of-00002.gguf': cannot be opened: No such file or "
            "directory");
}

TEST_F(GgufModelTest, RefusesALaterPartAlone) {
  write("m-00002-of-00002.gguf", part(1, 2, 2, "b"));
  EXPECT_EQ(errorOf("m-00002-of-00002.gguf"),
            "file 'm-00002-of-00002.gguf': is part 2 of 2 of a model, expected "
            "part 1");
}

TEST_F(GgufModelTest, RefusesARenamedFirstPart) {
  write("m.gguf", part(0, 2, 2, "a"));
  EXPECT_EQ(errorOf("m.gguf"),
            "file 'm.gguf': is part 1 of 2, expected a name that ends in "
            "'-00001-of-00002.gguf'");
}

TEST_F(GgufModelTest, RefusesPartsThatDisagree) {
  write("m-00001-of-00002.gguf", part(0, 2, 2, "a"));
  write("m-00002-of-00002.gguf", part(1, 3, 2, "b"));
  EXPECT_EQ(errorOf("m-00001-of-00002.gguf"),
            "file 'm-00002-of-00002.gguf': says that it is part 2 of 3, "
            "expected part 2 of 2");
  write("m-00002-of-00002.gguf", part(1, 2, 2, "a"));
  EXPECT_EQ(errorOf("m-00001-of-00002.gguf"),
            "file 'm-00002-of-00002.gguf': tensor 'a' occurs in an earlier "
            "part of the model too");
  write("m-00001-of-00002.gguf", part(0, 2, 5, "a"));
  write("m-00002-of-00002.gguf", part(1, 2, 5, "b"));
  EXPECT_EQ(errorOf("m-00001-of-00002.gguf"),
            "file 'm-00001-of-00002.gguf': key 'split.tensors.count' is 5, but "
            "the parts have 2 tensors");
}

TEST_F(GgufModelTest, RefusesSplitKeysThatAreNoCounts) {
  GgufBytes file;
  write("m.gguf", file.header(0, 1).key("split.count", String).text("2"));
  EXPECT_EQ(errorOf("m.gguf"),
            "file 'm.gguf': key 'split.count' is string, expected a count");
  GgufBytes negative;
  negative.header(0, 1).key("split.count", I32).put<int32_t>(-2);
  write("m.gguf", negative);
  EXPECT_EQ(errorOf("m.gguf"),
            "file 'm.gguf': key 'split.count' is -2, expected a count");
}

} // namespace
