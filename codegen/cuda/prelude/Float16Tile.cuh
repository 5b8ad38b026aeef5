// Weights of 16 bits (F16 and BF16) on the matrix units: how a tile of them
// lies in shared memory, and how activations, which are rows of float32, are
// rounded to be multiplied with it.
//
// In which order the units add the products of a tile no manual tells, only
// that they do so alike for every element of every tile. So the order of sums
// of these formats is that of the units: 16 columns in the places that
// loadTile() gives them, by one instruction; tiles of a run (Gemm.cuh) follow
// each other, and runs are added in turn. All kernels keep to it, also those of
// one token, which lanes would multiply as fast.
namespace sinter::cuda {

constexpr unsigned kTileColumns = 16;
constexpr unsigned kTileBytes = 2 * kRowGroup * kTileColumns;
constexpr unsigned kPieceBytes = 16; ///< of one copy: eight rows of a column
constexpr unsigned kPieces = kTileBytes / kPieceBytes;

/// Where in a tile, in pieces, the piece lies that is number `piece` in memory:
/// those that loadTile() reads together hit different banks, as do those that
/// lie together in memory.
inline unsigned placeOfPiece(unsigned piece) {
  return piece ^ (piece >> 3 & 1) ^ (piece >> 4 & 1) << 2;
}

/// What a lane gives the units of a tile of weights that lies at `at`: rows g
/// and g + 8 (g = lane / 4), of columns 4j ... 4j + 3 (j = lane % 4), which
/// take the units' places 2j, 2j + 1, 2j + 8 and 2j + 9. So a lane's columns of
/// a row of activations are 16 bytes.
template <typename Bytes>
inline void loadTile(const Bytes &bytes, unsigned at, uint32_t (&a)[4]) {
  const unsigned lane = laneIndex();
  const unsigned column = lane % 8 / 2 * 4 + lane % 2 + lane / 16 * 2;
  const unsigned piece = 2 * column + lane / 8 % 2;
  bytes.transposed(at + kPieceBytes * placeOfPiece(piece), a);
}

/// A lane's columns of a token.
struct alignas(16) Columns4 {
  float at[4];
};

/// What packHalves lost of them, as halves: the sum of both has 22 bits.
inline uint32_t packRests(float low, float high) {
  return packHalves(low - halfToFloat(floatToHalf(low)),
                    high - halfToFloat(floatToHalf(high)));
}

/// The units' arithmetic in one type: adds the products of tiles of `groups`
/// row groups with 16 columns of 8 tokens, of which the lane has `columns`, to
/// their sums, which sumOf() reads.
template <PlainType type> struct Float16Units;

/// Activations have the range of float32 then.
template <> struct Float16Units<PlainType::BF16> {
  template <unsigned groups>
  static void multiply(const uint32_t (&a)[groups][4], const Columns4 &columns,
                       float (&sums)[groups][4]) {
    const float(&x)[4] = columns.at;
    const uint32_t b[2] = {packBfloats(x[0], x[1]), packBfloats(x[2], x[3])};
#pragma unroll
    for (unsigned i = 0; i < groups; ++i)
      mmaBfloats(sums[i], a[i], b);
  }
  static float sumOf(float sum) { return sum; }
};

/// A number is two halves, of 22 digits together: one alone leaves no room for
/// what attention rounds (gemma4.F16 then has 1.14 times the NMSE that F16
/// models may have, which two halves bring back to 0.45).
///
/// Halves end at 65504 and lose digits below 2^-14, where activations may go.
/// So they are multiplied by 2^6, which keeps the first half's digits down to
/// 2^-20. Of numbers from 512 on the first eleven digits are taken out, times
/// 2^-20, and multiplied by themselves, which is rare. Whether they are depends
/// on the number alone, and products of zeros change nothing: tokens do not
/// disturb each other. Beyond 2^36 a number is infinite.
template <> struct Float16Units<PlainType::F16> {
  static constexpr float scale = 64, large = 512;
  static constexpr float largeScale = 1 << 20;

  template <unsigned groups>
  static void multiply(const uint32_t (&a)[groups][4], const Columns4 &columns,
                       float (&sums)[groups][4]) {
    float x[4], most = 0;
#pragma unroll
    for (unsigned i = 0; i < 4; ++i) {
      x[i] = columns.at[i];
      most = fmaxf(most, fabsf(x[i]));
    }
    if (ballot(most >= large)) // of any lane: the warp stays together
      multiplyLarge(a, x, sums);
    uint32_t halves[2], rests[2];
#pragma unroll
    for (unsigned i = 0; i < 2; ++i) {
      const float low = x[2 * i] * scale, high = x[2 * i + 1] * scale;
      halves[i] = packHalves(low, high);
      rests[i] = packRests(low, high);
    }
#pragma unroll
    for (unsigned i = 0; i < groups; ++i)
      mmaHalves(sums[i], a[i], halves);
#pragma unroll
    for (unsigned i = 0; i < groups; ++i)
      mmaHalves(sums[i], a[i], rests);
  }
  static float sumOf(float sum) { return sum * (1 / scale); }

private:
  /// Adds the products of the large ones, and leaves in `x` what is left of
  /// them: nothing of those whose rest is large, too.
  template <unsigned groups>
  static void multiplyLarge(const uint32_t (&a)[groups][4], float (&x)[4],
                            float (&sums)[groups][4]) {
    uint32_t halves[2];
#pragma unroll
    for (unsigned i = 0; i < 2; ++i) {
      const auto part = [&](float value) {
        return fabsf(value) >= large ? value * (1 / largeScale) : 0.0f;
      };
      halves[i] = packHalves(part(x[2 * i]), part(x[2 * i + 1]));
      takeOut(x[2 * i], halves[i]);
      takeOut(x[2 * i + 1], halves[i] >> 16);
    }
#pragma unroll
    for (unsigned i = 0; i < groups; ++i) {
      float products[4] = {};
      mmaHalves(products, a[i], halves);
#pragma unroll
      for (unsigned c = 0; c < 4; ++c)
        if (products[c] != 0)
          sums[i][c] = fmaf(products[c], scale * largeScale, sums[i][c]);
    }
  }
  static void takeOut(float &x, uint32_t half) {
    if (fabsf(x) < large)
      return;
    x -= halfToFloat(uint16_t(half)) * largeScale;
    if (fabsf(x) >= large)
      x = 0;
  }
};

/// What codegen names a plain format.
template <typename Format> struct PlainTypeOf;
template <PlainType type> struct PlainTypeOf<PlainFormat<type>> {
  static constexpr PlainType value = type;
};

} // namespace sinter::cuda
