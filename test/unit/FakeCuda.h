/// What a test asks the fake driver afterwards.
#ifndef SINTER_TEST_UNIT_FAKECUDA_H
#define SINTER_TEST_UNIT_FAKECUDA_H

#include <cstdint>

struct FakeCudaCounts {
  uint64_t live = 0; ///< blocks of memory and graphs not given back
  uint64_t contexts = 0, modules = 0;
  uint64_t code = 0, text = 0; ///< images loaded, of either kind
  uint64_t launches = 0, graphLaunches = 0;
  uint64_t early = 0; ///< launches that might begin before the one before ended
};

extern "C" FakeCudaCounts fakeCudaCounts();

#endif // SINTER_TEST_UNIT_FAKECUDA_H
