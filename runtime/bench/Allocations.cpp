/// In a file of its own: the linker takes it only where it is asked for.
#include "runtime/bench/Allocations.h"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

static std::atomic<uint64_t> count = 0;

void *operator new(std::size_t bytes) {
  count.fetch_add(1, std::memory_order_relaxed);
  if (void *memory = std::malloc(bytes ? bytes : 1))
    return memory;
  std::abort(); // a benchmark without memory has nothing to say
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }

uint64_t sinter::allocationsSoFar() { return count; }
