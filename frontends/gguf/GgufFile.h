/// Reads the bytes of a GGUF file into a typed view that copies nothing: a
/// file comes from a stranger, so every count, offset and size is checked
/// here, and the code behind may index freely.
#ifndef SINTER_FRONTENDS_GGUF_GGUFFILE_H
#define SINTER_FRONTENDS_GGUF_GGUFFILE_H

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sinter {

/// Type of a metadata value, by its number in the file (GGUF specification).
enum class GgufType : uint32_t {
  U8,
  I8,
  U16,
  I16,
  U32,
  I32,
  F32,
  Bool,
  String,
  Array,
  U64,
  I64,
  F64
};

/// The specification's word for a type: "u32", "string".
llvm::StringRef nameOf(GgufType type);

/// Largest things that a file may hold; more is refused before any of it is
/// read. The longest real ones: 300,000 tokens, templates of 40 kB, rank 4.
inline constexpr uint64_t kMaxGgufString = 1'000'000;
inline constexpr uint64_t kMaxGgufArray = 1'000'000;
inline constexpr unsigned kMaxGgufNesting = 64;
inline constexpr uint64_t kMaxGgufRank = 8;
inline constexpr uint64_t kMaxGgufKeys = 1'000'000;
inline constexpr uint64_t kMaxGgufTensors = 1'000'000;

/// A metadata value where it lies in the file.
struct GgufValue {
  GgufType type = GgufType::U8;
  GgufType element = GgufType::U8; ///< of an array
  uint64_t size = 1;               ///< elements of an array
  /// A string's characters, a number's or an array's bytes.
  std::span<const std::byte> bytes;

  /// The number or flag, if it is a whole one that fits.
  std::optional<int64_t> integer() const;
  /// The number, of any numeric type.
  std::optional<double> number() const;
  std::optional<bool> flag() const;
  std::optional<std::string_view> string() const;
  /// The elements of an array of strings / of numbers, as above.
  std::optional<std::vector<std::string_view>> strings() const;
  std::optional<std::vector<int64_t>> integers() const;
  /// The elements of an array of flags, as 0 and 1.
  std::optional<std::vector<int64_t>> flags() const;
  std::optional<std::vector<double>> numbers() const;
  /// "u32", "array of string": for messages.
  std::string describe() const;
};

struct GgufEntry {
  std::string_view key;
  GgufValue value;
};

struct GgufTensor {
  std::string_view name;
  /// Innermost (contiguous) dimension first, as in the file; none is 0 and
  /// their product fits 63 bits.
  std::vector<uint64_t> dims;
  uint32_t type = 0;   ///< ggml_type
  uint64_t offset = 0; ///< from the start of the file
  /// 0 for a type that is no known weight format, whose bytes are unchecked.
  uint64_t bytes = 0;

  uint64_t elements() const;
};

class GgufFile {
public:
  /// The file in `bytes`, which must outlive the view. `name` is for messages.
  static llvm::Expected<GgufFile> parse(std::span<const std::byte> bytes,
                                        llvm::StringRef name);

  uint32_t version() const { return fileVersion; }
  const std::string &name() const { return fileName; }
  std::span<const std::byte> bytes() const { return all; }
  std::span<const GgufEntry> metadata() const { return entries; }
  std::span<const GgufTensor> tensors() const { return table; }
  /// Null if there is none.
  const GgufValue *find(llvm::StringRef key) const;
  const GgufTensor *findTensor(llvm::StringRef name) const;

private:
  friend class GgufReader;
  GgufFile() = default;

  std::string fileName;
  uint32_t fileVersion = 0;
  std::span<const std::byte> all;
  std::vector<GgufEntry> entries;
  std::vector<GgufTensor> table;
  llvm::DenseMap<llvm::StringRef, uint32_t> keyIndex;
  llvm::DenseMap<llvm::StringRef, uint32_t> tensorIndex;
};

/// `name` in quotes, shortened and with control characters escaped: names in
/// a file are a stranger's too.
std::string quotedName(llvm::StringRef name);

/// "f32", "q4_k", "iq2_xxs", "type 99": every type that GGUF has a word for,
/// known to us as a weight format or not.
std::string tensorTypeName(uint32_t type);

} // namespace sinter

#endif // SINTER_FRONTENDS_GGUF_GGUFFILE_H
