// Matrix products by expert: of each active expert the rows of its tokens,
// found by their numbers, times the packed matrix of that expert. A block has
// an even share of the step's work, whichever experts are active.
namespace sinter::cuda {

/// What decoding an expert's weights takes, in tokens' worth of products: few
/// tokens wait for memory, so that their number hardly counts.
constexpr unsigned kIdleDecode = 32, kIdlePrefill = 4;

/// Rows of assignments in the order of `order`.
template <typename Shape> struct AssignedRows {
  const char *inputs;
  char *outputs;
  const int32_t *order; ///< of the first row

  const char *input(unsigned row) const {
    const int64_t assignment = load(order + row);
    return Shape::In::at(inputs,
                         Shape::slots ? assignment : assignment / Shape::top);
  }
  char *output(unsigned row) const {
    return Shape::Out::at(outputs, load(order + row));
  }
};

/// `Shape` lists GemmItem's, units, experts, top, slots, biasRows,
/// biasFirst(segment), decode and items, the number of blocks.
template <typename Shape> struct GroupedGemm {
  using Item = UnitsItem<Shape, AssignedRows<Shape>>;
  static constexpr unsigned rowTiles =
      (Item::groups + Shape::rowGroups - 1) / Shape::rowGroups;
  static constexpr unsigned idle = Shape::decode ? kIdleDecode : kIdlePrefill;

  void *const *operands;
  typename Item::Work &work;

  /// The first row tile that begins at `position` or later, counted from where
  /// the expert begins; each takes `cost`.
  static unsigned firstTile(int64_t position, unsigned cost) {
    const int64_t ahead = max(position, int64_t(0));
    return unsigned(min((ahead + cost - 1) / cost, int64_t(rowTiles)));
  }

  /// Few rows take a tile of their size; the order of sums is the same.
  static void runRows(const Item &item, unsigned count) {
    if constexpr (Shape::units != Units::Lanes) {
      runTiles<Shape>(item, count);
    } else {
      if (Shape::tile > 1 && count == 1)
        return item.template runTile<1>(0, count);
      if (Shape::tile > 2 && count == 2)
        return item.template runTile<2>(0, count);
      item.run(count);
    }
  }

  void runExpert(unsigned expert, unsigned first, unsigned count,
                 unsigned firstOwn, unsigned endOwn) const {
    constexpr uint64_t bytes = Item::groups * Shape::rowGroupBytes;
    constexpr unsigned output = 4 + (Shape::bias ? Shape::segments : 0);
    Item item = {work,
                 {static_cast<const char *>(operands[0]),
                  static_cast<char *>(operands[output]),
                  static_cast<const int32_t *>(operands[2]) + first},
                 static_cast<const char *>(operands[3]) + expert * bytes};
    if constexpr (Shape::bias)
      for (unsigned s = 0; s < Shape::segments; ++s)
        item.biases[s] = static_cast<const float *>(operands[4 + s]) +
                         uint64_t(expert) * Shape::biasRows +
                         Shape::biasFirst(s);
    for (unsigned tile = firstOwn; tile < endOwn; ++tile) {
      item.firstGroup = tile * Shape::rowGroups;
      item.groupCount = min(Shape::rowGroups, Item::groups - item.firstGroup);
      runRows(item, count);
    }
  }

  /// The step's work is rowTiles * (assignments + active * idle).
  void run(unsigned tokens) const {
    const auto *groups = static_cast<const int32_t *>(operands[1]);
    const unsigned active = load(groups);
    const int64_t all =
        (int64_t(tokens) * Shape::top + int64_t(active) * idle) * rowTiles;
    const int64_t from = itemIndex() * all / Shape::items;
    const int64_t to = (itemIndex() + 1) * all / Shape::items;
    for (unsigned a = 0; a < active; ++a) {
      const unsigned expert = load(groups + 1 + a);
      const unsigned first = load(groups + 1 + Shape::experts + a);
      const unsigned count = load(groups + 2 + Shape::experts + a) - first;
      const int64_t begin = (int64_t(first) + int64_t(a) * idle) * rowTiles;
      const unsigned firstOwn = firstTile(from - begin, count + idle);
      const unsigned endOwn = firstTile(to - begin, count + idle);
      runExpert(expert, first, count, firstOwn, endOwn);
    }
  }
};

template <typename Shape>
inline void groupedGemm(void *const *operands, const Batch &batch) {
  __shared__ typename GroupedGemm<Shape>::Item::Work work;
  GroupedGemm<Shape>{operands, work}.run(load(&batch.tokens));
}

} // namespace sinter::cuda
