/// Emits what decides over a mixture of experts: the experts of each token and
/// their weights.
#include "codegen/x86/HoleBody.h"
#include "codegen/x86/Skeletons.h"
#include "dialects/tile/Experts.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;
using namespace sinter::tile;

static constexpr float kInfinity = std::numeric_limits<float>::infinity();
/// Sums of weights are divided by no less: the smallest normal half, as the
/// reference implementation has it.
static constexpr float kLeastSum = 6.103515625e-5f;

namespace {

/// Numbers one behind the other on the stack or in a row.
struct Scores {
  KernelBuilder &k;
  Value place;
  unsigned count;

  Value at(Value index) const { return k.at(place, k.mul(index, 4)); }
  Value get(Value index) const { return k.load(one(), at(index)); }
  void set(Value index, Value value) const { k.store(value, at(index)); }
  Type one() const { return k.vec(1, k.f32()); }
  unsigned lanes() const { return k.lanesFor(count); }
  Type vector() const { return k.vec(lanes(), k.f32()); }

  /// Calls `body` with the byte offset of each vector.
  void each(function_ref<void(Value)> body) const {
    k.loop(k.index(0), k.index(count * 4), lanes() * 4, body);
  }
  /// Joins vectors, then their lanes.
  Value reduce(float start, function_ref<Value(Value, Value)> join,
               bool sum) const {
    Values all = k.loop(k.index(0), k.index(count * 4), lanes() * 4,
                        Values{k.constant(lanes(), start)},
                        [&](Value offset, ValueRange carried) {
                          Value x = k.load(vector(), k.at(place, offset));
                          return Values{join(carried[0], x)};
                        });
    return sum ? k.sumLanes(all[0]) : k.maxLanes(all[0]);
  }
  Value largest() const {
    return reduce(
        -kInfinity, [&](Value a, Value b) { return k.maxf(a, b); }, false);
  }
  Value sum() const {
    return reduce(
        0.0f, [&](Value a, Value b) { return k.addf(a, b); }, true);
  }
  Value argmax() const;
};

class RouteEmitter {
public:
  RouteEmitter(KernelBuilder &builder, RouteAttr route)
      : k(builder),
        route(route), scores{builder, builder.scratch(route.getExperts() * 4),
                             route.getExperts()},
        selection{builder, builder.scratch(route.getExperts() * 4),
                  route.getExperts()},
        groups{builder, builder.scratch(route.getGroups() * 4),
               route.getGroups()},
        chosen{builder, builder.scratch(route.getTop() * 4), route.getTop()} {}

  void emit();

private:
  void score(Value logits);
  void select(Value bias);
  void scoreGroups();
  void maskGroups();
  void choose(Value ids);
  void finish(Value ids, Value expertScale);
  void mapChosen(function_ref<Value(Value)> change);
  Value sumInOrder();

  KernelBuilder &k;
  RouteAttr route;
  Scores scores, selection, groups, chosen;
};

} // namespace

/// The first of the largest numbers; the last number's if there is a NaN.
Value Scores::argmax() const {
  Value best = k.splat(largest(), lanes());
  auto ints = k.vec(lanes(), k.i32());
  SmallVector<int32_t> numbers(lanes());
  for (unsigned i = 0; i < lanes(); ++i)
    numbers[i] = i;
  Value steps = k.ops().create<arith::ConstantOp>(
      DenseElementsAttr::get(ints, ArrayRef<int32_t>(numbers)));
  Value none = k.constant(lanes(), int32_t(count - 1));
  Values found =
      k.loop(k.index(0), k.index(count), lanes(), Values{none},
             [&](Value index, ValueRange carried) {
               Value x = k.load(vector(), at(index));
               Value same = k.ops().create<arith::CmpFOp>(
                   arith::CmpFPredicate::OEQ, x, best);
               Value base = k.ops().create<arith::TruncIOp>(k.i32(), index);
               Value here = k.add(k.splat(base, lanes()), steps);
               Value taken = k.ops().create<arith::SelectOp>(same, here, none);
               return Values{k.min(carried[0], taken)};
             });
  Value least = k.ops().create<vector::ReductionOp>(
      vector::CombiningKind::MINSI, found[0]);
  return k.ops().create<arith::ExtSIOp>(k.i64(), least);
}

/// 1 / (1 + exp(-x)).
static Value sigmoid(KernelBuilder &k, Value x) {
  Value power = emitExp(k, k.subf(k.constantLike(x, 0.0f), x));
  Value one = k.constantLike(x, 1.0f);
  return k.divf(one, k.addf(one, power));
}

void RouteEmitter::score(Value logits) {
  Scores given{k, logits, route.getExperts()};
  bool softmax = route.getScoring() == "softmax";
  Value most = softmax ? k.splat(given.largest(), given.lanes()) : Value();
  scores.each([&](Value offset) {
    Value x = k.load(given.vector(), k.at(logits, offset));
    if (softmax)
      x = emitExp(k, k.subf(x, most));
    else if (route.getScoring() == "sigmoid")
      x = sigmoid(k, x);
    k.store(x, k.at(scores.place, offset));
  });
  if (!softmax)
    return;
  Value sum = k.splat(scores.sum(), scores.lanes());
  scores.each([&](Value offset) {
    Value place = k.at(scores.place, offset);
    k.store(k.divf(k.load(scores.vector(), place), sum), place);
  });
}

void RouteEmitter::select(Value bias) {
  selection.each([&](Value offset) {
    Value x = k.load(scores.vector(), k.at(scores.place, offset));
    if (bias)
      x = k.addf(x, k.load(scores.vector(), k.at(bias, offset)));
    k.store(x, k.at(selection.place, offset));
  });
  if (route.getGroups() == 1)
    return;
  scoreGroups();
  maskGroups();
}

/// A group's score is its best, or the sum of its two best.
void RouteEmitter::scoreGroups() {
  unsigned size = route.getExperts() / route.getGroups();
  k.loop(k.index(0), k.index(route.getGroups()), 1, [&](Value group) {
    Value least = k.constant(1, -kInfinity), none = k.constant(1, 0.0f);
    const bool two = size > 1 && route.getGroupBest() == 2;
    Value second = two ? least : none;
    Value first = k.mul(group, size);
    Values best =
        k.loop(first, k.add(first, size), 1, Values{least, second},
               [&](Value index, ValueRange carried) {
                 Value x = selection.get(index);
                 Value lower = k.ops().create<arith::MinNumFOp>(carried[0], x);
                 return Values{k.maxf(carried[0], x),
                               two ? k.maxf(carried[1], lower) : carried[1]};
               });
    groups.set(group, k.addf(best[0], best[1]));
  });
}

/// Experts of groups that are not among the best cannot be chosen.
void RouteEmitter::maskGroups() {
  unsigned size = route.getExperts() / route.getGroups();
  Value least = k.constant(1, -kInfinity);
  k.loop(k.index(0), k.index(route.getUsedGroups()), 1,
         [&](Value) { groups.set(groups.argmax(), least); });
  k.loop(k.index(0), k.index(route.getGroups()), 1, [&](Value group) {
    Value kept = k.loadIndex32(groups.at(group)); // bits of minus infinity
    Value used = k.equal(kept, k.index(int32_t(0xff800000)));
    k.when(k.equal(used, k.ops().create<arith::ConstantOp>(
                             k.ops().getBoolAttr(false))),
           [&] {
             Value first = k.mul(group, size);
             k.loop(first, k.add(first, size), 1,
                    [&](Value index) { selection.set(index, least); });
           });
  });
}

void RouteEmitter::choose(Value ids) {
  Value least = k.constant(1, -kInfinity);
  k.loop(k.index(0), k.index(route.getTop()), 1, [&](Value slot) {
    Value expert = selection.argmax();
    selection.set(expert, least);
    Value number = k.ops().create<arith::TruncIOp>(k.i32(), expert);
    k.store(number, k.at(ids, k.mul(slot, 4)));
    chosen.set(slot, scores.get(expert));
  });
}

Value RouteEmitter::sumInOrder() {
  return k.loop(k.index(0), k.index(route.getTop()), 1,
                Values{k.constant(1, 0.0f)},
                [&](Value slot, ValueRange carried) {
                  return Values{k.addf(carried[0], chosen.get(slot))};
                })[0];
}

void RouteEmitter::mapChosen(function_ref<Value(Value)> change) {
  k.loop(k.index(0), k.index(route.getTop()), 1,
         [&](Value slot) { chosen.set(slot, change(chosen.get(slot))); });
}

void RouteEmitter::finish(Value ids, Value expertScale) {
  if (route.getScoring() == "softmax_chosen") {
    Value most = k.splat(chosen.largest(), 1);
    mapChosen([&](Value x) { return emitExp(k, k.subf(x, most)); });
    Value sum = sumInOrder();
    mapChosen([&](Value x) { return k.divf(x, sum); });
  }
  if (route.getNormalise()) {
    Value sum = k.maxf(sumInOrder(), k.constant(1, kLeastSum));
    mapChosen([&](Value x) { return k.divf(x, sum); });
  }
  if (double scale = route.getScale().getValueAsDouble(); scale != 1.0)
    mapChosen([&](Value x) { return k.mulf(x, k.constant(1, float(scale))); });
  if (!expertScale)
    return;
  Scores own{k, expertScale, route.getExperts()};
  k.loop(k.index(0), k.index(route.getTop()), 1, [&](Value slot) {
    Value expert = k.loadIndex32(k.at(ids, k.mul(slot, 4)));
    chosen.set(slot, k.mulf(chosen.get(slot), own.get(expert)));
  });
}

void RouteEmitter::emit() {
  unsigned next = 0;
  Value logits = k.operand(next++);
  Value bias = route.getBias() ? k.operand(next++) : Value();
  Value expertScale = route.getExpertScale() ? k.operand(next++) : Value();
  Value ids = k.operand(next++), weights = k.operand(next++);
  k.loop(k.begin(), k.end(), 1, [&](Value token) {
    score(k.at(logits, k.mul(token, int64_t(route.getStride()) * 4)));
    select(bias);
    Value row = k.mul(token, route.getTop() * 4);
    choose(k.at(ids, row));
    finish(k.at(ids, row), expertScale);
    // Once and for all: in a step of one token every thread writes this.
    Scores result{k, k.at(weights, row), route.getTop()};
    k.loop(k.index(0), k.index(route.getTop()), 1,
           [&](Value slot) { result.set(slot, chosen.get(slot)); });
  });
}

llvm::Error x86::emitRoute(KernelBuilder &k, KernelOp kernel) {
  RouteEmitter(k, cast<RouteAttr>(kernel.getSkeleton())).emit();
  return llvm::Error::success();
}
