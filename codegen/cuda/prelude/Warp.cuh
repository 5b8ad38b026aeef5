// Sums and maxima over a warp and a block, in an order that only the number of
// threads fixes.
namespace sinter::cuda {

inline float infinity() { return floatOfBits(0x7f800000u); }

inline float warpSum(float value) {
  for (unsigned mask = kWarp / 2; mask; mask /= 2)
    value += shuffleXor(value, mask);
  return value;
}

inline float warpMax(float value) {
  for (unsigned mask = kWarp / 2; mask; mask /= 2)
    value = fmaxf(value, shuffleXor(value, mask));
  return value;
}

/// Room of blockSum(); a block has at most 1024 threads.
using WarpSums = SharedArray<float, 32>;

/// The sum over all threads of a block of `threads`, for each of them.
template <unsigned threads> float blockSum(float value, WarpSums &space) {
  value = warpSum(value);
  syncBlock();
  if (laneIndex() == 0)
    space.put(warpIndex(), value);
  syncBlock();
  float sum = 0;
  for (unsigned warp = 0; warp < threads / kWarp; ++warp)
    sum += space.get(warp);
  return sum;
}

/// The largest value of all threads of a block, for each of them.
template <unsigned threads> float blockMax(float value, WarpSums &space) {
  value = warpMax(value);
  syncBlock();
  if (laneIndex() == 0)
    space.put(warpIndex(), value);
  syncBlock();
  float most = -infinity();
  for (unsigned warp = 0; warp < threads / kWarp; ++warp)
    most = fmaxf(most, space.get(warp));
  return most;
}

} // namespace sinter::cuda
