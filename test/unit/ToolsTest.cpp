/// Runs the programs as a user does, on a tiny model: what they print, where,
/// and the code they end with.
#include "runtime/JsonText.h"
#include "test/unit/TinyArtifact.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <sys/wait.h>

using namespace sinter;

namespace {

struct Ended {
  int code;
  std::string out;
  std::string err;
};

class ToolsTest : public ::testing::Test {
protected:
  void SetUp() override {
    if (tiny::kernels().empty())
      GTEST_SKIP() << "no C compiler (cc) to make kernels with";
    tiny::Parts parts;
    parts.kernels = tiny::kernels();
    Vocabulary vocabulary = tiny::letters();
    vocabulary.bos = 0;
    parts.vocabulary = serialize(vocabulary);
    model = tiny::write(parts, "model.bin");
    parts.secondMark = 4;
    other = tiny::write(parts, "other.bin");
  }

  /// `command` with every "%" replaced by the model's path, in bin/.
  Ended run(std::string command) {
    for (size_t at; (at = command.find('%')) != std::string::npos;)
      command.replace(at, 1, model);
    std::string errors = tiny::folder() + "/stderr";
    command = "cd " SINTER_PROGRAMS " && " + command + " 2>" + errors;
    Ended ended;
    std::FILE *pipe = popen(command.c_str(), "r");
    EXPECT_NE(pipe, nullptr);
    char block[4096];
    for (size_t count; (count = fread(block, 1, sizeof(block), pipe)) > 0;)
      ended.out.append(block, count);
    int status = pclose(pipe);
    ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : 256;
    ended.err = tiny::readBytes(errors);
    return ended;
  }

  static Json json(const std::string &text) {
    return parseJson(std::as_bytes(std::span(text)));
  }

  std::string model, other;
};

TEST_F(ToolsTest, RunStreamsTextAndTimes) {
  Ended ended = run("./run % -p abc -n 4 --temp 0");
  EXPECT_EQ(ended.code, 0);
  EXPECT_EQ(ended.out, "abcjjjj\n");
  for (const char *part : {"load ", "prefill ", "decode ", "first token "})
    EXPECT_NE(ended.err.find(part), std::string::npos) << ended.err;
  EXPECT_EQ(run("./run % -p abc -n 4 --temp 0 --no-display-prompt").out,
            "jjjj\n");
}

TEST_F(ToolsTest, RunReadsThePromptFromFilesAndPipes) {
  std::string file = tiny::folder() + "/prompt";
  tiny::writeBytes(file, "ab\n");
  EXPECT_EQ(run("./run % -f " + file + " -n 2 --temp 0").out, "abjj\n");
  EXPECT_EQ(run("echo ab | ./run % -p - -n 2 --temp 0").out, "abjj\n");
  EXPECT_EQ(run("./run % -p '' -n 2 --temp 0").out, "jj\n");
}

TEST_F(ToolsTest, RunPrintsJson) {
  Ended ended = run("./run % -p abc -n 4 --temp 0 --json --seed 7");
  EXPECT_EQ(ended.err, "");
  Json made = json(ended.out);
  EXPECT_EQ(made["text"], "jjjj");
  EXPECT_EQ(made["stop"], "length");
  EXPECT_EQ(made["seed"], 7);
  EXPECT_EQ(made["timings"]["prompt_tokens"], 3);
  Json info = json(run("./run % --info --json").out);
  EXPECT_EQ(info["manifest"]["model"]["name"], "tiny");
  EXPECT_EQ(run("./run % --info").out.find("file "), 0u);
}

TEST_F(ToolsTest, SameSeedSameText) {
  std::string command = "./run % -p abc -n 60 --temp 2 --top-p 1 --min-p 0 "
                        "--seed 5 --no-display-prompt";
  std::string text = run(command).out;
  EXPECT_EQ(text.size(), 61u);
  EXPECT_NE(text, std::string(60, 'j') + "\n");
  EXPECT_EQ(run(command + " -t 1").out, text);
  EXPECT_EQ(run(command + " -t 3 --chunk 2").out, text);
}

TEST_F(ToolsTest, RunSaysWhatIsWrong) {
  auto refused = [&](const std::string &arguments) {
    Ended ended = run("./run " + arguments);
    EXPECT_EQ(ended.code, 1);
    EXPECT_EQ(ended.out, "");
    return ended.err;
  };
  EXPECT_EQ(refused("/nowhere -p x"), "run: error: cannot open '/nowhere': No "
                                      "such file or directory\n");
  EXPECT_EQ(refused("%"),
            "run: error: no prompt; give one with -p TEXT or -f FILE\n");
  EXPECT_EQ(refused("% -f /nowhere"), "run: error: cannot open '/nowhere': No "
                                      "such file or directory\n");
  EXPECT_EQ(refused("% -f /"), "run: error: cannot read '/': Is a "
                               "directory\n");
  tiny::Parts parts;
  parts.kernels = tiny::kernels();
  parts.vocabulary = serialize(tiny::letters());
  std::string noBos = tiny::write(parts, "nobos.bin");
  EXPECT_EQ(refused(noBos + " -p ''"),
            "run: error: prompt is empty, and the model has no BOS to begin "
            "with\n");
}

TEST_F(ToolsTest, InterruptEndsCleanly) {
  std::string text = tiny::folder() + "/interrupted";
  // The signal comes once the first text is there.
  Ended ended = run("sh -c './run % -p abc -n 1000000000 --temp 0 --ctx 900000 "
                    ">" +
                    text + " & until [ -s " + text +
                    " ]; do sleep 0.01; done; "
                    "kill -INT $!; wait $!; code=$?; cat " +
                    text + "; exit $code'");
  EXPECT_EQ(ended.code, 130);
  EXPECT_EQ(ended.out.substr(0, 4), "abcj");
  EXPECT_EQ(ended.out.back(), '\n');
  EXPECT_NE(ended.err.find("decode "), std::string::npos);
}

TEST_F(ToolsTest, EvalWritesLogits) {
  std::string tokens = tiny::folder() + "/tokens", npy = tiny::folder() + "/x";
  tiny::writeBytes(tokens, "1 2 3 4 5\n6 7 8 9 0 1 2");
  std::string first;
  for (const char *options : {"--chunk 8 --threads 2", "--chunk 1", ""}) {
    Ended ended = run("./eval logits % --tokens " + tokens + " -o " + npy +
                      " " + options);
    EXPECT_EQ(ended.code, 0) << ended.err;
    std::string bytes = tiny::readBytes(npy);
    ASSERT_EQ(bytes.size(), 128u + 12 * tiny::kVocabulary * 4);
    EXPECT_EQ(bytes.substr(1, 5), "NUMPY");
    EXPECT_NE(bytes.find("'shape': (12, 10)"), std::string::npos);
    float value;
    std::memcpy(&value, bytes.data() + 128, sizeof(value));
    EXPECT_EQ(value, tiny::embedding(1) + 1); // cos(0) is 1
    EXPECT_EQ(first.empty() ? bytes : first, bytes);
    first = bytes;
  }
  Ended ended = run("./eval logits % --json --tokens " + tokens + " -o " + npy);
  EXPECT_EQ(json(ended.out)["tokens"], 12);
  EXPECT_EQ(run("./eval logits % --tokens " + tokens + " -o /nowhere/x").err,
            "eval: error: cannot create '/nowhere/x': No such file or "
            "directory\n");
  tiny::writeBytes(tokens, " ");
  EXPECT_EQ(run("./eval logits % --tokens " + tokens + " -o " + npy).err,
            "eval: error: '" + tokens + "' has no token ids\n");
  tiny::writeBytes(tokens, "1 x");
  EXPECT_EQ(run("./eval logits % --tokens " + tokens + " -o " + npy).err,
            "eval: error: '" + tokens +
                "': token 1 is 'x', expected a number\n");
}

TEST_F(ToolsTest, LargerChunksThanTheModelsAreRefused) {
  std::string tokens = tiny::folder() + "/tokens";
  tiny::writeBytes(tokens, "1 2");
  for (std::string command :
       {"run % -p abc", "bench %", "eval logits % -o x --tokens "}) {
    if (command.ends_with(' '))
      command += tokens;
    Ended ended = run("./" + command + " --chunk 9");
    EXPECT_EQ(ended.code, 1);
    EXPECT_EQ(ended.err, command.substr(0, command.find(' ')) +
                             ": error: chunks of 9 tokens asked for, expected "
                             "up to 8\n");
  }
}

TEST_F(ToolsTest, OutputThatNobodyTakesIsAnError) {
  std::string text = tiny::folder() + "/text";
  tiny::writeBytes(text, "abcabc");
  for (std::string command :
       {"inspect %", "inspect % --json", "run % -p abc", "run % --info",
        "run % -p abc -n 2 --json", "run % -p abc --no-display-prompt",
        "run --help", "eval kl % % --ctx 32 -f ",
        "bench % -p 2 -n 0 --repeat 1"}) {
    if (command.ends_with(' '))
      command += text;
    Ended ended = run("./" + command + " >/dev/full");
    EXPECT_EQ(ended.code, 1) << command;
    std::string name = command.substr(0, command.find(' '));
    EXPECT_EQ(ended.err.find(name + ": error: "), ended.err.rfind(name))
        << command << ": " << ended.err;
    EXPECT_NE(ended.err.find("No space left on device\n"), std::string::npos)
        << command << ": " << ended.err;
  }
}

TEST_F(ToolsTest, WrongArgumentsEndWithTwo) {
  for (std::string command :
       {"run", "run % --bogus", "run % -t 0", "eval", "eval kl % %",
        "eval logits % --chunk x", "inspect", "inspect % %", "bench",
        "bench % --threads 1025", "bench % --repeat 0"}) {
    Ended ended = run("./" + command);
    EXPECT_EQ(ended.code, 2) << command;
    EXPECT_EQ(ended.out, "") << command;
    std::string name = command.substr(0, command.find(' '));
    EXPECT_EQ(ended.err.find(name + ": error: "), 0u) << ended.err;
  }
  for (const char *name : {"run", "eval", "inspect", "bench", "eval kl"})
    EXPECT_EQ(run(std::string("./") + name + " --help").code, 0) << name;
}

/// The machinery only: no time can be right or wrong here.
TEST_F(ToolsTest, BenchNamesItsTests) {
  std::string command = "./bench % -p 3 0 -n 2 -d 0 4 --repeat 2 --threads 1";
  Ended ended = run(command);
  EXPECT_EQ(ended.code, 0) << ended.err;
  for (const char *name : {"pp3 ", "tg2 ", "pp3@d4 ", "tg2@d4 "})
    EXPECT_NE(ended.out.find(name), std::string::npos) << ended.out;
  Json report = json(run(command + " --json").out);
  EXPECT_EQ(report["threads"], 1);
  ASSERT_EQ(report["tests"].size(), 4u);
  EXPECT_EQ(report["tests"][0]["name"], "pp3");
  for (const Json &test : report["tests"]) {
    EXPECT_GT(test["low"].get<double>(), 0);
    EXPECT_LE(test["low"].get<double>(), test["tokens_per_second"]);
    EXPECT_LE(test["tokens_per_second"].get<double>(), test["high"]);
  }
  EXPECT_EQ(report["tests"][0]["name"], "pp3");
  ended = run("./bench % -p 2000000");
  EXPECT_EQ(ended.code, 1);
  EXPECT_EQ(ended.err.find("bench: error: pp2000000: needs 2000000 positions, "
                           "the context has "),
            0u)
      << ended.err;
}

TEST_F(ToolsTest, BenchReportsMachineStepsAndKernels) {
  Json report =
      json(run("./bench % -p 2 -n 3 -b 1 2 --repeat 2 --explain --json").out);
  EXPECT_GT(report["machine"]["read_gb_per_second"].get<double>(), 0);
  EXPECT_GT(report["machine"]["float32_gmac_per_second"].get<double>(), 0);
  EXPECT_GT(report["load_ms"].get<double>(), 0);
  EXPECT_GT(report["first_token_ms"], report["load_ms"]);
  ASSERT_EQ(report["tests"].size(), 3u);
  EXPECT_EQ(report["tests"][2]["name"], "tg3@b2");
  for (const Json &test : report["tests"]) {
    EXPECT_EQ(test["allocations_per_step"], 0);
    EXPECT_EQ(test["launches_per_step"], 4);
    EXPECT_EQ(test["barriers_per_step"], 3);
    EXPECT_LE(test["step_ms_p50"], test["step_ms_p95"]);
    EXPECT_LE(test["step_ms_p95"], test["step_ms_max"]);
    EXPECT_EQ(test["kernels"].size(), 4u);
  }
}

/// Its report has no cost model.
TEST_F(ToolsTest, BenchExplainsWithoutPredictions) {
  Ended ended = run("./bench % -p 2 -n 0 --repeat 1 --explain");
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_NE(
      ended.out.find(", nothing predicted: no cost model in the report\n"),
      std::string::npos)
      << ended.out;
  EXPECT_NE(ended.out.find(" waiting,         - predicted "), std::string::npos)
      << ended.out;
}

TEST_F(ToolsTest, BenchComparesReports) {
  std::string path = tiny::folder() + "/report.json";
  tiny::writeBytes(path, run("./bench % -p 2 -n 2 --repeat 1 --json").out);
  Ended ended = run("./bench compare " + path + " " + path);
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_NE(ended.out.find("pp2 "), std::string::npos) << ended.out;
  Json report = json(tiny::readBytes(path));
  double &speed = report["tests"][1]["tokens_per_second"].get_ref<double &>();
  speed *= 2;
  std::string faster = tiny::folder() + "/faster.json";
  tiny::writeBytes(faster, report.dump());
  ended = run("./bench compare --json " + faster + " " + path);
  EXPECT_EQ(ended.code, 1);
  EXPECT_EQ(ended.err, "bench: error: slower than the baseline allows\n");
  EXPECT_EQ(json(ended.out)["findings"][0]["what"],
            "tg2 lost 50.0 %, 3 % is allowed");
  ended = run("./bench compare " + path + " /none");
  EXPECT_EQ(ended.err.find("bench: error: cannot open '/none'"), 0u)
      << ended.err;
}

TEST_F(ToolsTest, BytesThatAreNoTextEndInJson) {
  std::string strange = tiny::folder() + "/\xff.bin";
  std::filesystem::copy_file(model, strange);
  Ended ended = run("./bench " + strange + " -p 1 -n 0 --repeat 1 --json");
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_NE(ended.out.find("/\\ufffd.bin"), std::string::npos) << ended.out;
  std::string npy = tiny::folder() + "/\xfe.npy";
  std::string tokens = tiny::folder() + "/tokens";
  tiny::writeBytes(tokens, "1 2");
  ended = run("./eval logits % --json --tokens " + tokens + " -o " + npy);
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_NE(ended.out.find("/\\ufffd.npy"), std::string::npos) << ended.out;
}

TEST_F(ToolsTest, EvalMeasures) {
  std::string text = tiny::folder() + "/text";
  tiny::writeBytes(text, std::string(64, 'd'));
  Ended ended = run("./eval perplexity % --json --ctx 16 -f " + text);
  EXPECT_EQ(ended.code, 0) << ended.err;
  Json json = this->json(ended.out);
  EXPECT_EQ(json["chunks"], 4);
  EXPECT_NEAR(json["perplexity"].get<double>(), 637.9, 1);
  EXPECT_EQ(
      run("./eval perplexity % --ctx 16 -f " + text).out.find("perplexity 63"),
      0u);
  ended = run("./eval kl % " + other + " --json -f " + text + " --ctx 32");
  EXPECT_EQ(ended.code, 0) << ended.err;
  json = this->json(ended.out);
  EXPECT_EQ(json["tokens"], 64);
  EXPECT_EQ(json["same_top"], 1.0);
  EXPECT_GT(json["nmse"].get<double>(), 0);
  EXPECT_EQ(run("./eval kl % % -f " + text + " --ctx 32").out,
            "mean KL 0, largest 0, same top 100.00 %, NMSE 0 (64 tokens)\n");
}

TEST_F(ToolsTest, InspectIsStableTextAndJson) {
  Ended ended = run("./inspect %");
  EXPECT_EQ(ended.code, 0);
  EXPECT_EQ(ended.out, run("./inspect %").out);
  for (const char *part :
       {"artifact version 13, ", "section weights ",
        "state 0: blk.0 kv_cache f32, 1 heads, key 1, value 1, page of 128 "
        "bytes\n",
        "regime 1: up to 8 tokens, arena of 128 bytes, 4 launches\n",
        "    1 | remember(arena+0x0, state 0) tokens/2 x1  ; blk.0 1\n"})
    EXPECT_NE(ended.out.find(part), std::string::npos) << part;
  Json json = this->json(run("./inspect % --json").out);
  EXPECT_EQ(json["targets"][0]["plan"]["regimes"][0]["launches"][3]["kernel"],
            "head");
  ended = run("./inspect ./inspect");
  EXPECT_EQ(ended.code, 1);
  EXPECT_EQ(ended.err, "inspect: error: './inspect': not a compiled model: the "
                       "file does not begin with the artifact's magic\n");
}

TEST_F(ToolsTest, InspectExplainsWhatTheReportHolds) {
  Ended ended = run("./inspect % --explain");
  EXPECT_EQ(ended.code, 1);
  EXPECT_EQ(ended.err, "inspect: error: '" + model +
                           "': its report explains nothing; compile it "
                           "again\n");
  // Of a stranger's report, what can be read.
  tiny::Parts parts;
  parts.kernels = tiny::kernels();
  parts.report = R"({"machine": 3, "layers": [{"name": "blk.0", "fired":
      [{"fusion": "fuse-x\u001b"}, 4]}], "steps": [{"tokens": 1, "launches":
      [{"layer": "blk.0", "label": "blk.0.mm", "seconds": 0.5}, null]}]})";
  std::string strange = tiny::write(parts, "strange.bin");
  ended = run("./inspect --explain " + strange);
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_NE(ended.out.find("blk.0\n  fired: fuse-x"), std::string::npos)
      << ended.out;
  EXPECT_NE(ended.out.find("  mm "), std::string::npos) << ended.out;
  EXPECT_EQ(ended.out.find('\x1b'), std::string::npos) << ended.out;
  ended = run("./inspect --explain --json " + strange);
  EXPECT_EQ(json(ended.out)["machine"], 3);
}

TEST_F(ToolsTest, FrontFindsThePrograms) {
  EXPECT_EQ(run("./sinter run % -p abc -n 4 --temp 0").out, "abcjjjj\n");
  EXPECT_EQ(run("./sinter --help").out.find("usage: sinter PROGRAM"), 0u);
  Ended ended = run("./sinter fly");
  EXPECT_EQ(ended.code, 2);
  EXPECT_EQ(ended.err.find("sinter: error: no program 'fly', expected one of:"),
            0u);
}

/// The page on the format shows a real artifact, byte for byte.
TEST_F(ToolsTest, DocumentShowsWhatInspectPrints) {
  std::string page = tiny::readBytes(SINTER_SOURCE "/docs/artifact.md");
  std::string plain = tiny::write({}, "plain.bin");
  std::string text = run("./inspect " + plain).out;
  EXPECT_NE(page.find("```\n" + text + "```\n"), std::string::npos)
      << "docs/artifact.md should show:\n"
      << text;
}

} // namespace
