// RUN: sinter-opt %s --split-input-file --verify-diagnostics --sinter-check-engagement="require=pack-gdn-projections,collapse-gdn-output,update-gdn-state-in-place,fuse-gdn-conv,fuse-gated-norm"

// Two delta nets, of which one has two formats twice, and a state space whose
// convolution has no norm behind it.
#model = #sinter.model<family = "x", layers = 3, attention = 0, ffn = 3, hidden = 8, vocabulary = 16, trainedContext = 64, counts = {convolutions = 3 : i64, delta_nets = 2 : i64, delta_projections = 3 : i64, gated_norms = 2 : i64, state_spaces = 1 : i64}>
module attributes {sinter.model = #model} {
  func.func @step() attributes {sinter.fused = {"pack-gdn-projections" = 3 : i64, "collapse-gdn-output" = 3 : i64, "update-gdn-state-in-place" = 3 : i64, "fuse-gdn-conv" = 3 : i64, "fuse-gated-norm" = 2 : i64}} {
    return
  }
}

// -----

// A box less than the formats allow, and a matcher that knows no state space:
// nothing is asked of the program, which has no such op left.
#model = #sinter.model<family = "x", layers = 3, attention = 0, ffn = 3, hidden = 8, vocabulary = 16, trainedContext = 64, counts = {convolutions = 3 : i64, delta_nets = 2 : i64, delta_projections = 4 : i64, gated_norms = 3 : i64, state_spaces = 1 : i64}>
module attributes {sinter.model = #model} {
  // expected-error @below {{fusion 'pack-gdn-projections' fired 2 times, expected 4; refused: formats differ x2 (first at blk.0.attn_gate)}}
  // expected-error @below {{fusion 'collapse-gdn-output' fired 2 times, expected 3; no refusals}}
  // expected-error @below {{fusion 'update-gdn-state-in-place' fired 2 times, expected 3; no refusals}}
  // expected-error @below {{fusion 'fuse-gdn-conv' fired 0 times, expected 3; no refusals}}
  // expected-error @below {{fusion 'fuse-gated-norm' fired 2 times, expected 3; no refusals}}
  func.func @step() attributes {
      sinter.fused = {"pack-gdn-projections" = 2 : i64, "collapse-gdn-output" = 2 : i64, "update-gdn-state-in-place" = 2 : i64, "fuse-gdn-conv" = 0 : i64, "fuse-gated-norm" = 2 : i64},
      sinter.refused = {"pack-gdn-projections" = ["formats differ x2 (first at blk.0.attn_gate)"]}} {
    return
  }
}

// -----

// No recurrent layer: nothing is expected.
#model = #sinter.model<family = "llama", layers = 1, attention = 1, ffn = 1, hidden = 8, vocabulary = 16, trainedContext = 64>
module attributes {sinter.model = #model} {
  func.func @step() attributes {sinter.fused = {"pack-gdn-projections" = 0 : i64, "collapse-gdn-output" = 0 : i64, "update-gdn-state-in-place" = 0 : i64, "fuse-gdn-conv" = 0 : i64, "fuse-gated-norm" = 0 : i64}} {
    return
  }
}
