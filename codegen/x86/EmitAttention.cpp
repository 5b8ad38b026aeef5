/// Emits causal attention over the paged cache: tiles of query rows that share
/// each key and value load, blocks of one page, online softmax (arXiv
/// 2205.14135). Blocks are taken in order of position and sums in order of
/// keys, so an answer depends neither on the step's size nor on threads: pages
/// before a row's window change neither its maximum nor its sums.
#include "codegen/x86/AttentionEmitter.h"
#include "codegen/x86/Bf16.h"
#include "codegen/x86/Skeletons.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;
using namespace sinter::tile;

/// A worker's stack is 8 MiB by default; no model comes near this.
static constexpr uint64_t kMaxWorkBytes = 1 << 20;

uint64_t AttentionEmitter::workBytes() const {
  uint64_t rows = tileTokens * group;
  return rows * (16 + queryBytes() + scoreBytes() + outputBytes() +
                 3 * stateBytes() + (attention.getAlibi() ? 12 : 0) +
                 (latent ? 8 : 0)) +
         rowsPerPass() * weightBytes();
}

void AttentionEmitter::allocateWorkSpace() {
  unsigned rows = tileTokens * group;
  queries = k.scratch(rows * 8);
  positions = k.scratch(rows * 8);
  scores = k.scratch(rows * scoreBytes());
  outputs = k.scratch(rows * outputBytes());
  maxima = k.scratch(rows * stateBytes());
  sums = k.scratch(rows * stateBytes());
  factors = k.scratch(rows * stateBytes());
  if (latent)
    rotatedQueries = k.scratch(rows * 8);
  if (queryBytes())
    rounded = k.scratch(rows * queryBytes());
  if (page.scaled())
    byteWeights = k.scratch(rowsPerPass() * weightBytes());
  if (!attention.getAlibi())
    return;
  places = k.scratch(rows * 8);
  slopes = k.scratch(rows * 4);
}

void AttentionEmitter::emit() {
  unsigned next = 0;
  query = k.operand(next++);
  rotated = latent ? k.operand(next++) : Value();
  pool = CachePool::of(k, k.operand(next++), attention.getRing());
  sinks = attention.getSinks() ? k.operand(next++) : Value();
  output = k.operand(next++);
  allocateWorkSpace();
  Value tokens = k.tokenCount();
  Value tiles = k.div(k.add(tokens, tileTokens - 1), tileTokens);
  k.loop(k.begin(), k.end(), 1, [&](Value item) {
    Value head = k.ops().create<arith::DivUIOp>(item, tiles);
    Value first =
        k.mul(k.ops().create<arith::RemUIOp>(item, tiles), tileTokens);
    Value last = k.min(k.add(first, tileTokens), tokens);
    auto oneByOne = [&] {
      k.loop(first, last, 1, [&](Value token) { emitTile(token, head, 1); });
    };
    if (tileTokens == 1)
      return oneByOne();
    // A whole tile needs all its tokens, of one sequence.
    Value full = k.equal(k.add(first, tileTokens), last);
    Value same = k.equal(k.slot(first), k.slot(k.add(last, -1)));
    k.when(
        k.ops().create<arith::AndIOp>(full, same),
        [&] { emitTile(first, head, tileTokens); }, oneByOne);
  });
}

void AttentionEmitter::emitTile(Value firstToken, Value head, unsigned tokens) {
  Tile tile{.rows = tokens * group,
            .firstToken = firstToken,
            .head = head,
            .slot = k.slot(firstToken)};
  Value keys = k.add(beginRows(tile), 1);
  k.loop(firstSeen(tile), keys, page.pageTokens, [&](Value firstKey) {
    Value pageAt = pool.page(k, tile.slot, k.div(firstKey, page.pageTokens),
                             page.pageBytes());
    Value count =
        k.min(k.add(keys, k.mul(firstKey, -1)), k.index(page.pageTokens));
    overPasses(tile, [&](const Pass &pass) {
      emitScores(pass, keysAt(pageAt, head), firstKey, count);
    });
    emitSoftmax(tile);
    overPasses(tile, [&](const Pass &pass) {
      emitValues(pass, valuesAt(pageAt, head), count);
    });
  });
  emitResult(tile);
}

AttentionEmitter::Lines AttentionEmitter::keysAt(Value pageAt, Value head) {
  return {page.keys(k, pageAt, head),
          page.scaled() ? page.keyScales(k, pageAt, head) : Value()};
}

AttentionEmitter::Lines AttentionEmitter::valuesAt(Value pageAt, Value head) {
  return {page.values(k, pageAt, head),
          page.scaled() ? page.valueScales(k, pageAt, head) : Value()};
}

/// The first key of the first page that a row of the tile sees.
Value AttentionEmitter::firstSeen(const Tile &tile) {
  unsigned window = attention.getWindow();
  if (!window)
    return k.index(0);
  Value oldest = k.add(k.position(tile.firstToken), 1 - int64_t(window));
  oldest = k.ops().create<arith::MaxSIOp>(oldest, k.index(0));
  return k.mul(k.div(oldest, page.pageTokens), page.pageTokens);
}

/// The position of the last token of a sequence, from one of its tokens on.
Value AttentionEmitter::lastOfSequence(Value token) {
  auto &ops = k.ops();
  Value slot = k.slot(token), last = k.add(k.tokenCount(), -1);
  auto loop = ops.create<scf::WhileOp>(TypeRange{k.i64()}, ValueRange{token});
  OpBuilder::InsertionGuard guard(ops);
  Value at = ops.createBlock(&loop.getBefore(), {}, {k.i64()}, {ops.getLoc()})
                 ->getArgument(0);
  Value same = k.equal(k.slot(k.min(k.add(at, 1), last)), slot);
  ops.create<scf::ConditionOp>(
      ops.create<arith::AndIOp>(k.less(at, last), same), at);
  at = ops.createBlock(&loop.getAfter(), {}, {k.i64()}, {ops.getLoc()})
           ->getArgument(0);
  ops.create<scf::YieldOp>(ValueRange{k.add(at, 1)});
  ops.setInsertionPointAfter(loop);
  return k.position(loop.getResult(0));
}

/// Where the rotated part of a head's query lies.
Value AttentionEmitter::rotatedAt(Value token, Value head) {
  Value row =
      k.at(rotated, k.mul(token, int64_t(latent.getRotatedStride()) * 4));
  return k.at(row, k.mul(head, int64_t(latent.getRotary()) * 4));
}

/// Fills the work space for a tile's first page; returns the last position.
Value AttentionEmitter::beginRows(const Tile &tile) {
  Value zero = k.constant(1, 0.0f), whole;
  if (attention.getBidirectional())
    whole = lastOfSequence(tile.firstToken);
  Values last =
      k.loop(k.index(0), k.index(tile.rows), 1, {k.index(0)},
             [&](Value row, ValueRange largest) -> Values {
               Value token = k.add(tile.firstToken, k.div(row, group));
               Value head = k.add(k.mul(tile.head, group), k.rem(row, group));
               Value rowAt =
                   k.at(query, k.mul(token, attention.getQueryStride() * 4));
               unsigned width = latent ? latent.getRank() : page.keyWidth;
               Value queryAt = k.at(rowAt, k.mul(head, width * 4));
               if (page.pairs())
                 queryAt = roundedQuery(row, queryAt);
               if (page.scaled())
                 queryAt = quantizedQuery(row, queryAt);
               k.store(queryAt, ofRow(queries, row, 8));
               if (latent)
                 k.store(rotatedAt(token, head), ofRow(rotatedQueries, row, 8));
               Value position = whole ? whole : k.position(token);
               k.store(position, ofRow(positions, row, 8));
               if (attention.getAlibi()) {
                 k.store(k.position(token), ofRow(places, row, 8));
                 k.store(slopeOf(head), ofRow(slopes, row, 4));
               }
               beginSoftmax(row, head);
               return {k.ops().create<arith::MaxSIOp>(largest[0], position)};
             });
  k.loop(k.index(0), k.index(tile.rows * outputBytes()), 4,
         [&](Value offset) { k.store(zero, k.at(outputs, offset)); });
  return last[0];
}

/// All rows: whole passes in a loop, so that the code of a large group is no
/// longer than that of a small one, then what is left.
void AttentionEmitter::overPasses(const Tile &tile,
                                  llvm::function_ref<void(const Pass &)> body) {
  unsigned whole = tile.rows / rowsPerPass() * rowsPerPass();
  if (whole)
    k.loop(k.index(0), k.index(whole), rowsPerPass(),
           [&](Value first) { body({.first = first, .rows = rowsPerPass()}); });
  if (unsigned rest = tile.rows - whole)
    body({.first = k.index(whole), .rows = rest});
}

/// Attention over latent rows as the class that it is a form of: `sharing`
/// heads are those of one cache head, of which all are the same rows.
static AttentionAttr formOf(LatentAttentionAttr latent) {
  auto elementOf = [](LatentAttentionAttr latent) -> Type {
    MLIRContext *context = latent.getContext();
    return latent.getCacheF16() ? Type(Float16Type::get(context))
                                : Float32Type::get(context);
  };
  return AttentionAttr::get(
      latent.getContext(), latent.getHeads(),
      latent.getHeads() / latent.getSharing(),
      latent.getRank() + latent.getRotary(), latent.getRank(),
      latent.getScale(), latent.getLatentStride(), latent.getOutput(),
      elementOf(latent), latent.getPageTokens(), /*window=*/0,
      /*softcap=*/{}, /*sinks=*/false, /*ring=*/false, /*bidirectional=*/false,
      /*alibi=*/{});
}

llvm::Error x86::emitAttention(KernelBuilder &k, KernelOp kernel) {
  auto latent = dyn_cast<LatentAttentionAttr>(kernel.getSkeleton());
  auto attention =
      latent ? formOf(latent) : cast<AttentionAttr>(kernel.getSkeleton());
  if (attention.getHeads() % attention.getCacheHeads() ||
      attention.getPageTokens() % kKeyBlock)
    return llvm::createStringError(
        "%u heads over %u cache heads in pages of %u tokens; expected whole "
        "groups and pages of a multiple of %u",
        attention.getHeads(), attention.getCacheHeads(),
        attention.getPageTokens(), kKeyBlock);
  if (attention.getCacheElement().isBF16() && !k.isa().bf16Dot)
    return bf16CacheError();
  if (attention.getOutput().getQ8() && attention.getValueWidth() % 32)
    return llvm::createStringError(
        "8-bit output of heads %u wide; expected a multiple of 32",
        attention.getValueWidth());
  unsigned tokens =
      kernel.getConfigAttr() ? kernel.getConfigAttr().getTokens() : 1;
  AttentionEmitter emitter(k, attention, tokens, latent);
  if (uint64_t work = emitter.workBytes(); work > kMaxWorkBytes)
    return llvm::createStringError(
        "%u query heads to a cache head need %llu bytes of stack; expected at "
        "most %llu",
        tokens * (attention.getHeads() / attention.getCacheHeads()),
        static_cast<unsigned long long>(work),
        static_cast<unsigned long long>(kMaxWorkBytes));
  emitter.emit();
  return llvm::Error::success();
}
