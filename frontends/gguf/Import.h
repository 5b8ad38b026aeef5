/// Turns a GGUF model into a module of the sinter dialect in its plain form:
/// the one call through which the compiler sees this folder.
#ifndef SINTER_FRONTENDS_GGUF_IMPORT_H
#define SINTER_FRONTENDS_GGUF_IMPORT_H

#include "frontends/gguf/GgufModel.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sinter {

/// Element type of the keys and values that a sequence leaves behind.
enum class KvElement { F16, F32 };

struct ImportOptions {
  KvElement kvElement = KvElement::F16;
  /// none, mean, cls, last or rank in place of the file's `pooling_type`;
  /// empty: the file's.
  std::string pooling;
};

/// What a person wants to know about the model; nothing is derived from it.
/// All strings are valid UTF-8.
struct ModelInfo {
  std::string name;         ///< general.name, else the file's name
  std::string family;       ///< general.architecture
  std::string quantisation; ///< such as "Q4_K_M"
  uint64_t parameters = 0;  ///< numbers in the tensors that the graph uses
  uint64_t weightBytes = 0; ///< their bytes in the file
  std::string rankTemplate; ///< tokenizer.chat_template.rerank
};

struct ImportedModel {
  /// `sinter.weight` symbols, then `func.func @step`; `sinter.model` holds
  /// the facts. Each state argument carries `sinter.name`.
  mlir::OwningOpRef<mlir::ModuleOp> module;
  /// The mapped files; keeps them mapped. `sinter.weight`'s file and offset
  /// are those of GgufModel::bytes.
  std::shared_ptr<GgufModel> file;
  std::string vocabulary; ///< runtime/Vocabulary.h, serialized
  ModelInfo info;
  std::vector<std::string> warnings; ///< unused tensors, ignored keys
};

/// Imports the model whose file, or whose first part, lies at `path`. Loads
/// the dialects it needs into `context`. The error names file, key or tensor,
/// what was found and what was expected.
llvm::Expected<ImportedModel> importGguf(llvm::StringRef path,
                                         const ImportOptions &options,
                                         mlir::MLIRContext &context);
/// The same for a model that is open already.
llvm::Expected<ImportedModel> importGguf(std::shared_ptr<GgufModel> file,
                                         const ImportOptions &options,
                                         mlir::MLIRContext &context);

/// The keys and tensors that files of architecture `name` have, one a line,
/// with their shapes as formulas. Fails for an unknown name.
llvm::Expected<std::string> describeArch(llvm::StringRef name);

/// Names of all known architectures, sorted.
std::vector<std::string> knownArchs();

} // namespace sinter

#endif // SINTER_FRONTENDS_GGUF_IMPORT_H
