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
  // expected-error @below {{has two kinds of barrier; one includes the other}}
  plan.launch @k operands [] items "one" count 1 tile 1 barrier batch_barrier label "l"
}

// -----

plan.regime max_tokens 8 arena 64 {
  // expected-error @below {{shares: expected two or more of 1 to 4 parts, found 1 of 1}}
  plan.launch @k operands [] items "one" count 4 tile 1 shares <1 of [4]> label "l"
}

// -----

plan.regime max_tokens 8 arena 64 {
  // expected-error @below {{shares: expected two or more of 1 to 4 parts, found 2 of 5}}
  plan.launch @k operands [] items "one" count 10 tile 1 shares <2 of [2, 2, 2, 2, 2]> label "l"
}

// -----

plan.regime max_tokens 8 arena 64 {
  // expected-error @below {{shares: a part of 6 items is no multiple of 4}}
  plan.launch @k operands [] items "one" count 14 tile 1 shares <4 of [8, 6]> label "l"
}

// -----

plan.regime max_tokens 8 arena 64 {
  // expected-error @below {{has shares of 8 items; expected its 12, counted by one or tokens, and not replicated}}
  plan.launch @k operands [] items "one" count 12 tile 1 shares <4 of [4, 4]> label "l"
}

// -----

plan.regime max_tokens 8 arena 64 {
  // expected-error @below {{has shares of 8 items; expected its 8, counted by one or tokens, and not replicated}}
  plan.launch @k operands [] items "rows" count 8 tile 1 shares <4 of [8]> label "l"
}

// -----

plan.regime max_tokens 8 arena 64 {
  // expected-error @below {{has an unshared_barrier, but no shares}}
  plan.launch @k operands [] items "one" count 8 tile 1 unshared_barrier label "l"
}
