/// What the parts of the attention kernel share: the walk over tiles and pages
/// (EmitAttention.cpp), a page's scores (AttentionScores.cpp), what becomes of
/// them (AttentionSums.cpp), and both products of pairs and of bytes
/// (AttentionPairs.cpp, AttentionBytes.cpp).
#ifndef SINTER_CODEGEN_X86_ATTENTIONEMITTER_H
#define SINTER_CODEGEN_X86_ATTENTIONEMITTER_H

#include "codegen/x86/CachePage.h"
#include "codegen/x86/KernelBuilder.h"
#include "dialects/tile/Latent.h"

namespace sinter::x86 {

class AttentionEmitter {
public:
  /// `latent`, if it is not null, says how queries lie that `attr` is said of.
  AttentionEmitter(KernelBuilder &builder, tile::AttentionAttr attr,
                   unsigned tokens, tile::LatentAttentionAttr latent = {})
      : k(builder), attention(attr), latent(latent), tileTokens(tokens),
        group(attr.getHeads() / attr.getCacheHeads()),
        page{.heads = attr.getCacheHeads(),
             .keyWidth = attr.getKeyWidth(),
             .valueWidth = attr.getValueWidth(),
             .pageTokens = attr.getPageTokens(),
             .element = attr.getCacheElement(),
             .latent = static_cast<bool>(latent)} {}

  /// Stack that a tile needs, as allocateWorkSpace takes it.
  uint64_t workBytes() const;
  void emit();

private:
  /// Consecutive tokens of one sequence and the query heads of one cache head:
  /// row r is token r / group, head r % group.
  struct Tile {
    unsigned rows;
    Value firstToken, head, slot;
  };

  /// Rows from `first` (i64) on that one pass keeps in registers.
  struct Pass {
    Value first;
    unsigned rows;
  };

  /// Keys or values of a head in a page; scales only where bytes have them.
  struct Lines {
    Value numbers, scales;
  };

  void allocateWorkSpace();
  void emitTile(Value firstToken, Value head, unsigned tokens);
  Value beginRows(const Tile &tile);
  Value rotatedAt(Value token, Value head);
  void overPasses(const Tile &tile,
                  llvm::function_ref<void(const Pass &)> body);
  Lines keysAt(Value page, Value head);
  Lines valuesAt(Value page, Value head);
  void emitScores(const Pass &pass, const Lines &keys, Value firstKey,
                  Value keyCount);
  void hideBlocks(const Pass &pass, Value keyBlock, unsigned blocks);
  void emitLatentScores(const Pass &pass, Value keys, Value firstKey,
                        Value keyCount);
  Values emitDots(const Pass &pass, Value keyBlocksAt, unsigned blocks);
  Value roundedQuery(Value row, Value from);
  Values emitPairDots(const Pass &pass, Value keyBlocksAt, unsigned blocks);
  Value quantizedQuery(Value row, Value from);
  Values emitByteDots(const Pass &pass, const Lines &keys, unsigned blocks);
  Values keyColumn(Value keyBlocksAt, Value d, unsigned blocks);
  Values smallFloatKeys(Value keyBlocksAt, Value d, unsigned blocks);
  void storeScores(const Pass &pass, const Values &dots, Value firstKey,
                   Value keyBlock, unsigned blocks);
  Value firstSeen(const Tile &tile);
  Value lastOfSequence(Value token);
  Value slopeOf(Value head);
  Value nearer(Value score, Value row, Value lane, Value key);
  void beginSoftmax(Value row, Value head);
  Value scaled(Value dots);
  Value isSeen(Value lane, Value left);
  void emitSoftmax(const Tile &tile);
  void emitValues(const Pass &pass, const Lines &values, Value keyCount);
  Values valueOf(Value columnAt, Value key, unsigned blocks);
  Values smallFloatValues(Value columnAt, Value key, unsigned blocks);
  void weighBytes(const Pass &pass, Value scales);
  Values addBytes(const Pass &pass, Value columnAt, Value column,
                  Value keyCount, unsigned blocks, Values sums);
  Values addValues(const Pass &pass, Value columnAt, Value keyCount,
                   unsigned blocks, Values sums);
  Values addPairs(const Pass &pass, Value columnAt, Value keyCount,
                  unsigned blocks, Values sums);
  double queryFactor() const;
  void emitResult(const Tile &tile);
  void writeHead(Value out, Value head, Value result, Value inverse);

  /// Element `row` of work space with `bytes` for each row.
  Value ofRow(Value space, Value row, unsigned bytes) {
    return k.at(space, k.mul(row, bytes));
  }
  unsigned rowsPerPass() const { return k.isa().wide ? 8 : 4; }
  unsigned lanes() const { return k.isa().lanes(); }
  unsigned valueLanes() const { return k.lanesFor(page.valueWidth); }
  unsigned scoreBytes() const { return page.pageTokens * 4; }
  unsigned outputBytes() const { return page.valueWidth * 4; }
  unsigned stateBytes() const { return lanes() * 4; }
  /// Of a query as it is multiplied, in work space of its own.
  unsigned queryBytes() const {
    return page.scaled()  ? page.keyWidth * 5 / 4
           : page.pairs() ? page.keyWidth * 2
                          : 0;
  }
  /// Of a row's weights in a page, as bytes.
  unsigned weightBytes() const {
    return page.scaled() ? page.valueWidth / 32 * (2 * page.pageTokens + 4) : 0;
  }

  KernelBuilder &k;
  tile::AttentionAttr attention;
  tile::LatentAttentionAttr latent;
  unsigned tileTokens, group;
  CachePage page;
  Value query, rotated, sinks, output;
  CachePool pool;
  // Work space of a tile, row by row: address of the query, position of the
  // token; scores, then weights, of a page; sums of values; and as vectors of
  // equal lanes the running maximum, running sum and rescale factor.
  Value queries, positions, scores, outputs, maxima, sums, factors;
  // With a slope: the token's own position, and minus its head's slope.
  Value places, slopes;
  // With latent keys: address of the query's rotated part.
  Value rotatedQueries;
  // With a cache of pairs or of scaled bytes: the queries themselves, times
  // queryFactor().
  Value rounded;
  // With scaled bytes: the weights of a pass's rows in a page.
  Value byteWeights;
};

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_ATTENTIONEMITTER_H
