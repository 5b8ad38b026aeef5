// Feeds arbitrary bytes to what reads the JSON that our own programs write:
// reports of `compile`, which lie in every artifact, and of `bench`.
#include "runtime/ExplainText.h"
#include "runtime/JsonText.h"
#include "runtime/Prediction.h"
#include "runtime/bench/Compare.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>

using namespace sinter;

static void check(bool holds) {
  if (!holds)
    std::abort();
}

/// Text is for a terminal, whatever the strings of the report hold.
static void explain(const Json &report) {
  std::string text = explainText(report);
  for (char letter : text)
    check(letter == '\n' || static_cast<unsigned char>(letter) >= ' ');
  check(explainText(explainJson(report)) == text);
}

/// A machine that was read can be written and read again.
static void predict(const Json &report) {
  std::optional<CostModel> model = costModelOf(report);
  if (!model)
    return;
  Json again = report;
  again["machine"] = machineJson(*model);
  std::optional<CostModel> read = costModelOf(again);
  check(read && machineJson(*read) == again["machine"]);
  check(read->kernels.size() == model->kernels.size());
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::span input(reinterpret_cast<const std::byte *>(data), size);
  Json json = parseJson(input);
  explain(json);
  predict(json);
  // ASCII on one line, and the same value.
  if (!json.is_discarded()) {
    std::string text = dumpJson(json);
    Json again = parseJson(std::as_bytes(std::span(text)));
    check(!again.is_discarded() && dumpJson(again) == text);
  }
  if (Result<Json> bench = parseBenchReport(input); bench.ok())
    check(!compareReports(*bench, *bench).text.empty() ||
          (*bench)["tests"].empty());
  return 0;
}
