// What multiplies a product of which one block may take several tiles of
// tokens: by expert, by head.
namespace sinter::cuda {

enum class Units { Lanes, Bytes, Floats4, Floats16 };

template <typename Shape, typename Rows, Units units, bool few> struct ItemOf {
  using Type = GemmItem<Shape, Rows>;
};
template <typename Shape, typename Rows, bool few>
struct ItemOf<Shape, Rows, Units::Bytes, few> {
  using Type = MmaItem<Shape, Rows>;
};
template <typename Shape, typename Rows, bool few>
struct ItemOf<Shape, Rows, Units::Floats4, few> {
  using Type = Float4Item<Shape, Rows>;
};
template <typename Shape, typename Rows>
struct ItemOf<Shape, Rows, Units::Floats16, false> {
  using Type = Float16GemmItem<Shape, Rows>;
};
template <typename Shape, typename Rows>
struct ItemOf<Shape, Rows, Units::Floats16, true> {
  using Type = Float16GemvItem<Shape, Rows>;
};

/// `Shape` lists GemmItem's and units.
template <typename Shape, typename Rows>
using UnitsItem =
    typename ItemOf<Shape, Rows, Shape::units, Shape::tile <= kFewTokens>::Type;

} // namespace sinter::cuda
