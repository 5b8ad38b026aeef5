// RUN: sinter-opt %s --split-input-file --verify-diagnostics --sinter-check-engagement="require=fuse-swiglu,fuse-residual-norm,merge-projections,fuse-rope-cache-write,fuse-act-quant"
// RUN: sinter-opt %s --split-input-file --sinter-check-engagement -o /dev/null
// RUN: not sinter-opt %s --split-input-file --sinter-check-engagement=require=fuse-dream -o /dev/null 2>&1 | FileCheck %s
// CHECK: requires fusion 'fuse-dream'; known are {{.*}}fuse-act-quant, {{.*}}merge-projections, 

// Three blocks of either kind: six projections, five sums that a norm follows.
#model = #sinter.model<family = "llama", layers = 3, attention = 3, ffn = 3, hidden = 8, vocabulary = 16, trainedContext = 64>
module attributes {sinter.model = #model} {
  func.func @step() attributes {sinter.fused = {"fuse-swiglu" = 3 : i64, "fuse-residual-norm" = 5 : i64, "merge-projections" = 6 : i64, "fuse-rope-cache-write" = 3 : i64, "fuse-act-quant" = 0 : i64}} {
    return
  }
}

// -----

#model = #sinter.model<family = "llama", layers = 3, attention = 3, ffn = 3, hidden = 8, vocabulary = 16, trainedContext = 64, counts = {quantised_rows = 9 : i64}>
module attributes {sinter.model = #model} {
  // expected-error @below {{fusion 'fuse-swiglu' fired 2 times, expected 3; refused: gate is not first x1 (first at blk.2.ffn); another x2 (first at b)}}
  // expected-error @below {{fusion 'fuse-residual-norm' fired 4 times, expected 5; no refusals}}
  // expected-error @below {{fusion 'merge-projections' fired 0 times, expected 6; no refusals}}
  // expected-error @below {{fusion 'fuse-rope-cache-write' is required but did not run}}
  // expected-error @below {{fusion 'fuse-act-quant' fired 0 times, expected 9; no refusals}}
  func.func @step() attributes {
      sinter.fused = {"fuse-swiglu" = 2 : i64, "fuse-residual-norm" = 4 : i64, "merge-projections" = 0 : i64, "fuse-act-quant" = 0 : i64},
      sinter.refused = {"fuse-swiglu" = ["gate is not first x1 (first at blk.2.ffn)", "another x2 (first at b)"]}} {
    return
  }
}

// -----

// Formats that differ, gates apart from their halves; and more boxes than the
// model has places for, which some matcher took for one of its own.
#model = #sinter.model<family = "llama", layers = 3, attention = 3, ffn = 3, hidden = 8, vocabulary = 16, trainedContext = 64, counts = {activated = 1 : i64, gated = 1 : i64, projected = 2 : i64, quantised_rows = 2 : i64}>
module attributes {sinter.model = #model} {
  // expected-error @below {{fusion 'merge-projections' fired 4 times, expected 3; no refusals}}
  // expected-error @below {{fusion 'fuse-act-quant' fired 3 times, expected 2; no refusals}}
  func.func @step() attributes {sinter.fused = {"fuse-swiglu" = 1 : i64, "fuse-residual-norm" = 5 : i64, "merge-projections" = 4 : i64, "fuse-rope-cache-write" = 3 : i64, "fuse-act-quant" = 3 : i64}} {
    return
  }
}

// -----

// expected-error @below {{has no sinter.model, from which expected counts follow}}
module {
  func.func @step() {
    return
  }
}
