// Feeds arbitrary bytes to the reader of tuned tiles. What it accepts it writes
// in one form, which reads as the same table.
#include "compiler/TunedTable.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace sinter;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view text(reinterpret_cast<const char *>(data), size);
  Result<TunedTable> table = parseTunedTable(text);
  if (!table.ok()) {
    if (table.status().message().empty())
      std::abort();
    return 0;
  }
  std::string written = tunedTableText(*table, "fuzz");
  Result<TunedTable> again = parseTunedTable(written);
  if (!again.ok() || again->tiles.size() != table->tiles.size() ||
      again->rates.has_value() != table->rates.has_value() ||
      tunedTableText(*again, "fuzz") != written)
    std::abort();
  return 0;
}
