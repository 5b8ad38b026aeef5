// Matrix products head by head: of each row the columns of one head times the
// packed matrix of that head.
namespace sinter::cuda {

/// `Shape` lists GemmItem's and units; In and Out are rows of all heads, side
/// by side.
template <typename Shape>
inline void headGemm(void *const *operands, const Batch &batch) {
  using Rows = DirectRows<typename Shape::In, typename Shape::Out>;
  using Item = UnitsItem<Shape, Rows>;
  __shared__ typename Item::Work work;
  constexpr unsigned tiles =
      (Item::groups + Shape::rowGroups - 1) / Shape::rowGroups;
  constexpr uint64_t bytes = Item::groups * Shape::rowGroupBytes;
  const unsigned head = unsigned(itemIndex()) / tiles;
  const unsigned firstGroup = unsigned(itemIndex()) % tiles * Shape::rowGroups;
  Item item = {work,
               {static_cast<const char *>(operands[0]),
                static_cast<char *>(operands[2])},
               static_cast<const char *>(operands[1]) + head * bytes,
               firstGroup,
               min(Shape::rowGroups, Item::groups - firstGroup)};
  item.firstInput = head * Shape::width;
  item.firstOutput = head * Shape::weightRows;
  const unsigned tokens = load(&batch.tokens);
  if constexpr (Shape::units == Units::Lanes)
    item.run(tokens);
  else
    runTiles<Shape>(item, tokens);
}

} // namespace sinter::cuda
