// Looks up the generated Unicode tables and reads and writes UTF-8.
#include "runtime/tokenizer/Unicode.h"

#include <algorithm>
#include <iterator>

namespace sinter {
namespace {

constexpr uint32_t kCategoryStarts[] = {
#include "runtime/tokenizer/UnicodeCategories.inc"
};

struct LowerRun {
  uint32_t first;
  uint16_t count;
  uint16_t step;
  int32_t delta;
};
constexpr LowerRun kLowerRuns[] = {
#include "runtime/tokenizer/UnicodeLower.inc"
};

struct BaseEntry {
  uint32_t point;
  std::array<uint32_t, 3> base;
};
constexpr BaseEntry kBaseEntries[] = {
#include "runtime/tokenizer/UnicodeBase.inc"
};

/// For each 256 code points the run that holds the first of them, so that a
/// lookup searches a handful of runs instead of four thousand.
constexpr size_t kPages = 0x110000 / 256;
constexpr std::array<uint16_t, kPages + 1> makePages() {
  std::array<uint16_t, kPages + 1> pages{};
  size_t run = 0;
  for (size_t page = 0; page < kPages; ++page) {
    while (run + 1 < std::size(kCategoryStarts) &&
           (kCategoryStarts[run + 1] >> 8) <= page * 256)
      ++run;
    pages[page] = static_cast<uint16_t>(run);
  }
  pages[kPages] = std::size(kCategoryStarts) - 1;
  return pages;
}
constexpr std::array<uint16_t, kPages + 1> kCategoryPages = makePages();

constexpr bool isSpacePoint(uint32_t point) {
  return (point >= 9 && point <= 13) || point == 0x20 || point == 0x85 ||
         point == 0xA0 || point == 0x1680 ||
         (point >= 0x2000 && point <= 0x200A) || point == 0x2028 ||
         point == 0x2029 || point == 0x202F || point == 0x205F ||
         point == 0x3000;
}

constexpr CategorySet findCategory(uint32_t point) {
  if (point >= kInvalidPoint)
    return bit(Category::Cn);
  const uint32_t *first = kCategoryStarts + kCategoryPages[point >> 8];
  const uint32_t *last = kCategoryStarts + kCategoryPages[(point >> 8) + 1] + 1;
  uint32_t key = point << 8 | 0xFF;
  const uint32_t *run = std::upper_bound(first, last, key) - 1;
  CategorySet set = CategorySet(1) << (*run & 0xFF);
  return isSpacePoint(point) ? set | kSpace : set;
}

constexpr std::array<CategorySet, 128> makeAscii() {
  std::array<CategorySet, 128> sets{};
  for (uint32_t point = 0; point < sets.size(); ++point)
    sets[point] = findCategory(point);
  return sets;
}
constexpr std::array<CategorySet, 128> kAscii = makeAscii();

constexpr uint32_t kHangulFirst = 0xAC00, kHangulCount = 11172;

/// Of a sequence of several bytes, by its first.
size_t sequenceLength(unsigned lead) {
  return lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
}

} // namespace

CategorySet categoryOf(uint32_t point) {
  return point < kAscii.size() ? kAscii[point] : findCategory(point);
}

size_t partialSequence(std::string_view text) {
  if (text.empty())
    return 0;
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned lead = byte(0);
  if (lead < 0xC2 || lead > 0xF4)
    return 0;
  // The second byte rules out overlong forms, surrogates and too high points.
  unsigned lowest = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  unsigned highest = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  size_t length = sequenceLength(lead), valid = 1;
  while (valid < length && valid < text.size() &&
         byte(valid) >= (valid == 1 ? lowest : 0x80U) &&
         byte(valid) <= (valid == 1 ? highest : 0xBFU))
    ++valid;
  return valid;
}

size_t validSequence(std::string_view text) {
  if (text.empty())
    return 0;
  auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80)
    return 1;
  size_t length = sequenceLength(lead);
  return partialSequence(text) == length ? length : 0;
}

uint32_t decodePoint(std::string_view text, size_t &length) {
  length = validSequence(text);
  if (length == 0) {
    length = 1;
    return kInvalidPoint;
  }
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (length == 1)
    return byte(0);
  uint32_t point = byte(0) & (0x7F >> length);
  for (size_t i = 1; i < length; ++i)
    point = point << 6 | (byte(i) & 0x3F);
  return point;
}

void appendPoint(uint32_t point, std::string &out) {
  if (point < 0x80) {
    out += static_cast<char>(point);
    return;
  }
  int tail = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  constexpr unsigned kLead[] = {0, 0xC0, 0xE0, 0xF0};
  out += static_cast<char>(kLead[tail] | point >> (6 * tail));
  while (tail-- > 0)
    out += static_cast<char>(0x80 | (point >> (6 * tail) & 0x3F));
}

uint32_t toLower(uint32_t point) {
  const LowerRun *run = std::upper_bound(
      std::begin(kLowerRuns), std::end(kLowerRuns), point,
      [](uint32_t p, const LowerRun &r) { return p < r.first; });
  if (run == std::begin(kLowerRuns))
    return point;
  --run;
  uint32_t distance = point - run->first;
  bool inside = distance % run->step == 0 && distance / run->step < run->count;
  return inside
             ? static_cast<uint32_t>(static_cast<int32_t>(point) + run->delta)
             : point;
}

std::array<uint32_t, 3> baseLetters(uint32_t point) {
  if (point - kHangulFirst < kHangulCount) { // Unicode, section 3.12
    uint32_t index = point - kHangulFirst;
    uint32_t trailing = index % 28;
    return {0x1100 + index / 588, 0x1161 + index % 588 / 28,
            trailing ? 0x11A7 + trailing : 0};
  }
  const BaseEntry *entry = std::lower_bound(
      std::begin(kBaseEntries), std::end(kBaseEntries), point,
      [](const BaseEntry &e, uint32_t p) { return e.point < p; });
  if (entry != std::end(kBaseEntries) && entry->point == point)
    return entry->base;
  return {point, 0, 0};
}

CodePoints::CodePoints(std::string_view text) {
  point.reserve(text.size());
  kind.reserve(text.size());
  offset.reserve(text.size() + 1);
  for (size_t at = 0; at < text.size();) {
    size_t length = 0;
    uint32_t decoded = decodePoint(text.substr(at), length);
    point.push_back(decoded);
    kind.push_back(categoryOf(decoded));
    offset.push_back(at);
    at += length;
  }
  offset.push_back(text.size());
}

} // namespace sinter
