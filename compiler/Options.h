/// Every choice of a compilation, a plain struct: recorded in the artifact, so
/// that a file can say how it was made.
#ifndef SINTER_COMPILER_OPTIONS_H
#define SINTER_COMPILER_OPTIONS_H

#include <cstdint>
#include <string>
#include <vector>

namespace sinter {

/// How far a compilation goes and what it leaves behind.
enum class Emit {
  Graph,
  Tile,
  Plan,
  Llvm,
  Assembly,
  Cuda,
  Ptx,
  Resources,
  Artifact
};

/// The tile of one kernel, in the words of the IR.
struct TileOverride {
  std::string kernel;  ///< its skeleton, such as #tile.gemm<...>
  uint64_t tokens = 0; ///< of the largest step that calls it
  std::string tile;    ///< such as "rowGroups = 4, tokens = 8"
};

struct CompileOptions {
  /// native, x86-64 levels and GPUs, each once
  std::vector<std::string> targets = {"native"};
  /// Machine code for GPUs; without, an emulated device runs the file.
  bool machineCode = true;
  Emit emit = Emit::Artifact;
  bool fuse = true;                  ///< --fusion-level=0 clears it
  std::vector<std::string> disabled; ///< passes switched off (--no-<name>)
  std::vector<std::string> required; ///< fusions that must fire as expected
  std::vector<std::string> remarks;  ///< passes whose remarks are shown
  /// Element of KV caches: auto, f32, f16, bf16, q8_0 or fp8.
  std::string kvCache = "auto";
  bool float4 = false; ///< 4-bit float activations, on GPUs that multiply them
  bool chunkedScan = false; ///< delta rule in chunks, on GPUs that multiply so
  unsigned chunk = 0;       ///< tokens of the largest step; 0: usual
  std::string pooling;      ///< in place of the model's; empty: as it says
  bool tunedTiles = true;   ///< use what `compile --tune` found here earlier
  std::vector<TileOverride> tiles; ///< go before those
  std::string report;              ///< file for the report; empty: none
  unsigned threads = 0;            ///< 0: all; changes no byte of the output
};

} // namespace sinter

#endif // SINTER_COMPILER_OPTIONS_H
