/// Packs texts into steps. Slots are empty again after each step.
#include "runtime/Embedding.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace sinter {

namespace {

/// The texts of one step, token by token.
struct Packed {
  std::vector<int32_t> tokens, positions, slots, outputs;

  void clear() {
    for (auto *list : {&tokens, &positions, &slots, &outputs})
      list->clear();
  }
  void add(std::span<const int32_t> text, int32_t slot, ResultRows rows) {
    for (size_t i = 0; i < text.size(); ++i) {
      if (rows == ResultRows::Tokens || i + 1 == text.size())
        outputs.push_back(static_cast<int32_t>(tokens.size()));
      tokens.push_back(text[i]);
      positions.push_back(static_cast<int32_t>(i));
      slots.push_back(slot);
    }
  }
};

} // namespace

/// One step with texts [first, first + count); empties their slots.
static Status runPacked(Session &session, const Packed &packed,
                        std::span<const std::vector<int32_t>> texts,
                        size_t first, size_t count, const RowsVisitor &visit) {
  auto rows = session.step(
      {packed.tokens, packed.positions, packed.slots, packed.outputs});
  if (!rows.ok())
    return rows.status();
  size_t at = 0;
  for (size_t i = 0; i < count; ++i) {
    size_t own = session.resultRows() == ResultRows::Tokens
                     ? texts[first + i].size()
                     : 1;
    size_t numbers = own * session.resultWidth();
    SINTER_TRY(visit(first + i, rows->subspan(at, numbers)));
    at += numbers;
    SINTER_TRY(session.truncate(static_cast<int32_t>(i), 0));
  }
  return {};
}

/// A text that is longer than a step, where the model reads one bit by bit.
static Status runLong(Session &session, std::span<const int32_t> text,
                      size_t index, const RowsVisitor &visit) {
  if (session.resultRows() == ResultRows::Tokens)
    return Status(Code::OutOfRange,
                  fmt::format("text {} has {} tokens, expected up to {} where "
                              "each token has a row",
                              index + 1, text.size(), session.chunk()));
  auto row = session.append(0, text);
  if (!row.ok())
    return row.status().in(fmt::format("text {}", index + 1));
  SINTER_TRY(visit(index, *row));
  return session.truncate(0, 0);
}

Status visitRows(Session &session, std::span<const std::vector<int32_t>> texts,
                 const RowsVisitor &visit) {
  for (uint32_t slot = 0; slot < session.sequences(); ++slot)
    SINTER_TRY(session.truncate(static_cast<int32_t>(slot), 0));
  Packed packed;
  for (size_t first = 0; first < texts.size();) {
    if (texts[first].empty())
      return Status(Code::InvalidArgument,
                    fmt::format("text {} has no tokens", first + 1));
    if (texts[first].size() > session.chunk()) {
      SINTER_TRY(runLong(session, texts[first], first, visit));
      ++first;
      continue;
    }
    packed.clear();
    size_t count = 0;
    while (first + count < texts.size() && count < session.sequences() &&
           !texts[first + count].empty() &&
           packed.tokens.size() + texts[first + count].size() <=
               session.chunk()) {
      packed.add(texts[first + count], static_cast<int32_t>(count),
                 session.resultRows());
      ++count;
    }
    SINTER_TRY(runPacked(session, packed, texts, first, count, visit));
    first += count;
  }
  return {};
}

double dotProduct(std::span<const float> left, std::span<const float> right) {
  double sum = 0;
  for (size_t i = 0; i < std::min(left.size(), right.size()); ++i)
    sum += double(left[i]) * right[i];
  return sum;
}

void normalise(std::span<float> row) {
  double length = std::sqrt(dotProduct(row, row));
  if (length > 0)
    for (float &value : row)
      value = static_cast<float>(value / length);
}

/// The template with both texts, which are not looked at for braces again.
static std::string replaced(std::string_view text, std::string_view query,
                            std::string_view document) {
  constexpr std::string_view kQuery = "{query}", kDocument = "{document}";
  std::string result;
  for (size_t at = 0; at < text.size();) {
    if (text.substr(at).starts_with(kQuery)) {
      result += query;
      at += kQuery.size();
    } else if (text.substr(at).starts_with(kDocument)) {
      result += document;
      at += kDocument.size();
    } else {
      result += text[at++];
    }
  }
  return result;
}

Result<std::vector<int32_t>> encodePair(const Tokenizer &tokenizer,
                                        std::string_view text,
                                        std::string_view query,
                                        std::string_view document) {
  if (!text.empty())
    return tokenizer.encode(replaced(text, query, document), true, true);
  const Vocabulary &v = tokenizer.vocabulary();
  bool bert = v.model == "bert";
  int32_t begin = v.bos >= 0 ? v.bos : v.cls;
  int32_t end = bert || v.eos < 0 ? v.sep : v.eos;
  std::vector<int32_t> ids;
  if ((bert || v.addBos) && begin >= 0)
    ids.push_back(begin);
  auto add = [&](std::string_view part) -> Status {
    auto tokens = tokenizer.encode(part, false, false);
    if (!tokens.ok())
      return tokens.status();
    ids.insert(ids.end(), tokens->begin(), tokens->end());
    if ((bert || v.addEos) && end >= 0)
      ids.push_back(end);
    return {};
  };
  SINTER_TRY(add(query));
  // BERT has one between the two, RoBERTa a second one.
  if (!bert && v.sep >= 0)
    ids.push_back(v.sep);
  SINTER_TRY(add(document));
  return ids;
}

} // namespace sinter
