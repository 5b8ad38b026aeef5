#!/bin/sh
# Every test: installs what is missing, builds everything, runs GoogleTest,
# lit and golden end-to-end suites, then the fuzz targets under sanitizers.
# Ends with `N passed, N failed, N skipped`; fails if a test or a stage failed.
#   FUZZ_SECONDS=60  time of a fuzz target, on average; 0 leaves the stage out
#   JOBS=N           parallel jobs
set -eu
. "$(dirname -- "$0")/setup.sh"
cd "$root"

began=$(date +%s)
times=
broken=

# Runs a stage: its name, then a command. Notes its time, and failure.
stage() {
  name=$1
  shift
  start=$(date +%s)
  echo
  say "$name: $*"
  "$@" || broken="$broken $name"
  seconds=$(($(date +%s) - start))
  times="$times$(printf '  %-16s %2d min %02d s' "$name" $((seconds / 60)) \
    $((seconds % 60)))
"
}

# Ends the script early when what follows could not run.
need() {
  if [ -n "$broken" ]; then
    printf '%s' "$times"
    say "stopped:$broken failed"
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
  fi
}

# shellcheck disable=SC2086 # a list
stage set-up install_packages $test_packages
need
jobs=$(count_jobs)
fuzz_seconds=${FUZZ_SECONDS:-60}
results=$root/build/results
rm -rf "$results"
mkdir -p "$results"

stage configure cmake --preset release
need
stage build ninja -C build -j"$jobs"
need
stage units ctest --test-dir build -E '^lit$' -j"$jobs" --output-on-failure \
  --no-tests=error --output-junit "$results/units.xml"
stage lit env LIT_OPTS="-j$jobs --xunit-xml-output=$results/lit.xml" \
  ninja -C build check-lit
for table in build/test/lit/e2e/Output/*.table; do
  [ ! -f "$table" ] || (echo && basename "$table" && cat "$table")
done

if [ "$fuzz_seconds" -gt 0 ]; then
  stage damage build/bin/compile test/golden/qwen2.Q4_K_M.gguf \
    -o build/damage.sinter --target x86-64-v3 --progress=none
  stage fuzz-configure cmake --preset asan \
    -DSINTER_FUZZ_SECONDS="$fuzz_seconds" \
    -DSINTER_FUZZ_ARTIFACT="$root/build/damage.sinter"
  stage fuzz-build ninja -C build-asan -j"$jobs" fuzzers
  # Programs that came through a run of this length once need no second one.
  stamp=build-asan/fuzz-clean
  tried=$(sha256sum build-asan/fuzz/*Fuzz build-asan/fuzz/*Corrupt \
    build/damage.sinter; echo "$fuzz_seconds s")
  if [ -z "$broken" ] && [ "$tried" = "$(cat "$stamp" 2>/dev/null)" ]; then
    say "fuzz: nothing changed since the last clean run"
  else
    before=$broken
    stage fuzz ctest --test-dir build-asan -L fuzz -j"$jobs" \
      --output-on-failure --no-tests=error --output-junit "$results/fuzz.xml"
    [ "$broken" != "$before" ] || echo "$tried" >"$stamp"
  fi
fi

echo
printf '%s' "$times"
seconds=$(($(date +%s) - began))
printf '  %-16s %2d min %02d s\n' together $((seconds / 60)) $((seconds % 60))
[ -z "$broken" ] || say "failed stages:$broken"
# shellcheck disable=SC2086 # a list
python3 tools/sum_results.py "$results" $broken && [ -z "$broken" ]
