#!/usr/bin/env python3
"""Checks the rules of the house that a compiler cannot: who may include whom,
names that derive from one stem, sizes, banned words. Prints one line per
finding; warnings do not fail. Test: test/compiler/layout.test
"""
import argparse
import pathlib
import re
import sys

FOLDERS = ["runtime", "dialects", "frontends", "passes", "codegen",
           "compiler", "tools", "test"]

# Headers of the runtime that are the contract with the compiler: the bytes of
# the artifact, what the vocabulary section holds, who judges it, what a launch
# should take, how JSON is read, and the way errors travel.
CONTRACT = {"runtime/ArtifactFormat.h", "runtime/ArtifactBytes.h",
            "runtime/DeviceCode.h", "runtime/Plan.h",
            "runtime/Vocabulary.h", "runtime/Tokenizer.h", "runtime/Status.h",
            "runtime/LaunchCost.h", "runtime/Prediction.h",
            "runtime/JsonText.h"}

# Folder (or program) -> folders whose headers it may include.
MAY_INCLUDE = {
    "runtime": {"runtime"},
    "dialects": {"dialects"},
    "frontends": {"frontends", "dialects"},
    "passes": {"passes", "dialects"},
    "codegen": {"codegen", "dialects"},
    "compiler": {"compiler", "frontends", "dialects", "passes", "codegen"},
    "tools": {"runtime", "tools"},
    "tools/compile": {"compiler", "runtime", "tools"},
    "tools/TileTuning": {"compiler", "runtime", "tools"},
    "tools/sinter-opt": {"compiler", "dialects", "passes"},
}
MAY_READ_CONTRACT = {"frontends", "codegen", "compiler", "tools/compile"}
WITHOUT_LLVM = {"runtime", "dialects/formats", "tools"}
WITH_LLVM = {"tools/compile", "tools/sinter-opt"}

VERBS = {"infer", "choose", "legalize", "check", "fuse", "lower", "select",
         "pipeline", "plan", "form", "merge", "inline", "collapse", "update",
         "pack"}
# Passes for tests, or run by the driver outside its table.
NOT_IN_PIPELINE = {"inline-regions", "check-engagement"}

DRAWERS = re.compile(r"Util|Helper|Common|Manager|[Mm]isc\b")
LIBRARY_BANS = [(r"\bcl::opt\b", "cl::opt"), (r"\bstd::cout\b", "std::cout"),
                (r"\b(std::)?_?exit\(", "exit"), (r"\bthrow\b", "throw")]
BANS = [(r"\b(TODO|FIXME)\b", "an open TODO")]
MACROS = re.compile(r"#define (SINTER_\w+_H\b|SINTER_TRY\(|GEN_PASS_|GET_|"
                    r"XXH_INLINE_ALL)")
MAX_DEPTH = 3
FILE_LINES, FILE_LINES_HARD = 300, 600
FUNCTION_LINES, FUNCTION_LINES_HARD = 50, 100
COLUMNS = 80
# Of all golden models together.
GOLDEN_BYTES = 20_000_000


class Findings:
    def __init__(self, root):
        self.root, self.errors, self.warnings = root, 0, 0

    def error(self, path, message):
        self.errors += 1
        print(f"{path}: error: {message}")

    def warn(self, path, message):
        self.warnings += 1
        print(f"{path}: warning: {message}")


def source_files(root):
    """Every file of the tree that we write, as paths relative to root."""
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(root)


def unit_of(path):
    """The row of the include table for a file: its program, or its folder."""
    if path.parts[0] == "tools":
        program = "tools/" + path.stem
        return program if program in MAY_INCLUDE else "tools"
    return path.parts[0]


def check_includes(path, text, findings):
    unit = unit_of(path)
    own = str(path.with_suffix(".h"))
    includes = re.findall(r'^#include ([<"])([^">]+)[">]', text, re.M)
    if (path.suffix == ".cpp" and (findings.root / own).exists()
            and (not includes or includes[0][1] != own)):
        findings.error(path, f"does not include its own header {own} first")
    if path.parts[0] == "test":
        return
    without_llvm = unit not in WITH_LLVM and any(
        str(path).startswith(prefix + "/") for prefix in WITHOUT_LLVM)
    for _, name in includes:
        folder = name.split("/")[0]
        if folder in ("llvm", "mlir", "lld", "llvm-c", "mlir-c"):
            if without_llvm:
                findings.error(path, f"includes {name}, but must not see LLVM")
            continue
        if folder not in FOLDERS or folder in MAY_INCLUDE[unit]:
            continue
        if name in CONTRACT and unit in MAY_READ_CONTRACT:
            continue
        findings.error(path, f"includes {name}; {unit} may include "
                             f"{', '.join(sorted(MAY_INCLUDE[unit]))}")


def check_words(path, text, findings):
    if DRAWERS.search(path.stem):
        findings.error(path, "is a drawer; name it by what it holds")
    code = re.sub(r"//.*", "", text)
    bans = list(BANS)
    if path.parts[0] not in ("tools", "test"):
        bans += LIBRARY_BANS
    for pattern, name in bans:
        if re.search(pattern, text if name.startswith("an ") else code):
            findings.error(path, f"has {name}")
    for line in re.findall(r"^#define .*", code, re.M):
        if not MACROS.match(line):
            findings.error(path, f"defines a macro: {line.split('(')[0]}")


def check_shape(path, text, findings):
    lines = text.split("\n")
    if not lines[0].startswith("//"):
        findings.error(path, "does not begin with a sentence of purpose")
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS:
            findings.error(f"{path}:{number}",
                           f"has {len(line)} columns, at most {COLUMNS}")
    if path.suffix == ".h":
        guard = "SINTER_" + re.sub(r"[/.]", "_", str(path)).upper()
        # dialects/sinter/Sinter.h says SINTER once less.
        parts = [part for part in path.parts if part != path.stem.lower()]
        short = "SINTER_" + re.sub(r"[/.]", "_", "/".join(parts)).upper()
        if not {f"#ifndef {guard}", f"#ifndef {short}"} & set(lines):
            findings.error(path, f"has no header guard {guard}")


def check_functions(path, text, findings):
    """Counts the lines of bodies at the outermost level that is a function."""
    start = None
    for number, line in enumerate(text.split("\n"), 1):
        indent = len(line) - len(line.lstrip(" "))
        if start is None:
            opens = indent <= 2 and re.search(r"\).*{$", line) and \
                not re.match(r" *(if|for|while|switch|} else)\b|.*=\s*{$", line)
            if opens:
                start = (number, indent)
        elif indent == start[1] and re.match(r" *}", line):
            length = number - start[0] + 1
            where = f"{path}:{start[0]}"
            if length > FUNCTION_LINES_HARD:
                findings.error(where, f"function has {length} lines, at most "
                                      f"{FUNCTION_LINES_HARD}")
            elif length > FUNCTION_LINES:
                findings.warn(where, f"function has {length} lines, meant are "
                                     f"{FUNCTION_LINES}")
            start = None


def check_size(path, text, findings):
    count = text.count("\n")
    if count > FILE_LINES_HARD:
        findings.error(path, f"has {count} lines, at most {FILE_LINES_HARD}")
    elif count > FILE_LINES:
        findings.warn(path, f"has {count} lines, meant are {FILE_LINES}")


def kebab(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def check_pass(name, base, stem, root, row_names, findings):
    entry = f"passes/Passes.td: {name}"
    if kebab(name) != stem:
        findings.error(entry, f"has the stem {stem}, expected {kebab(name)}")
    if stem.split("-")[0] not in VERBS:
        findings.error(entry, f"begins with none of {', '.join(sorted(VERBS))}")
    found = list((root / "passes").glob(f"*/{name}.cpp"))
    if len(found) != 1:
        findings.error(entry, f"needs one file passes/*/{name}.cpp, "
                              f"found {len(found)}")
    elif f"GEN_PASS_DEF_{name.upper()}" not in found[0].read_text():
        findings.error(entry, f"is not defined in {found[0].name}")
    if not (root / f"test/passes/{stem}.mlir").exists():
        findings.error(entry, f"has no test test/passes/{stem}.mlir")
    if row_names is not None and stem not in row_names | NOT_IN_PIPELINE:
        findings.error(entry, "has no row in compiler/Pipeline.cpp")
    if base != "FusionPass" or len(found) != 1:
        return
    if found[0].parent.name != "fusion":
        findings.error(entry, "is a fusion outside passes/fusion")
    if f'.stem = "{stem}"' not in found[0].read_text():
        findings.error(entry, f"has no Fusion record with the stem {stem}")


def check_stems(root, findings):
    """Passes.td <-> file <-> record <-> test <-> row of the pipeline."""
    td = root / "passes/Passes.td"
    if not td.exists():
        return
    passes = re.findall(r'^def (\w+) : (\w+)<"([\w-]+)"', td.read_text(), re.M)
    pipeline = root / "compiler/Pipeline.cpp"
    row_names = set(re.findall(r'\{Stage::\w+, "([\w-]+)"',
                               pipeline.read_text())) \
        if pipeline.exists() else None
    for name, base, stem in passes:
        check_pass(name, base, stem, root, row_names, findings)
    stems = {stem for _, _, stem in passes}
    names = {name for name, _, _ in passes}
    for path in sorted((root / "passes/fusion").glob("*.cpp")):
        if path.stem not in names:
            findings.error(path.relative_to(root), "is no pass of Passes.td")
    # A pass that asks codegen is compiler/'s own, and only in the pipeline.
    tested = stems | (row_names or set())
    for path in sorted((root / "test/passes").glob("*.mlir")):
        if not any(path.stem.startswith(stem) for stem in tested):
            findings.error(path.relative_to(root), "tests no pass")
    compiler = "".join(path.read_text()
                       for path in sorted((root / "compiler").glob("*.cpp")))
    for row in sorted((row_names or set()) - stems):
        if f'"sinter-{row}"' not in compiler:
            findings.error("compiler/Pipeline.cpp", f"names no pass: {row}")


def check_golden(root, findings):
    """A clone stays small: what needs more room goes to ../shared."""
    folder = root / "test/golden"
    size = sum(path.stat().st_size for path in folder.glob("*"))
    if size > GOLDEN_BYTES:
        findings.error(folder.relative_to(root), f"has {size} bytes, at most "
                                                 f"{GOLDEN_BYTES}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parent.parent)
    root = parser.parse_args().root
    findings = Findings(root)
    for path in source_files(root):
        if path.name == "CMakeLists.txt" and len(path.parts) > 2:
            findings.error(path, "is a second CMakeLists.txt of its folder")
        if path.suffix not in (".h", ".cpp", ".cuh", ".td", ".py", ".sh"):
            continue
        if len(path.parts) - 1 > MAX_DEPTH:
            findings.error(path, f"lies {len(path.parts) - 1} folders deep, "
                                 f"at most {MAX_DEPTH}")
        text = (root / path).read_text()
        check_size(path, text, findings)
        if path.suffix not in (".h", ".cpp", ".cuh"):
            continue
        check_includes(path, text, findings)
        check_words(path, text, findings)
        check_shape(path, text, findings)
        check_functions(path, text, findings)
    check_stems(root, findings)
    check_golden(root, findings)
    print(f"{findings.errors} errors, {findings.warnings} warnings")
    return 1 if findings.errors else 0


if __name__ == "__main__":
    sys.exit(main())
