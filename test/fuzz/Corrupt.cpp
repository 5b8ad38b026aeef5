// Feeds a fuzz target truncated and altered copies of whole files, the same
// ones every time: PROGRAM ALTER_BYTES FILE..., where bits are flipped among
// the first ALTER_BYTES bytes (0: all). A sanitizer's complaint ends the
// program.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Copies of one file at most, and of all together: many files share them, each
// altered in other places, so that one more family makes no test slower.
static constexpr int kTruncations = 200, kAllTruncations = 3000;
static constexpr int kFlips = 2000, kAllFlips = 30000;

/// Feeds the copies of one of `files` files, the `index`-th.
static void damage(std::vector<uint8_t> file, size_t alter, int index,
                   int files) {
  if (alter == 0 || alter > file.size())
    alter = file.size();
  const int truncations = std::min(kTruncations, kAllTruncations / files + 1);
  const int flips = std::min(kFlips, kAllFlips / files + 1);
  std::mt19937_64 random(index + 1);
  for (int i = 0; i < truncations; ++i) {
    // An allocation of its own, so that a read past the end is seen.
    std::vector<uint8_t> part(file.begin(),
                              file.begin() + random() % file.size());
    LLVMFuzzerTestOneInput(part.data(), part.size());
  }
  for (int i = 0; i < flips; ++i) {
    size_t at = random() % alter;
    uint8_t flip = 1 << random() % 8;
    file[at] ^= flip;
    LLVMFuzzerTestOneInput(file.data(), file.size());
    file[at] ^= flip;
  }
  std::printf("%d truncations and %d flipped bits of %zu bytes\n", truncations,
              flips, file.size());
}

int main(int count, char **arguments) {
  if (count < 3) {
    std::fprintf(stderr, "usage: %s ALTER_BYTES FILE...\n", arguments[0]);
    return 2;
  }
  for (int i = 2; i < count; ++i) {
    std::ifstream in(arguments[i], std::ios::binary);
    std::vector<char> read(std::istreambuf_iterator<char>(in), {});
    if (read.empty()) {
      std::fprintf(stderr, "error: cannot read '%s'\n", arguments[i]);
      return 2;
    }
    damage({read.begin(), read.end()}, std::strtoull(arguments[1], nullptr, 10),
           i - 2, count - 2);
  }
  return 0;
}
