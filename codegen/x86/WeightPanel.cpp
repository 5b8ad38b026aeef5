/// Emits the decoding of packed records into panels.
#include "codegen/x86/WeightPanel.h"

#include <algorithm>

using namespace sinter;
using namespace sinter::x86;

WeightPanel::WeightPanel(const PackedLayout &layout, const Isa &isa,
                         unsigned parts)
    : layout_(layout), parts_(parts), vector_(4 * isa.lanes()),
      units_(layout.recordWeights / kUnitWeights),
      unitGroups_(std::max(1u, kUnitWeights / layout.format->form.group)),
      unitBytes_(codes(kUnitQuads + unitGroups_, 0)),
      mins_(units_ * unitBytes_) {
  bool hasMins = layout.format->form.min != GroupMin::None;
  supers_ = mins_ + (hasMins ? layout.groups * parts * vector_ : 0);
  unsigned supers = layout.superMin >= 0 ? 2 : layout.superScale >= 0 ? 1 : 0;
  end_ = supers_ + supers * parts * vector_;
}

void WeightPanel::decode(KernelBuilder &k, WeightDecoder &weights, Value record,
                         unsigned part, Value place, Value ahead) const {
  weights.enterRecord(record, ahead);
  for (unsigned unit = 0; unit < units_; ++unit) {
    weights.enterUnit(unit);
    Value to = k.at(place, unit * unitBytes_);
    for (unsigned quad = 0; quad < kUnitQuads; ++quad)
      k.store(weights.quad(unit, quad), to, codes(quad, part));
    for (unsigned g = 0; g < unitGroups_; ++g) {
      unsigned first = unit * kUnitWeights + g * layout_.format->form.group;
      k.store(weights.groupScale(first / layout_.format->form.group), to,
              scale(g, part));
    }
  }
  for (unsigned g = 0; mins_ < supers_ && g < layout_.groups; ++g)
    k.store(weights.groupMin(g), place, min(g, part));
  if (Value scale = weights.recordScale())
    k.store(scale, place, superScale(part));
  if (Value min = weights.recordMin())
    k.store(min, place, superMin(part));
}
