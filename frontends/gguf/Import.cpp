/// Picks the architecture by name, runs it, and hands over module, file,
/// vocabulary and facts.
#include "frontends/gguf/Import.h"

#include "frontends/gguf/Arch.h"
#include "frontends/gguf/ModelBuilder.h"
#include "frontends/gguf/ModelSource.h"
#include "frontends/gguf/Quantisation.h"
#include "frontends/gguf/Vocabulary.h"

#include "frontends/gguf/ArchList.inc"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"

#include <algorithm>

using namespace sinter;
using llvm::StringRef;

static llvm::Error fail(std::string text) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), text);
}

std::vector<std::string> sinter::knownArchs() {
  std::vector<std::string> names;
  for (const Arch *arch : kArchList)
    names.emplace_back(arch->name);
  std::sort(names.begin(), names.end());
  return names;
}

static llvm::Expected<const Arch *> findArch(StringRef name) {
  for (const Arch *arch : kArchList)
    if (StringRef(arch->name) == name)
      return arch;
  std::vector<std::string> names = knownArchs();
  // The nearest first, equally near ones by name.
  auto nearness = [&](const std::string &known) {
    return std::pair(name.take_front(64).edit_distance(known), known);
  };
  llvm::sort(names, [&](const std::string &left, const std::string &right) {
    return nearness(left) < nearness(right);
  });
  return fail("architecture " + quotedName(name) +
              " is unknown, expected one of " + llvm::join(names, ", "));
}

/// `key` as text, or `otherwise` if the file has no such string.
static std::string textOf(const GgufModel &model, StringRef key,
                          StringRef otherwise) {
  const GgufValue *value = model.find(key);
  auto text = value ? value->string() : std::nullopt;
  // JSON and terminals need UTF-8; a file may hold anything.
  return llvm::json::fixUTF8(text ? StringRef(*text) : otherwise);
}

static llvm::Expected<const Arch *> archOf(const GgufModel &model) {
  std::string file = "file " + quotedName(model.first().name()) + ": ";
  const GgufValue *value = model.find("general.architecture");
  if (!value)
    return fail(file + "key 'general.architecture' is missing");
  auto name = value->string();
  if (!name)
    return fail(file + "key 'general.architecture' is " + value->describe() +
                ", expected a string");
  auto arch = findArch(*name);
  if (!arch)
    return fail(file + llvm::toString(arch.takeError()));
  return arch;
}

/// The module that `arch` builds, verified.
static llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
buildModule(const Arch &arch, ModelSource &source, mlir::Type kvElement,
            mlir::MLIRContext &context) {
  ModelBuilder builder(source, &context, kvElement);
  arch.build(builder);
  if (llvm::Error error = source.takeError())
    return error;
  auto module = builder.finish(arch.name);
  std::string complaint;
  mlir::ScopedDiagnosticHandler handler(
      &context, [&](mlir::Diagnostic &diagnostic) {
        complaint += (complaint.empty() ? "" : "; ") + diagnostic.str();
        return mlir::success();
      });
  if (mlir::failed(mlir::verify(*module)))
    return fail("architecture '" + std::string(arch.name) +
                "' built an invalid module: " + complaint);
  return module;
}

static ModelInfo infoOf(const GgufModel &model, const ModelSource &source,
                        StringRef family) {
  ModelInfo info;
  info.name = textOf(model, "general.name",
                     llvm::sys::path::stem(model.first().name()));
  info.family = family.str();
  info.quantisation = quantisationOf(model);
  info.parameters = source.usedElements();
  info.weightBytes = source.usedBytes();
  info.rankTemplate = textOf(model, "tokenizer.chat_template.rerank", "");
  return info;
}

llvm::Expected<ImportedModel> sinter::importGguf(StringRef path,
                                                 const ImportOptions &options,
                                                 mlir::MLIRContext &context) {
  auto file = GgufModel::open(path);
  if (!file)
    return file.takeError();
  return importGguf(std::move(*file), options, context);
}

llvm::Expected<ImportedModel>
sinter::importGguf(std::shared_ptr<GgufModel> file,
                   const ImportOptions &options, mlir::MLIRContext &context) {
  auto arch = archOf(*file);
  if (!arch)
    return arch.takeError();
  context.loadDialect<SinterDialect, mlir::func::FuncDialect>();
  mlir::Builder types(&context);
  mlir::Type kvElement = options.kvElement == KvElement::F16
                             ? mlir::Type(types.getF16Type())
                             : mlir::Type(types.getF32Type());
  ModelSource source(*file, (*arch)->name);
  if (!options.pooling.empty())
    source.choosePooling(options.pooling);
  auto module = buildModule(**arch, source, kvElement, context);
  if (!module)
    return module.takeError();
  auto model = (**module)->getAttrOfType<ModelAttr>("sinter.model");
  auto vocabulary = readVocabulary(*file, model.getVocabulary());
  if (!vocabulary)
    return vocabulary.takeError();
  ImportedModel result;
  result.module = std::move(*module);
  result.info = infoOf(*file, source, (*arch)->name);
  result.vocabulary = serialize(*vocabulary);
  result.warnings = source.allWarnings();
  result.file = std::move(file);
  return result;
}

llvm::Expected<std::string> sinter::describeArch(StringRef name) {
  auto arch = findArch(name);
  if (!arch)
    return arch.takeError();
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<SinterDialect, mlir::func::FuncDialect>();
  ModelSource source((*arch)->name);
  auto module =
      buildModule(**arch, source, mlir::Float16Type::get(&context), context);
  if (!module)
    return module.takeError();
  return source.describe();
}
