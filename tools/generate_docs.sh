#!/bin/sh
# Writes the op and pass documents from TableGen into docs/generated, or into
# the folder given; check-docs compares the two.
set -eu
cd "$(dirname "$0")/.."
out=${1:-docs/generated}
llvm=${LLVM_PREFIX:-/usr/lib/llvm-19}
tblgen="$llvm/bin/mlir-tblgen -I . -I $llvm/include"
mkdir -p "$out"
$tblgen --gen-dialect-doc -dialect=sinter dialects/sinter/AllOps.td \
  -o "$out/sinter.md"
$tblgen --gen-dialect-doc -dialect=tile dialects/tile/TileClasses.td \
  -o "$out/tile.md"
$tblgen --gen-dialect-doc -dialect=plan dialects/plan/Plan.td \
  -o "$out/plan.md"
$tblgen --gen-pass-doc passes/Passes.td -o "$out/passes.md"
