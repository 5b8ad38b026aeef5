/// Emits products of queries with keys that lie row by row.
#include "codegen/x86/RowScores.h"

#include "llvm/ADT/bit.h"

#include <algorithm>
#include <numeric>

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;

/// Adds the products of `part` with keys whose first byte of it is at each of
/// `keysAt`; sums are query by query.
static Values addPart(KernelBuilder &k, const QueryPart &part,
                      const RowKeys &keys, ValueRange keysAt, unsigned lanes,
                      ValueRange sums) {
  return k.loop(k.index(0), k.index(part.width), lanes, sums,
                [&](Value column, ValueRange carried) {
                  Values sums(carried), vectors;
                  Value inKey = k.mul(column, keys.elementBytes);
                  Value inQuery = k.mul(column, 4);
                  for (Value key : keysAt)
                    vectors.push_back(
                        k.loadFloats(lanes, keys.element, k.at(key, inKey)));
                  for (unsigned r = 0; r < part.rows.size(); ++r) {
                    Value q = k.load(k.vec(lanes, k.f32()),
                                     k.at(part.rows[r], inQuery));
                    for (unsigned i = 0; i < vectors.size(); ++i) {
                      Value &sum = sums[r * vectors.size() + i];
                      sum = k.fma(vectors[i], q, sum);
                    }
                  }
                  return sums;
                });
}

void x86::emitRowScores(KernelBuilder &k, const QueryPart &first,
                        const QueryPart &second, const RowKeys &keys,
                        Value scores, unsigned rowBytes) {
  unsigned rows = first.rows.size();
  unsigned lanes = k.lanesFor(std::gcd(first.width, second.width));
  // Half of the registers hold sums.
  unsigned sumCount = k.isa().wide ? 16 : 8;
  unsigned together =
      std::gcd(keys.all, std::max(1u, llvm::bit_floor(sumCount / rows)));
  unsigned keyBytes = (first.width + second.width) * keys.elementBytes;
  k.loop(k.index(0), keys.seen, together, [&](Value key) {
    Values firstAt, secondAt;
    for (unsigned i = 0; i < together; ++i) {
      Value at = k.at(keys.base, k.mul(k.add(key, i), keyBytes));
      firstAt.push_back(at);
      secondAt.push_back(k.at(at, int64_t(first.width) * keys.elementBytes));
    }
    Values zeros(rows * together, k.constant(lanes, 0.0f));
    Values sums = addPart(k, first, keys, firstAt, lanes, zeros);
    sums = addPart(k, second, keys, secondAt, lanes, sums);
    Value place = k.at(scores, k.mul(key, 4));
    for (unsigned i = 0; i < rows * together; ++i)
      k.store(k.sumLanes(sums[i]), place,
              i / together * rowBytes + i % together * 4);
  });
}
