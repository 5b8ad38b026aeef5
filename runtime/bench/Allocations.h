/// Counts the allocations of a program, since a step may make none.
#ifndef SINTER_RUNTIME_BENCH_ALLOCATIONS_H
#define SINTER_RUNTIME_BENCH_ALLOCATIONS_H

#include <cstdint>

namespace sinter {

/// Calls of operator new so far, but for over-aligned types. A program that
/// calls this has its operator new and delete replaced by counting ones; others
/// are left alone.
uint64_t allocationsSoFar();

} // namespace sinter

#endif // SINTER_RUNTIME_BENCH_ALLOCATIONS_H
