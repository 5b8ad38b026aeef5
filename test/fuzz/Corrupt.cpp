// Feeds a fuzz target truncated and altered copies of a whole file, the same
// ones every time: PROGRAM FILE ALTER_BYTES, where bits are flipped among the
// first ALTER_BYTES bytes (0: all). A sanitizer's complaint ends the program.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static constexpr int kTruncations = 200;
static constexpr int kFlips = 2000;

int main(int count, char **arguments) {
  if (count != 3) {
    std::fprintf(stderr, "usage: %s FILE ALTER_BYTES\n", arguments[0]);
    return 2;
  }
  std::ifstream in(arguments[1], std::ios::binary);
  std::vector<char> read(std::istreambuf_iterator<char>(in), {});
  if (read.empty()) {
    std::fprintf(stderr, "error: cannot read '%s'\n", arguments[1]);
    return 2;
  }
  std::vector<uint8_t> file(read.begin(), read.end());
  size_t alter = std::strtoull(arguments[2], nullptr, 10);
  if (alter == 0 || alter > file.size())
    alter = file.size();
  std::mt19937_64 random(1);
  for (int i = 0; i < kTruncations; ++i) {
    // An allocation of its own, so that a read past the end is seen.
    std::vector<uint8_t> part(file.begin(),
                              file.begin() + random() % file.size());
    LLVMFuzzerTestOneInput(part.data(), part.size());
  }
  for (int i = 0; i < kFlips; ++i) {
    size_t at = random() % alter;
    uint8_t flip = 1 << random() % 8;
    file[at] ^= flip;
    LLVMFuzzerTestOneInput(file.data(), file.size());
    file[at] ^= flip;
  }
  std::printf("%d truncations and %d flipped bits of %zu bytes\n", kTruncations,
              kFlips, file.size());
  return 0;
}
