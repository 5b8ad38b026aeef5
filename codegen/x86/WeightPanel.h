/// A panel: row groups of packed weights decoded once for many tokens, to bytes
/// and float32 factors that a product loads as they are, whatever the format.
#ifndef SINTER_CODEGEN_X86_WEIGHTPANEL_H
#define SINTER_CODEGEN_X86_WEIGHTPANEL_H

#include "codegen/x86/WeightDecode.h"

namespace sinter::x86 {

/// Where the parts of a panel lie: records one after the other, each
///   | unit | unit | ... | group minima | super scales | super minima |
/// and a unit
///   | codes of quad 0: a vector of each part | quad 1 ... | group scales |
/// All scales and minima are vectors of float32, part after part.
class WeightPanel {
public:
  /// A part has as many rows as a register of `isa` has lanes.
  WeightPanel(const PackedLayout &layout, const Isa &isa, unsigned parts);

  unsigned parts() const { return parts_; }
  unsigned units() const { return units_; }
  unsigned unitGroups() const { return unitGroups_; }
  unsigned recordBytes() const { return end_; }
  unsigned unitBytes() const { return unitBytes_; }

  // Bytes from the start of a unit.
  unsigned codes(unsigned quad, unsigned part) const {
    return (quad * parts_ + part) * vector_;
  }
  unsigned scale(unsigned group, unsigned part) const {
    return codes(kUnitQuads + group, part);
  }
  // Bytes from the start of a record.
  unsigned min(unsigned group, unsigned part) const {
    return mins_ + (group * parts_ + part) * vector_;
  }
  unsigned superScale(unsigned part) const { return supers_ + part * vector_; }
  unsigned superMin(unsigned part) const {
    return supers_ + (parts_ + part) * vector_;
  }

  /// Decodes the rows of part `part` of the packed record at `record` into the
  /// panel's record at `place`. `weights` is a decoder of those rows, `ahead`
  /// how many bytes ahead packed lines are fetched (null: not).
  void decode(KernelBuilder &k, WeightDecoder &weights, Value record,
              unsigned part, Value place, Value ahead) const;

private:
  const PackedLayout &layout_;
  unsigned parts_, vector_, units_, unitGroups_;
  unsigned unitBytes_, mins_, supers_, end_;
};

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_WEIGHTPANEL_H
