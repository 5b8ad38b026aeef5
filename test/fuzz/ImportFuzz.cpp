// Imports arbitrary bytes as a model: family code, builder, verifier.
#include "frontends/gguf/Import.h"

#include "mlir/IR/MLIRContext.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace sinter;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto file =
      GgufModel::view(std::as_bytes(std::span(data, size)), "input.gguf");
  if (!file) {
    llvm::consumeError(file.takeError());
    return 0;
  }
  // A new one each time: what it uniques stays for its life.
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  auto model = importGguf(std::move(*file), {}, context);
  if (!model && llvm::toString(model.takeError()).empty())
    std::abort(); // an error without a message
  return 0;
}
