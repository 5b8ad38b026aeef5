/// The bytes of a compiled model, which compiler and runtime agree on here, so
/// that neither needs to know how the other works.
///
///   | FileHeader | SectionEntry × n | pad | section | pad | section | ...
///
/// Sections start at multiples of 64 KiB. Everything is little-endian. The
/// header's hash covers header and section table (with the field itself as
/// zero); each entry's hash covers its section. docs/artifact.md describes
/// every field and keeps the version log.
#ifndef SINTER_RUNTIME_ARTIFACTFORMAT_H
#define SINTER_RUNTIME_ARTIFACTFORMAT_H

#include <cstdint>

namespace sinter {

inline constexpr char kArtifactMagic[8] = {'S', 'I', 'N',  'T',
                                           'E', 'R', '\n', '\x1a'};
inline constexpr uint32_t kArtifactVersion = 13;
inline constexpr uint64_t kSectionAlignment = 64 * 1024;
/// More sections than any version defines; a larger count is corrupt.
inline constexpr uint32_t kMaxSections = 64;
/// Processors and GPUs that one file may be compiled for.
inline constexpr uint32_t kMaxTargets = 12;

struct FileHeader {
  char magic[8];
  uint32_t version;
  uint32_t sectionCount;
  uint64_t fileBytes;  ///< exact size of the whole file
  uint64_t headerHash; ///< XXH3-64 of header and section table, this field 0
};
static_assert(sizeof(FileHeader) == 32);

enum class SectionKind : uint32_t {
  Manifest = 1,   ///< JSON: model, targets, options, required CPU features
  Vocabulary = 2, ///< runtime/Vocabulary.h's serialised form
  Plan = 3,       ///< PlanHeader and its tables, below; one for each target
  Kernels = 4,    ///< likewise: an ELF shared object that exports every kernel,
                  ///< or for a GPU their text
  Weights = 5,    ///< packed weights and constants, used in place
  Report = 6,     ///< JSON, likewise: fusion report
  DeviceCode = 7, ///< likewise: machine code for a GPU, runtime/DeviceCode.h
};

struct SectionEntry {
  SectionKind kind;
  uint32_t target; ///< number in the manifest; 0 for what all targets share
  uint64_t offset; ///< from the start of the file, multiple of 64 KiB
  uint64_t bytes;
  uint64_t hash; ///< XXH3-64 of the section's bytes
};
static_assert(sizeof(SectionEntry) == 32);

/// One table inside the plan section: offset from the section's start.
struct PlanTable {
  uint32_t offset;
  uint32_t count;
};

/// What a row of a step's result is.
enum class ResultKind : uint32_t {
  Logits = 0,    ///< of the next token: the model generates
  Embedding = 1, ///< of a token or a text
  Scores = 2,    ///< of a rank head, or of classes
};

/// Which rows of a step may be asked for, and what they need.
enum class ResultRows : uint32_t {
  Tokens = 0,    ///< any token's
  Sequences = 1, ///< a sequence's, asked for by its last token in the step
};

/// First bytes of the plan section. The plan is flat: no pointers, no nesting;
/// every name is a zero-terminated string in the string table.
struct PlanHeader {
  uint32_t vocabulary;    ///< ids of tokens are below this
  uint32_t contextLength; ///< tokens the model was trained for
  uint32_t pageTokens;    ///< tokens in one page of a KV cache
  uint32_t resultWidth;   ///< float32 in a row of the result
  ResultKind result;
  ResultRows rows;
  uint32_t wholeSequences; ///< 1: all tokens of a sequence are in one step
  uint32_t positions;      ///< of tokens are below this; 0: any
  PlanTable regimes;       ///< PlanRegime, ascending maxTokens
  PlanTable kernels;       ///< PlanKernel
  PlanTable launches;      ///< PlanLaunch, regime after regime
  PlanTable operands;      ///< PlanOperand, launch after launch
  PlanTable states;        ///< PlanState
  PlanTable ropeTables;    ///< PlanRopeTable
  PlanTable strings;       ///< bytes
};
static_assert(sizeof(PlanHeader) == 88);

/// One launch list: used for steps of at most maxTokens tokens (and more than
/// the previous regime's).
struct PlanRegime {
  uint32_t maxTokens;
  uint32_t firstLaunch;
  uint32_t launchCount;
  uint32_t reserved;   ///< 0
  uint64_t arenaBytes; ///< activations of one step, laid out by the compiler
};
static_assert(sizeof(PlanRegime) == 24);

struct PlanKernel {
  uint32_t name; ///< into the string table; a symbol of the kernels section
};

/// What the number of work items of a launch depends on.
enum class ItemDimension : uint32_t {
  One = 0,    ///< items = count
  Tokens = 1, ///< items = count * ceil(tokens / tile)
  Rows = 2,   ///< items = count * ceil(outputRows / tile)
};

/// Whether all earlier launches must have ended on all threads.
enum class LaunchBarrier : uint32_t {
  None = 0,
  Always = 1,
  Batch = 2,    ///< only in steps of several tokens
  Unshared = 3, ///< there, and where the threads do not divide the shares
};

/// Most parts of a launch with shares: q, k, v and what else they are joined
/// with.
inline constexpr uint32_t kMaxParts = 4;

/// One kernel call. The runtime divides the work items among its threads in
/// contiguous ranges.
struct PlanLaunch {
  uint32_t kernel;
  uint32_t firstOperand;
  uint32_t operandCount;
  ItemDimension dimension;
  uint32_t count;
  uint32_t tile; ///< at least 1
  LaunchBarrier barrier;
  uint32_t label; ///< into the string table: the layer and op, for profiles
  // What the launch costs: for reports, and the choice of one thread or all.
  uint64_t weightBytes;   ///< weights and biases, read once per step
  uint64_t products;      ///< multiply-adds per row of the step
  uint64_t cacheProducts; ///< multiply-adds per row and position attended to
  uint32_t workRows;      ///< 0: rows are tokens; 1: rows are output rows
  uint32_t replicated;    ///< 1: one token: each thread works on all items
  uint64_t stateBytes;    ///< recurrent state used in place, per sequence
  uint64_t copiedBytes;   ///< recurrent state copied, per sequence
  // In a step of one token whose threads divide `shares` (0: none): each part
  // of the items, which follow each other, is divided among the threads, so
  // that a thread reads what it wrote itself.
  uint32_t shares;
  uint32_t parts[kMaxParts]; ///< items of each, multiples of shares; 0: none
  /// Of weightBytes, what one row of the step reads: above 0, at most 1, which
  /// is all; less where experts are chosen.
  float weightShare;
};
static_assert(sizeof(PlanLaunch) == 104);

enum class OperandKind : uint32_t {
  Arena = 0,     ///< offset into the regime's arena
  Weight = 1,    ///< offset into the weights section
  State = 2,     ///< index of a PlanState: base of its pool, or a CacheRing
  RopeTable = 3, ///< index of a PlanRopeTable: this step's cosines and sines
  Logits = 4,    ///< float32 [outputRows, resultWidth], the step's result
};

struct PlanOperand {
  OperandKind kind;
  uint32_t index;
  uint64_t offset;
};
static_assert(sizeof(PlanOperand) == 16);

enum class StateKind : uint32_t { KvCache = 0, Recurrent = 1 };
enum class StateElement : uint32_t {
  F16 = 0,
  F32 = 1,
  Bf16Pairs = 2,
  Q8_0 = 3, ///< signed bytes, an F16 scale for 32 columns of a token
  E4m3 = 4, ///< 8-bit floats, largest 448
};

/// A KV cache of one layer: a pool of pages of pageTokens tokens. One page:
///   keys   [kvHeads][pageTokens / 16][keyWidth][16]   (16 tokens interleaved)
///   values [kvHeads][pageTokens][valueWidth]
/// and with Bf16Pairs, in the pairs that vdpbf16ps multiplies,
///   keys   [kvHeads][pageTokens / 16][keyWidth / 2][16][2]
///   values [kvHeads][pageTokens / 2][valueWidth][2]       (two tokens each)
/// and of bytes, Q8_0 and E4m3, in the words that vpdpbusd multiplies, one of
/// which is a lane's operand for matrix units too,
///   keys   [kvHeads][pageTokens / 16][keyWidth / 4][16][4]
///   values [kvHeads][pageTokens / 4][valueWidth][4]       (four tokens each)
/// behind which, for Q8_0, the scales of a block's tokens lie side by side:
///   keys   [kvHeads][keyWidth / 32][pageTokens]
///   values [kvHeads][valueWidth / 32][pageTokens]
/// Pages are zero when first used: kernels multiply the unwritten rest of a
/// page by an exact 0 and rely on it being finite.
///
/// A recurrent state of one layer: a pool of slots, one per sequence, which
/// Batch.slots counts. A slot holds kvHeads * keyWidth * valueWidth numbers in
/// an order that only the kernels know. A sequence's first token (position 0)
/// starts from zeros, whatever its slot holds.
struct PlanState {
  StateKind kind;
  StateElement element;
  uint32_t kvHeads;
  uint32_t keyWidth;
  uint32_t valueWidth;
  uint32_t name;
  /// KV cache: (keyWidth + valueWidth) * kvHeads * pageTokens * size, which is
  /// 34 / 32 for Q8_0;
  /// recurrent: keyWidth * valueWidth * kvHeads * size, one slot.
  uint64_t pageBytes;
  uint32_t window;   ///< 0: all tokens are kept; else this many, own included
  uint32_t reserved; ///< 0
};
static_assert(sizeof(PlanState) == 40);

/// What the operand of a state with a window points to: its sequences hold
/// rings of `blocks` pages, page b of a sequence's tokens being number
/// pages[slot * blocks + b % blocks] of the pool.
struct CacheRing {
  void *pool;
  const int32_t *pages;
  int64_t blocks;
};
static_assert(sizeof(CacheRing) == 24);

/// Rotary angles: for each token of a step the runtime writes
/// float cos[pairs] then float sin[pairs] of position * inverseFrequency[i],
/// both times magnitude (1 unless YaRN scales attention) and
/// 1 + temperature * ln(1 + floor(position / temperatureLength)).
struct PlanRopeTable {
  uint32_t pairs;
  float magnitude;
  float temperature;          ///< 0: none
  uint32_t temperatureLength; ///< at least 1
  uint64_t frequencies; ///< offset of float32[pairs] in the weights section
  uint32_t longFrom;    ///< not 0: behind them as many for longer contexts
  uint32_t reserved;    ///< 0
};
static_assert(sizeof(PlanRopeTable) == 32);

/// What changes from step to step, as the generated kernels read it (by these
/// offsets: changing the order is a new artifact version).
struct Batch {
  int32_t tokens;            ///< T, rows of every activation
  int32_t outputRows;        ///< rows of logits wanted
  const int32_t *tokenIds;   ///< [T]
  const int32_t *positions;  ///< [T] position in its sequence
  const int32_t *slots;      ///< [T] row of blockTable, slot of recurrent
                             ///< states; equal ones adjacent
  const int32_t *outputs;    ///< [outputRows] tokens whose logits are wanted
  const int32_t *blockTable; ///< [slot][blockStride] page of each 64 positions
                             ///< (states without a window)
  int64_t blockStride;
};
static_assert(sizeof(Batch) == 56);

/// How a token is to be chosen from a row of logits (runtime/TokenChooser.h).
struct TokenChoice {
  double chance;     ///< in [0, 1): where among the weights the token lies
  float temperature; ///< 0: the most likely
  float topP;        ///< 1: off
  float minP;        ///< 0: off
  int32_t topK;      ///< 0 or less: off
};
static_assert(sizeof(TokenChoice) == 24);

/// A plan for a GPU that gives logits has a kernel of this name, which no
/// launch calls: item r chooses a token from row r of the logits. Its operands
/// are the logits, a TokenChoice for each row, and int32 for each: the token,
/// or kLeftToHost.
inline constexpr char kSampleKernel[] = "sample";
inline constexpr int32_t kLeftToHost = -1;

/// A generated kernel: works on items [begin, end) of its launch.
using KernelFunction = void (*)(void *const *operands, const Batch *batch,
                                int64_t begin, int64_t end);

} // namespace sinter

#endif // SINTER_RUNTIME_ARTIFACTFORMAT_H
