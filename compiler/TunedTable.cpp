/// Each value is looked at before it is used; the first that is wrong is told.
#include "compiler/TunedTable.h"

#include "runtime/JsonText.h"
#include "runtime/Prediction.h"

#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <span>
#include <utility>

namespace sinter {

/// Of the file's form; a table of another one is not used.
static constexpr int kVersion = 1;
/// Above any rate, and any count of tokens.
static constexpr double kMost = 1e18;

namespace {

/// Reads the file's values; the first that is wrong is kept.
class TableReader {
public:
  explicit TableReader(const Json &json) : json(json) {}

  TunedTable read();
  std::string wrong; ///< empty if all is well

private:
  void fail(std::string what) {
    if (wrong.empty())
      wrong = std::move(what);
  }
  std::string text(const Json &object, const char *key);
  double number(const Json &object, const char *key);
  MachineRates rates(const Json &machine);

  const Json &json;
};

} // namespace

std::string TableReader::text(const Json &object, const char *key) {
  if (object.is_object() && object.contains(key) && object[key].is_string())
    return object[key].get<std::string>();
  fail(fmt::format("'{}' is missing or no string", key));
  return "";
}

double TableReader::number(const Json &object, const char *key) {
  if (object.is_object() && object.contains(key) && object[key].is_number())
    if (double value = object[key].get<double>();
        std::isfinite(value) && value >= 0 && value < kMost)
      return value;
  fail(fmt::format("'{}' is missing or no number", key));
  return 0;
}

MachineRates TableReader::rates(const Json &machine) {
  MachineRates rates;
  for (const RateKey &key : kRateKeys)
    if (key.measured)
      rates.*key.rate = number(machine, key.name);
  return rates;
}

TunedTable TableReader::read() {
  TunedTable table;
  if (!json.is_object()) {
    fail("no JSON object");
    return table;
  }
  if (!json.contains("version") || json["version"] != kVersion) {
    fail(fmt::format("its 'version' is not {}", kVersion));
    return table;
  }
  if (json.contains("machine"))
    table.rates = rates(json["machine"]);
  if (!json.contains("tiles") || !json["tiles"].is_array()) {
    fail("'tiles' is missing or no array");
    return table;
  }
  for (const Json &entry : json["tiles"]) {
    TunedTile tile;
    tile.target = text(entry, "target");
    tile.tile.kernel = text(entry, "kernel");
    tile.tile.tokens = uint64_t(number(entry, "tokens"));
    tile.tile.tile = text(entry, "tile");
    tile.insteadOf = text(entry, "instead_of");
    tile.gain = number(entry, "gain");
    table.tiles.push_back(std::move(tile));
  }
  return table;
}

Result<TunedTable> parseTunedTable(std::string_view text) {
  Json json = parseJson(std::as_bytes(std::span(text)));
  TableReader reader(json);
  TunedTable table = reader.read();
  if (!reader.wrong.empty())
    return Status(Code::CorruptData, reader.wrong);
  return table;
}

std::string tunedTableText(const TunedTable &table,
                           std::string_view processor) {
  Json json;
  json["version"] = kVersion;
  json["processor"] = processor;
  if (table.rates)
    for (const RateKey &key : kRateKeys)
      if (key.measured)
        json["machine"][key.name] = (*table.rates).*key.rate;
  json["tiles"] = Json::array();
  for (const TunedTile &tile : table.tiles)
    json["tiles"].push_back({{"target", tile.target},
                             {"kernel", tile.tile.kernel},
                             {"tokens", tile.tile.tokens},
                             {"tile", tile.tile.tile},
                             {"instead_of", tile.insteadOf},
                             {"gain", tile.gain}});
  return dumpJson(json, 1) + "\n";
}

} // namespace sinter
