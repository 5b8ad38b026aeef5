/// Where the table is kept, and how its tiles reach the module.
#include "compiler/TunedTiles.h"

#include "compiler/Failure.h"
#include "compiler/TextOutput.h"
#include "passes/FusionPass.h"
#include "passes/tile/KernelTile.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <cstdlib>

using namespace mlir;

namespace sinter {

/// Far above what all kernels of many models need.
static constexpr uint64_t kMaxBytes = 16 << 20;

/// "AMD EPYC 9R14" as part of a file's name.
static std::string processorModel() {
  std::string name;
  if (auto text = llvm::MemoryBuffer::getFileAsStream("/proc/cpuinfo")) {
    StringRef rest = (*text)->getBuffer();
    size_t at = rest.find("model name");
    if (at != StringRef::npos)
      name =
          rest.drop_front(at).split('\n').first.split(':').second.trim().str();
  }
  std::string safe;
  for (char letter : name)
    if (llvm::isAlnum(letter))
      safe += llvm::toLower(letter);
    else if (!safe.empty() && safe.back() != '-')
      safe += '-';
  StringRef trimmed = StringRef(safe).rtrim('-');
  return trimmed.empty() ? "unknown" : trimmed.str();
}

std::string tunedTablePath() {
  llvm::SmallString<128> path;
  const char *cache = std::getenv("XDG_CACHE_HOME");
  const char *home = std::getenv("HOME");
  // The standard has no use for a relative folder.
  if (cache && llvm::sys::path::is_absolute(cache))
    path = cache;
  else if (home && *home)
    llvm::sys::path::append(path, home, ".cache");
  else
    return "";
  llvm::sys::path::append(path, "sinter", "tiles", processorModel() + ".json");
  return path.str().str();
}

llvm::Expected<TunedTable> readTunedTable(const std::string &path) {
  uint64_t bytes = 0;
  if (path.empty() || llvm::sys::fs::file_size(path, bytes))
    return TunedTable();
  auto bad = [&](const llvm::Twine &what) {
    return failureOf("tuned tiles '" + path + "': " + what);
  };
  if (bytes > kMaxBytes)
    return bad("has " + llvm::Twine(bytes) + " bytes, expected at most " +
               llvm::Twine(kMaxBytes));
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                          /*RequiresNullTerminator=*/false);
  if (!file)
    return bad(file.getError().message());
  Result<TunedTable> table = parseTunedTable((*file)->getBuffer());
  if (!table.ok())
    return bad(table.status().message());
  return std::move(*table);
}

llvm::Error writeTunedTable(const std::string &path, const TunedTable &table) {
  if (std::error_code failed =
          llvm::sys::fs::create_directories(llvm::sys::path::parent_path(path)))
    return failureOf("cannot write '" + path + "': " + failed.message());
  return writeTextFile(
      path, tunedTableText(table, llvm::sys::path::stem(path).str()));
}

/// The triple of kTunedTilesAttr; null if the text is no kernel, or the tile
/// none of those that the kernel may have.
static ArrayAttr tripleOf(const TileOverride &tile, TargetAttr target) {
  MLIRContext *context = target.getContext();
  // Whoever reads the warning need not read the parser's words.
  ScopedDiagnosticHandler quiet(context,
                                [](Diagnostic &) { return success(); });
  Attribute skeleton = parseAttribute(tile.kernel, context);
  auto config = dyn_cast_or_null<tile::ConfigAttr>(
      parseAttribute("#tile.config<" + tile.tile + ">", context));
  if (!skeleton || !config || !isa<tile::Skeleton>(skeleton))
    return {};
  bool known =
      llvm::any_of(tileCandidates(skeleton, tileTarget(target), tile.tokens),
                   [&](const TileChoice &choice) {
                     return configOf(choice, context) == config;
                   });
  if (!known)
    return {};
  Builder builder(context);
  return builder.getArrayAttr(
      {skeleton, builder.getI64IntegerAttr(tile.tokens), config});
}

std::vector<std::string> attachTunedTiles(ModuleOp module,
                                          ArrayRef<TileOverride> first,
                                          const TunedTable &table) {
  // Its attributes are parsed before any pass has loaded it.
  module.getContext()->loadDialect<tile::TileDialect>();
  auto target = module->getAttrOfType<TargetAttr>(kTargetAttr);
  std::string name;
  llvm::raw_string_ostream(name) << target;
  SmallVector<TileOverride> all(first);
  for (const TunedTile &tile : table.tiles)
    if (tile.target == name)
      all.push_back(tile.tile);
  SmallVector<Attribute> triples;
  std::vector<std::string> wrong;
  for (const TileOverride &tile : all)
    if (ArrayAttr triple = tripleOf(tile, target))
      triples.push_back(triple);
    else
      wrong.push_back("the tile <" + tile.tile + "> for " + tile.kernel +
                      " is left out: it is none that the kernel may have");
  if (!triples.empty())
    module->setAttr(kTunedTilesAttr,
                    ArrayAttr::get(module.getContext(), triples));
  return wrong;
}

} // namespace sinter
