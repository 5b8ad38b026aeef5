#!/bin/sh
# What a machine with a GPU says of compiled models, with g++, cmake and python3
# alone: builds the runtime, runs carried artifacts, writes JSON.
#   tools/gpu_check.sh FOLDER [REPORT.json]
# FOLDER holds NAME.sinter, compiled elsewhere with --target sm_XX, and beside
# it, if logits are to be checked, NAME.npy and NAME.limit (the greatest NMSE;
# 1e-5 without one), the logits of the tokens in tokens.txt.
#   BUILD=FOLDER   where to build (default: /tmp/sinter-gpu-check)
#   DEVICE=N       the GPU (default: 0)
#   BENCH_MB=N     artifacts from this size on are measured too (default: 100)
#   LLAMA_BENCH=F  llama.cpp's llama-bench: measured too where NAME.gguf lies
#                  beside NAME.sinter, and the ratios printed
# tools/gpu_carry.py makes such a folder.
# Ends with 0 if all is well, 1 if not, 77 where there is no GPU.
set -eu
root=$(cd "$(dirname -- "$0")/.." && pwd)
folder=${1:?usage: gpu_check.sh FOLDER [REPORT.json]}
report=${2:-gpu_check.json}
build=${BUILD:-/tmp/sinter-gpu-check}

# As the dynamic linker finds it: LD_LIBRARY_PATH counts.
if ! python3 -c 'import ctypes, sys; ctypes.CDLL(sys.argv[1])' \
  "${SINTER_CUDA:-libcuda.so.1}" 2> /dev/null; then
  echo "gpu_check: no GPU here: there is no ${SINTER_CUDA:-libcuda.so.1}" >&2
  exit 77
fi
cmake -S "$root" -B "$build" -DSINTER_RUNTIME_ONLY=ON > "$build.log" 2>&1 &&
  cmake --build "$build" -j "$(nproc)" >> "$build.log" 2>&1 || {
  echo "gpu_check: the runtime does not build; see $build.log" >&2
  exit 1
}
exec python3 "$root/tools/gpu_check.py" "$build/bin" "$folder" "$report" \
  --device "${DEVICE:-0}" --bench-mb "${BENCH_MB:-100}" \
  --logits "$root/test/e2e" ${LLAMA_BENCH:+--llama "$LLAMA_BENCH"}
