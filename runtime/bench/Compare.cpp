/// Pairs the tests of two reports by name and applies each threshold in turn.
#include "runtime/bench/Compare.h"

#include "runtime/TextFile.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

namespace sinter {
namespace {

struct Pair {
  const Json &before, &after;

  double was(const char *key) const { return before[key].get<double>(); }
  double is(const char *key) const { return after[key].get<double>(); }
  double growth(const char *key) const { return is(key) / was(key) - 1; }
};

class Comparer {
public:
  Comparer() {
    result.json = {{"failed", false},
                   {"tests", Json::array()},
                   {"findings", Json::array()}};
  }

  void compareTest(const Pair &test);
  void compareTails(const Pair &shallow, const Pair &deep);
  void note(bool fails, std::string what);

  Comparison result;
};

bool isDecode(const std::string &name) { return name.starts_with("tg"); }
bool isDeep(const std::string &name) {
  return name.find("@d") != std::string::npos;
}

const Json *find(const Json &report, const std::string &name) {
  for (const Json &test : report["tests"])
    if (test["name"] == name)
      return &test;
  return nullptr;
}

} // namespace

void Comparer::note(bool fails, std::string what) {
  result.failed |= fails;
  result.json["failed"] = result.failed;
  result.text += fmt::format("{}: {}\n", fails ? "FAIL" : "warning", what);
  result.json["findings"].push_back(
      {{"fails", fails}, {"what", std::move(what)}});
}

void Comparer::compareTest(const Pair &test) {
  auto name = test.before["name"].get<std::string>();
  double change = test.growth("tokens_per_second");
  result.text += fmt::format("{:<14} {:9.2f} -> {:9.2f} t/s  {:+.1f} %\n", name,
                             test.was("tokens_per_second"),
                             test.is("tokens_per_second"), change * 100);
  result.json["tests"].push_back({{"name", name}, {"change", change}});
  double allowed = !isDecode(name) ? kPrefillDrop
                   : isDeep(name)  ? kDeepDecodeDrop
                                   : kDecodeDrop;
  if (change < -allowed)
    note(isDecode(name), fmt::format("{} lost {:.1f} %, {:.0f} % is allowed",
                                     name, -change * 100, allowed * 100));
  if (isDecode(name) && test.growth("step_ms_p95") > kTailGrowth)
    note(true, fmt::format("{}: p95 of a step grew by {:.1f} %, {:.0f} % is "
                           "allowed",
                           name, test.growth("step_ms_p95") * 100,
                           kTailGrowth * 100));
  if (test.is("allocations_per_step") > 0)
    note(true, fmt::format("{} allocates {:g} times a step, expected 0", name,
                           test.is("allocations_per_step")));
}

void Comparer::compareTails(const Pair &shallow, const Pair &deep) {
  double was = deep.was("step_ms_p95") / shallow.was("step_ms_p95");
  double is = deep.is("step_ms_p95") / shallow.is("step_ms_p95");
  auto name = deep.before["name"].get<std::string>();
  // The cache adds bytes with depth: what they explain is no regression.
  double bytes = deep.is("bytes_per_token") / shallow.is("bytes_per_token");
  if (is > kDeepTailRatio * bytes)
    note(true, fmt::format("{}: p95 is {:.2f} times that without depth, {:.2f} "
                           "is allowed",
                           name, is, kDeepTailRatio * bytes));
  if (is > was * (1 + kTailRatioGrowth))
    note(true, fmt::format("{}: p95 against that without depth grew from {:.2f}"
                           " to {:.2f}, {:.0f} % is allowed",
                           name, was, is, kTailRatioGrowth * 100));
}

Comparison compareReports(const Json &baseline, const Json &current) {
  Comparer comparer;
  for (const Json &before : baseline["tests"]) {
    auto name = before["name"].get<std::string>();
    const Json *after = find(current, name);
    if (!after) {
      comparer.note(true, fmt::format("{} is missing", name));
      continue;
    }
    comparer.compareTest({before, *after});
    std::string shallow = name.substr(0, name.find('@'));
    const Json *was = find(baseline, shallow), *is = find(current, shallow);
    if (isDecode(name) && isDeep(name) && was && is)
      comparer.compareTails({*was, *is}, {before, *after});
  }
  double load = current["load_ms"].get<double>();
  if (load > kMaxLoadMs)
    comparer.note(false, fmt::format("loading took {:.0f} ms, {:.0f} are "
                                     "allowed",
                                     load, kMaxLoadMs));
  return std::move(comparer.result);
}

Result<Json> parseBenchReport(std::span<const std::byte> text) {
  Json json = parseJson(text);
  auto bad = [](std::string what) {
    return Status(Code::CorruptData, std::move(what));
  };
  if (!json.is_object() || !json.contains("tests") ||
      !json["tests"].is_array() || !json.contains("load_ms") ||
      !json["load_ms"].is_number())
    return bad("no report of bench --json: expected an object with 'tests' "
               "and 'load_ms'");
  for (const Json &test : json["tests"]) {
    if (!test.is_object() || !test.contains("name") ||
        !test["name"].is_string())
      return bad("a test has no name");
    for (const char *key : {"tokens_per_second", "step_ms_p95",
                            "bytes_per_token", "allocations_per_step"})
      if (!test.contains(key) || !test[key].is_number())
        return bad(fmt::format("test {} has no number '{}'",
                               test["name"].get<std::string>(), key));
  }
  return json;
}

static Result<Json> readReport(const std::string &path) {
  Result<std::string> text = readTextFile(path);
  if (!text.ok())
    return text.status();
  Result<Json> json = parseBenchReport(std::as_bytes(std::span(*text)));
  if (!json.ok())
    return Status(json.status().code(),
                  fmt::format("'{}': {}", path, json.status().message()));
  return json;
}

Result<Comparison> compareReports(const std::string &baseline,
                                  const std::string &current) {
  Result<Json> before = readReport(baseline);
  if (!before.ok())
    return before.status();
  Result<Json> after = readReport(current);
  if (!after.ok())
    return after.status();
  return compareReports(*before, *after);
}

} // namespace sinter
