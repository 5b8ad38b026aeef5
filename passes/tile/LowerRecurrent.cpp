/// Lowers what has a state of fixed size: short convolutions and scans, alone
/// on states as rows or boxed with the load and store that make them work in
/// place.
#include "passes/tile/LowerGroup.h"

#include "dialects/sinter/RecurrentOps.h"

using namespace mlir;

namespace sinter {

namespace {

/// Where a recurrence has its state.
struct StatePlace {
  Value pool; ///< in place; null: states as rows
};

} // namespace

/// The state that the group loads for `before` and stores from `behind`; no
/// pool if the group does neither.
static NotLowered findState(OpGroup &group, Value before, Value behind,
                            StatePlace &place) {
  auto load = group.only<StateLoadOp>();
  auto store = group.only<StateStoreOp>();
  if (!load && !store)
    return std::nullopt;
  if (!load || !store)
    return "not one load and one store of a state";
  if (group.resolve(before) != load.getResult() ||
      group.resolve(store.getRows()) != behind)
    return "the state loaded or stored is another";
  place.pool = group.resolve(load.getState());
  if (group.resolve(store.getState()) != place.pool)
    return "loads one state and stores another";
  return std::nullopt;
}

/// Adds the state's operands: the pool, or the rows before and behind.
static void addState(OpGroup &group, LaunchBuilder &launch,
                     const StatePlace &place, Value before, Value behind) {
  if (place.pool)
    launch.input(place.pool).writesState();
  else
    launch.input(group.resolve(before)).output(behind.getType());
}

static NotLowered finishScan(OpGroup &group, LaunchBuilder &launch,
                             FlatSymbolRefAttr kernel, const StatePlace &place,
                             Value result, Value behind) {
  launch.output(result.getType());
  auto op = launch.launch(kernel, group.label());
  group.replace(result, op.getResults().back());
  if (!place.pool)
    group.replace(behind, op.getResult(0));
  return std::nullopt;
}

static std::string scanName(StringRef op, tile::ScanAttr scan) {
  return (op + "_h" + Twine(scan.getValueHeads()) + "_k" +
          Twine(scan.getKeyWidth()) + "_v" + Twine(scan.getValueWidth()) +
          (scan.getChunk() ? "_chunked" : "") +
          (scan.getInPlace() ? "" : "_rows"))
      .str();
}

static NotLowered lowerDeltaNet(OpGroup &group, TileBuilder &tile) {
  auto net = group.only<GatedDeltaNetOp>();
  StatePlace place;
  if (NotLowered why = findState(group, net.getState(), net.getNext(), place))
    return why;
  if (group.size() != (place.pool ? 3u : 1u))
    return "ops beside the delta rule and its state";
  if (place.pool && !group.gives(net.getResult()))
    return "an inner value is used outside";
  Value mixed = group.resolve(net.getMixed());
  Value alpha = group.resolve(net.getAlpha());
  Value beta = group.resolve(net.getBeta());
  unsigned chunk = net.getChunk().value_or(0);
  auto scan = tile::ScanAttr::get(
      net.getContext(), /*delta=*/true, net.getKeyHeads(), net.getValueHeads(),
      net.keyWidth(), net.valueWidth(), tile.row(mixed).getStride(),
      tile.row(alpha).getStride(), tile.row(beta).getStride(),
      net.getEpsilonAttr(), net.getGrouped(), static_cast<bool>(place.pool),
      chunk, chunk ? net.stateRows(chunk) : 0);
  LaunchBuilder launch(tile, group.getRoot()->getLoc());
  launch.input(mixed).input(alpha).input(beta);
  launch.symbol(tile.vector(net.getDecayAttr()));
  launch.symbol(tile.vector(net.getBiasAttr()));
  addState(group, launch, place, net.getState(), net.getNext());
  return finishScan(group, launch,
                    tile.kernel(scanName("delta_net", scan), scan), place,
                    net.getResult(), net.getNext());
}

static NotLowered lowerSsmScan(OpGroup &group, TileBuilder &tile) {
  auto ssm = group.only<SsmScanOp>();
  StatePlace place;
  if (NotLowered why = findState(group, ssm.getState(), ssm.getNext(), place))
    return why;
  if (group.size() != (place.pool ? 3u : 1u))
    return "ops beside the scan and its state";
  if (place.pool && !group.gives(ssm.getResult()))
    return "an inner value is used outside";
  Value mixed = group.resolve(ssm.getMixed());
  Value dt = group.resolve(ssm.getDt());
  auto scan = tile::ScanAttr::get(
      ssm.getContext(), /*delta=*/false, ssm.getGroups(), ssm.getHeads(),
      ssm.stateWidth(), ssm.valueWidth(), tile.row(mixed).getStride(),
      tile.row(dt).getStride(), 0, FloatAttr(), /*grouped=*/true,
      static_cast<bool>(place.pool), /*chunk=*/0, /*stateRows=*/0);
  LaunchBuilder launch(tile, group.getRoot()->getLoc());
  launch.input(mixed).input(dt);
  for (FlatSymbolRefAttr constant :
       {ssm.getDecayAttr(), ssm.getBiasAttr(), ssm.getSkipAttr()})
    launch.symbol(tile.vector(constant));
  addState(group, launch, place, ssm.getState(), ssm.getNext());
  return finishScan(group, launch,
                    tile.kernel(scanName("ssm_scan", scan), scan), place,
                    ssm.getResult(), ssm.getNext());
}

/// Channels and taps of a convolution; its weight has channels * taps numbers.
static tile::ConvAttr convAttr(TileBuilder &tile, Value input, Value window,
                               bool bias, bool silu, bool inPlace, bool shift) {
  unsigned channels = rowWidth(input);
  return tile::ConvAttr::get(
      input.getContext(), channels, rowWidth(window) / channels + 1,
      tile.row(input).getStride(), bias, silu, inPlace, shift);
}

static NotLowered lowerConv(OpGroup &group, TileBuilder &tile) {
  auto conv = group.only<ShortConvOp>();
  auto shift = group.only<ConvWindowOp>();
  auto silu = group.only<SiluOp>();
  StatePlace place;
  Value behind = shift ? shift.getResult() : Value();
  if (NotLowered why = findState(group, conv.getWindow(), behind, place))
    return why;
  if (place.pool &&
      (!shift ||
       group.resolve(shift.getInput()) != group.resolve(conv.getInput()) ||
       group.resolve(shift.getWindow()) != group.resolve(conv.getWindow())))
    return "the window stored is not the convolution's";
  if (group.size() != (place.pool ? 4u : 1u) + (silu ? 1 : 0))
    return "ops beside a convolution, its window and SiLU";
  if (silu && group.resolve(silu.getInput()) != conv.getResult())
    return "the SiLU is not of the convolution";
  Value result = silu ? silu.getResult() : conv.getResult();
  if (!group.gives(result))
    return "an inner value is used outside";
  Value input = group.resolve(conv.getInput());
  bool bias = static_cast<bool>(conv.getBiasAttr());
  auto skeleton =
      convAttr(tile, input, conv.getWindow(), bias, static_cast<bool>(silu),
               static_cast<bool>(place.pool), /*shift=*/false);
  auto kernel =
      tile.kernel(Twine("short_conv") + (silu ? "_silu" : "") + "_n" +
                      Twine(skeleton.getChannels()) + "_t" +
                      Twine(skeleton.getTaps()) + (place.pool ? "" : "_rows"),
                  skeleton);
  LaunchBuilder launch(tile, group.getRoot()->getLoc());
  launch.input(input).symbol(tile.vector(conv.getWeightAttr()));
  if (bias)
    launch.symbol(tile.vector(conv.getBiasAttr()));
  if (place.pool)
    launch.input(place.pool).writesState();
  else
    launch.input(group.resolve(conv.getWindow()));
  auto op = launch.output(result.getType()).launch(kernel, group.label());
  group.replace(result, op.getResult(0));
  return std::nullopt;
}

static NotLowered lowerConvWindow(OpGroup &group, TileBuilder &tile) {
  auto shift = group.only<ConvWindowOp>();
  if (!shift || group.size() != 1)
    return "not one window alone";
  Value input = group.resolve(shift.getInput());
  auto skeleton = convAttr(tile, input, shift.getWindow(), false, false, false,
                           /*shift=*/true);
  auto kernel = tile.kernel("conv_window_n" + Twine(skeleton.getChannels()) +
                                "_t" + Twine(skeleton.getTaps()),
                            skeleton);
  auto op = LaunchBuilder(tile, group.getRoot()->getLoc())
                .input(input)
                .input(group.resolve(shift.getWindow()))
                .output(shift.getType())
                .launch(kernel, group.label());
  group.replace(shift, op.getResult(0));
  return std::nullopt;
}

static NotLowered lowerStateCopy(OpGroup &group, TileBuilder &tile) {
  auto load = group.only<StateLoadOp>();
  auto store = group.only<StateStoreOp>();
  if (group.size() != 1)
    return "a state beside other ops";
  Value state = load ? load.getState() : store.getState();
  unsigned elements = cast<RecurrentType>(state.getType()).elements();
  auto skeleton = tile::StateCopyAttr::get(state.getContext(), elements,
                                           static_cast<bool>(store));
  auto kernel = tile.kernel(Twine(store ? "state_store" : "state_load") + "_n" +
                                Twine(elements),
                            skeleton);
  LaunchBuilder launch(tile, group.getRoot()->getLoc());
  if (store) {
    launch.input(group.resolve(store.getRows())).input(state).writesState();
    launch.launch(kernel, group.label());
    return std::nullopt;
  }
  auto op =
      launch.input(state).output(load.getType()).launch(kernel, group.label());
  group.replace(load, op.getResult(0));
  return std::nullopt;
}

NotLowered lowerRecurrent(OpGroup &group, TileBuilder &tile) {
  if (group.count<GatedDeltaNetOp>() == 1)
    return lowerDeltaNet(group, tile);
  if (group.count<SsmScanOp>() == 1)
    return lowerSsmScan(group, tile);
  if (group.count<ShortConvOp>() == 1)
    return lowerConv(group, tile);
  if (group.count<ConvWindowOp>())
    return lowerConvWindow(group, tile);
  return lowerStateCopy(group, tile);
}

} // namespace sinter
