/// Pair merging as its definition says, for tests to compare with: slow, and
/// with none of the runtime's data structures.
#ifndef SINTER_TEST_UNIT_SLOWMERGING_H
#define SINTER_TEST_UNIT_SLOWMERGING_H

#include "runtime/Vocabulary.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sinter {

using Parts = std::vector<std::string>;

/// Merges the leftmost pair of lowest `rank` until all pairs have INFINITY.
inline void slowMerge(Parts &parts, auto rank) {
  while (true) {
    size_t best = 0;
    double lowest = INFINITY;
    for (size_t i = 0; i + 1 < parts.size(); ++i)
      if (double found = rank(parts[i], parts[i + 1]); found < lowest) {
        best = i;
        lowest = found;
      }
    if (lowest == INFINITY)
      return;
    parts[best] += parts[best + 1];
    parts.erase(parts.begin() + static_cast<ptrdiff_t>(best) + 1);
  }
}

inline std::vector<int32_t> slowEncode(const std::string &word,
                                       const Vocabulary &vocabulary) {
  std::map<std::string, int32_t> ranks, ids;
  for (size_t i = 0; i < vocabulary.merges.size(); ++i)
    ranks.emplace(vocabulary.merges[i], i);
  for (size_t i = 0; i < vocabulary.tokens.size(); ++i)
    ids.emplace(vocabulary.tokens[i], i);
  Parts parts;
  for (char c : word)
    parts.emplace_back(1, c);
  slowMerge(parts, [&](const std::string &left, const std::string &right) {
    if (vocabulary.model == "gpt2") {
      auto found = ranks.find(left + " " + right);
      return found == ranks.end() ? INFINITY : found->second;
    }
    auto found = ids.find(left + right);
    return found == ids.end() ? INFINITY : -vocabulary.scores[found->second];
  });
  std::vector<int32_t> out;
  for (const std::string &part : parts)
    out.push_back(ids[part]);
  return out;
}

} // namespace sinter

#endif // SINTER_TEST_UNIT_SLOWMERGING_H
