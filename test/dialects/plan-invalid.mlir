// RUN: sinter-opt %s --verify-diagnostics --split-input-file

// expected-error @below {{serves steps of at least one token, found 0}}
plan.regime max_tokens 0 arena 0 {
}

// -----

plan.regime max_tokens 8 arena 0 {
  // expected-error @below {{counts its items by 'heads'; expected one, tokens or rows}}
  plan.launch @k operands [] items "heads" count 1 tile 1 label "l"
}

// -----

plan.regime max_tokens 8 arena 0 {
  // expected-error @below {{needs count and tile of at least 1, found 0 and 1}}
  plan.launch @k operands [] items "one" count 0 tile 1 label "l"
}

// -----

// expected-error @below {{expects parent op 'plan.regime'}}
plan.launch @k operands [] items "one" count 1 tile 1 label "l"

// -----

plan.regime max_tokens 8 arena 64 {
  // expected-error @below {{has a barrier and a batch_barrier; one includes the other}}
  plan.launch @k operands [] items "one" count 1 tile 1 barrier batch_barrier label "l"
}
