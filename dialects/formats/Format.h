/// What a weight format must provide: GGUF's numbers for it, an exact
/// dequantisation (the oracle of every test) and the split of a block into the
/// parts of its canonical family, so that targets pack and decode families and
/// never name a format.
#ifndef SINTER_DIALECTS_FORMATS_FORMAT_H
#define SINTER_DIALECTS_FORMATS_FORMAT_H

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace sinter {

/// The canonical families (design.md section 4) that exist so far.
enum class Family : uint8_t {
  Plain,    ///< floating-point numbers, no blocks
  Affine,   ///< weight = scale * ((code << codeShift) - codeOffset) ± min
  Ternary,  ///< the same with codes 0, 1, 2, of which a byte holds five
  Codebook, ///< weight = scale * codebook[code]
  Grid,     ///< weight = scale * codebook[code | half << 3], the codes of 4 or
            ///< 8 weights being a point of a lattice that has a number
};

/// What chooses the upper half of a grid format's codebook, for which weights.
enum class GridHalf : uint8_t {
  Weight, ///< a bit of each weight, its sign
  Parity, ///< the same, but the eighth of eight is the parity of the others
  Point,  ///< a bit of each point
  Group,  ///< a bit of each group
};

enum class PlainType : uint8_t { None, F32, F16, BF16 };

/// How the scale of one group is stored.
enum class GroupScale : uint8_t {
  None,    ///< plain family
  F16,     ///< IEEE half
  F32,     ///< float32; one per block, its bits in two places, low half first
  E8M0,    ///< power of two: 2^(byte - 127), as in the OCP MX formats
  UE4M3,   ///< unsigned 8-bit float, 4 exponent and 3 mantissa bits, bias 7
  Integer, ///< integer code times the block's F16 scale (K-quants, IQ4_XS)
};

/// Whether a group has a minimum, and its sign.
enum class GroupMin : uint8_t { None, Add, Subtract };

/// The parameters that turn a family into a format.
struct CanonicalForm {
  Family family = Family::Plain;
  PlainType plain = PlainType::None;
  /// Bits of one code, 1..8. Codes are unsigned.
  unsigned bits = 0;
  /// Affine: places that a code is shifted left by, for codes that stand for
  /// odd numbers only.
  unsigned codeShift = 0;
  /// Affine: subtracted from the code; codebook: added to an entry to make it
  /// unsigned. 0 or a power of two, so that a correction is a shift.
  unsigned codeOffset = 0;
  /// Weights that share one scale: 16, or 32 and its doubles up to a block.
  unsigned group = 0;
  /// Weights that share one F16 scale above integer group scales; else 0.
  unsigned super = 0;
  GroupScale groupScale = GroupScale::None;
  /// Integer group scales: bits of a scale code (3, 4, 6, 8); the scale is
  /// scaleStep times it, minus scaleOffset.
  unsigned scaleBits = 0;
  int scaleStep = 1;
  int scaleOffset = 0;
  GroupMin min = GroupMin::None;
  /// Codebook and grid: the 16 entries, and the power of two that makes them
  /// exact (0.5 for FP4, whose entries are stored doubled).
  std::array<int8_t, 16> codebook{};
  float codebookScale = 1.0f;
  /// Grid family: a lattice of 2^indexBits points of pointWeights weights, each
  /// with a code of 16 / pointWeights bits, the first lowest.
  const uint16_t *points = nullptr;
  unsigned pointWeights = 0;
  unsigned indexBits = 0;
  GridHalf half = GridHalf::Weight;
  /// A float32 scale per tensor, in a tensor NAME.scale beside NAME.weight.
  bool tensorScale = false;
};

/// One GGUF block taken apart. Only the first blockWeights codes and
/// blockWeights / group scales and mins are set.
struct CanonicalBlock {
  std::array<uint8_t, 256> codes{};   ///< grid family: the halves, 0 or 1
  std::array<uint16_t, 64> indices{}; ///< grid family: numbers of the points
  /// F16 or F32 bits, an E8M0 or UE4M3 byte, or an integer scale code.
  std::array<uint16_t, 16> groupScales{};
  /// F16 bits (32-weight blocks) or integer min codes of scaleBits bits.
  std::array<uint16_t, 16> groupMins{};
  uint16_t superScale = 0; ///< F16 bits
  uint16_t superMin = 0;   ///< F16 bits
};

/// A weight format: constant data and two functions, one file each.
struct Format {
  std::string_view name; ///< lower case, as in the IR: "q4_k"
  uint32_t ggufId;       ///< ggml_type
  uint32_t blockWeights; ///< weights in a block (1 for plain formats)
  uint32_t blockBytes;
  CanonicalForm form;
  /// Exact value of every weight of one block; `block` has blockBytes bytes,
  /// `weights` room for blockWeights. NVFP4: without the tensor scale.
  void (*dequantize)(const uint8_t *block, float *weights);
  /// The block's canonical parts; null for the plain family.
  void (*split)(const uint8_t *block, CanonicalBlock &parts);
};

/// Every format, ordered by GGUF id.
std::span<const Format *const> allFormats();

/// The format with this GGUF id or IR name; null if there is none.
const Format *findFormat(uint32_t ggufId);
const Format *findFormat(std::string_view name);

/// Exact value of one IEEE half / bfloat16 / E8M0 / UE4M3 number.
float halfToFloat(uint16_t bits);
float bfloat16ToFloat(uint16_t bits);
float e8m0ToFloat(uint8_t bits);
float ue4m3ToFloat(uint8_t bits);

} // namespace sinter

#endif // SINTER_DIALECTS_FORMATS_FORMAT_H
