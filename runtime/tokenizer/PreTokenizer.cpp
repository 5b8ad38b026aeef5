// Knows which expressions each name of `tokenizer.ggml.pre` stands for. The
// expressions are those of the models' published tokenizer.json files.
#include "runtime/tokenizer/PreTokenizer.h"

#include <fmt/format.h>

namespace sinter {
namespace {

using namespace expressions;

constexpr Expression kGpt2[] = {gpt2};
constexpr Expression kStarcoder[] = {number, gpt2};
constexpr Expression kLlama3[] = {llama3};
constexpr Expression kQwen2[] = {qwen2};
constexpr Expression kQwen35[] = {qwen35};
constexpr Expression kTekken[] = {tekken};
constexpr Expression kGpt4o[] = {gpt4o};
constexpr Expression kFalcon[] = {punctuationAndBacktick, gpt2, threeDigits};
constexpr Expression kDefault[] = {punctuation, gpt2, numbers, threeDigits};
constexpr Expression kDeepseekLlm[] = {
    newline,        deepseekLetters,    deepseekPunctuation,
    trailingSpaces, deepseekIdeographs, numbers};
constexpr Expression kDeepseekCoder[] = {
    newline, spaceLetters, spacePunctuation, deepseekIdeographs, number};
constexpr Expression kDeepseekV3[] = {threeNumbers, ideographsAndKana,
                                      deepseekV3};

struct Named {
  std::string_view name;
  PreTokenizer preTokenizer;
};

constexpr Named kNamed[] = {
    {"a.x-4.0", {kGpt2, false}},
    {"chatglm-bpe", {kLlama3, false}},
    {"codeshell", {kStarcoder, false}},
    {"command-r", {kStarcoder, false}},
    {"dbrx", {kLlama3, false}},
    {"deepseek-coder", {kDeepseekCoder, false}},
    {"deepseek-llm", {kDeepseekLlm, false}},
    {"deepseek-r1-qwen", {kQwen2, false}},
    {"deepseek-v3", {kDeepseekV3, false}},
    {"default", {kDefault, false}},
    {"exaone", {kStarcoder, false}},
    {"exaone4", {kGpt2, false}},
    {"f2llmv2", {kQwen2, false}},
    {"falcon", {kFalcon, false}},
    {"falcon-h1", {kLlama3, true}},
    {"falcon3", {kLlama3, true}},
    {"gigachat", {kGpt2, false}},
    {"glm4", {kLlama3, true}},
    {"glm5", {kLlama3, true}},
    {"gpt-2", {kGpt2, false}},
    {"gpt-4o", {kGpt4o, false}},
    {"granite-docling", {kGpt2, false}},
    {"grok-2", {kQwen2, false}},
    {"hunyuan", {kQwen2, false}},
    {"hunyuan-dense", {kDeepseekV3, false}},
    {"hy_v4", {kDeepseekV3, false}},
    {"jais", {kGpt2, false}},
    {"jina-de", {kGpt2, false}},
    {"jina-es", {kGpt2, false}},
    {"jina-v1-en", {kGpt2, false}},
    {"jina-v2-code", {kGpt2, false}},
    {"jina-v2-de", {kGpt2, false}},
    {"jina-v2-es", {kGpt2, false}},
    {"jina-v5-nano", {kLlama3, true}},
    {"joyai-llm", {kDeepseekV3, false}},
    {"kanana2", {kGpt4o, false}},
    {"kormo", {kQwen2, false}},
    {"lfm2", {kLlama3, true}},
    {"llama-bpe", {kLlama3, true}},
    {"llama-v3", {kLlama3, true}},
    {"llama3", {kLlama3, true}},
    {"llama4", {kGpt4o, false}},
    {"megrez", {kQwen2, false}},
    {"mellum", {kGpt2, false}},
    {"mellum2", {kStarcoder, false}},
    {"midm-2.0", {kLlama3, true}},
    {"minerva-7b", {kStarcoder, false}},
    {"minimax-m2", {kGpt4o, false}},
    {"modern-bert", {kGpt2, false}},
    {"mpt", {kGpt2, false}},
    {"olmo", {kGpt2, false}},
    {"phi-2", {kGpt2, false}},
    {"pixtral", {kLlama3, true}},
    {"qwen2", {kQwen2, false}},
    {"qwen35", {kQwen35, false}},
    {"refact", {kStarcoder, false}},
    {"roberta-bpe", {kGpt2, false}},
    {"smaug-bpe", {kLlama3, false}},
    {"smollm", {kStarcoder, false}},
    {"solar-open", {kQwen2, false}},
    {"stablelm2", {kQwen2, false}},
    {"starcoder", {kStarcoder, false}},
    {"talkie", {kGpt4o, false}},
    {"tekken", {kTekken, true}},
    {"trillion", {kGpt2, false}},
};

/// Cuts one piece, appending the ends of its parts.
void splitPiece(const Window &window, Expression expression,
                std::vector<size_t> &ends) {
  size_t between = window.begin;
  for (size_t at = window.begin; at < window.end;) {
    size_t last = expression(window, at);
    if (last == at) {
      ++at;
      continue;
    }
    if (between < at)
      ends.push_back(at);
    ends.push_back(last);
    at = between = last;
  }
  if (between < window.end)
    ends.push_back(window.end);
}

} // namespace

Result<PreTokenizer> findPreTokenizer(std::string_view name) {
  if (name.empty())
    name = "default";
  std::string known;
  for (const Named &named : kNamed) {
    if (named.name == name)
      return named.preTokenizer;
    known += known.empty() ? "" : ", ";
    known += named.name;
  }
  return Status(Code::Unsupported,
                fmt::format("unknown pre-tokenizer '{}' (tokenizer.ggml.pre), "
                            "expected one of {}",
                            name, known));
}

std::vector<size_t> splitWords(const PreTokenizer &preTokenizer,
                               const CodePoints &text) {
  std::vector<size_t> ends;
  if (text.size() == 0)
    return ends;
  ends.push_back(text.size());
  std::vector<size_t> next;
  for (Expression expression : preTokenizer.stages) {
    next.clear();
    size_t begin = 0;
    for (size_t end : ends) {
      splitPiece({text, begin, end}, expression, next);
      begin = end;
    }
    ends.swap(next);
  }
  return ends;
}

} // namespace sinter
