#!/bin/sh
# From a fresh clone to text: installs what is missing, builds, compiles the
# bundled models for this machine, and lets them write. Can be run again.
set -eu
. "$(dirname -- "$0")/setup.sh"
cd "$root"

# shellcheck disable=SC2086 # a list
install_packages $build_packages
jobs=$(count_jobs)
mkdir -p build
say "cmake --preset release"
cmake --preset release >build/configure.log 2>&1 || {
  cat build/configure.log >&2
  exit 1
}
say "ninja -C build -j$jobs (the programs only)"
ninja -C build -j"$jobs" sinter-compile sinter-run sinter-eval sinter-inspect

# The hybrid has gated delta nets and experts, the other is a plain transformer.
for name in sinter-demo sinter-hybrid; do
  model=test/models/$name.Q8_0.gguf
  compiled=build/$name.sinter
  say "build/bin/compile $model -o $compiled"
  build/bin/compile "$model" -o "$compiled"
  for prompt in "The capital of France is" "Once upon a time"; do
    echo
    say "build/bin/run $compiled -p \"$prompt\" --temp 0 -n 160"
    build/bin/run "$compiled" -p "$prompt" --temp 0 -n 160
    echo
  done
done

cat <<END

That text came from kernels compiled just now for this processor. Next, try:

  build/bin/run $compiled -p "Lily and Tom went to the" --temp 0.8 --seed 7
  build/bin/run $compiled --info                    # model, target, memory, fusions
  build/bin/compile $model -o /tmp/plain.sinter --fusion-level=0
  build/bin/compile MODEL.gguf -o MODEL.sinter     # --describe-arch=? names the families
  tools/test.sh                                    # every test
END
