// Skeleton classes of recurrent layers: kernels that walk the tokens of each
// sequence in order, and what stands around them.
#ifndef SINTER_DIALECTS_TILE_RECURRENT_SKELETONS_TD
#define SINTER_DIALECTS_TILE_RECURRENT_SKELETONS_TD

include "dialects/tile/TileBase.td"

// `inPlace`: the operand of the state is the pool itself, of which the kernel
// uses the slot of each sequence; a sequence's first token starts from zeros.
// Otherwise there are two operands, the states before (as rows) and behind:
// the row of a sequence's first token is its state.

def Tile_ScanAttr : Tile_SkeletonAttr<"Scan", "scan", ["products"]> {
  let summary = "gated delta rule or Mamba-2";
  let description = [{
    `delta`: operands mixed rows [q | k | v], alpha rows, beta rows, decay,
    bias, state (one or two), output rows: `sinter.gated_delta_net`. Otherwise
    mixed rows [v | k | q], alpha rows, decay, bias, skip, state, output:
    `sinter.ssm_scan`, whose B, C and x are k, q and v. Key head of value head
    h: h / (valueHeads / keyHeads) if `grouped`, else h mod keyHeads.

    A state is [valueHeads][valueWidth / block][keyWidth][block] float32, with
    block = scanBlock(valueWidth); one item is one block of one head, for all
    tokens of the step. Items: valueHeads * valueWidth / block.

    With `chunk` (`delta` alone) the tokens of a chunk are multiplied with each
    other: an item is a head of the sequence whose first token of the step it
    belongs to, and a state has further rows, up to `stateRows` a head, behind
    those of all heads. Items: tokens * valueHeads.
  }];
  let parameters = (ins "bool":$delta, "unsigned":$keyHeads,
      "unsigned":$valueHeads, "unsigned":$keyWidth, "unsigned":$valueWidth,
      "unsigned":$mixedStride, "unsigned":$alphaStride,
      DefaultValuedParameter<"unsigned", "0">:$betaStride,
      OptionalParameter<"::mlir::FloatAttr">:$epsilon,
      DefaultValuedParameter<"bool", "false">:$grouped,
      DefaultValuedParameter<"bool", "false">:$inPlace,
      DefaultValuedParameter<"unsigned", "0">:$chunk,
      DefaultValuedParameter<"unsigned", "0">:$stateRows);
}

def Tile_ConvAttr : Tile_SkeletonAttr<"Conv", "conv", ["products"]> {
  let summary = "short causal convolution of each column";
  let description = [{
    Operands: input rows, weight [channels][taps], [bias], window, output rows:
    `sinter.short_conv`, followed by SiLU with `silu`. `inPlace`: the window is
    the pool of states, whose slots are written too. `shift`: operands input
    rows, windows before, windows behind: `sinter.conv_window`. Items:
    ceil(channels / 64).
  }];
  let parameters = (ins "unsigned":$channels, "unsigned":$taps,
      "unsigned":$stride, DefaultValuedParameter<"bool", "false">:$bias,
      DefaultValuedParameter<"bool", "false">:$silu,
      DefaultValuedParameter<"bool", "false">:$inPlace,
      DefaultValuedParameter<"bool", "false">:$shift);
}

def Tile_StateCopyAttr : Tile_SkeletonAttr<"StateCopy", "state_copy",
    ["products"]> {
  let summary = "recurrent states to rows, or rows to states";
  let description = [{
    Operands: pool of states, rows (`store`: rows, pool). Items:
    ceil(elements / 4096).
  }];
  let parameters = (ins "unsigned":$elements,
      DefaultValuedParameter<"bool", "false">:$store);
}

def Tile_HeadColumnsAttr : Tile_SkeletonAttr<"HeadColumns", "head_columns"> {
  let summary = "the same run of columns of each head, side by side";
  let description = [{
    Operands: input rows, output rows. Of each head of `headWidth` columns, its
    part of the output's from `offset` on. Items: tokens * heads.
  }];
  let parameters = (ins "unsigned":$heads, "unsigned":$headWidth,
      "unsigned":$offset, "unsigned":$stride,
      "::sinter::tile::RowAttr":$output);
}

def Tile_GatedNormAttr : Tile_SkeletonAttr<"GatedNorm", "gated_norm"> {
  let summary = "RMS norm of groups of columns, times or after silu(gate)";
  let description = [{
    Operands: input rows, [gate rows], weight, output rows. `wide`: the weight
    is as wide as the row, else as a group. `gateStride` 0: no gate;
    `gateFirst`: norm(silu(gate) * x), else silu(gate) * norm(x). Items:
    tokens * (width / group).
  }];
  let parameters = (ins "::sinter::tile::RowAttr":$input,
      "::sinter::tile::RowAttr":$output, "unsigned":$group,
      "::mlir::FloatAttr":$epsilon,
      DefaultValuedParameter<"unsigned", "0">:$gateStride,
      DefaultValuedParameter<"bool", "false">:$gateFirst,
      DefaultValuedParameter<"bool", "false">:$wide);
}

#endif // SINTER_DIALECTS_TILE_RECURRENT_SKELETONS_TD
