// What layers with a state of fixed size compute: short convolutions, the gated
// delta rule, the scan of state space models, and what stands around them.
#ifndef SINTER_DIALECTS_SINTER_RECURRENT_OPS_TD
#define SINTER_DIALECTS_SINTER_RECURRENT_OPS_TD

include "dialects/sinter/Elementwise.td"
include "dialects/sinter/SinterOpBase.td"

// States as values are rows too: the row of a sequence's first token of the
// step holds its state, the others nothing.

def Sinter_StateLoadOp : Sinter_Op<"state_load"> {
  let summary = "the states of the step's sequences, as rows";
  let description = [{
    The row of each sequence's first token of the step holds its state, zeros
    where that token is the first of all (position 0).

    ```mlir
    %s = sinter.state_load %state, %batch : !sinter.recurrent<heads = 1, keys = 3, values = 512> -> tensor<?x1536xf32>
    ```
  }];
  let arguments = (ins
      Arg<Sinter_RecurrentType, "the state read", [MemRead]>:$state,
      Sinter_BatchType:$batch);
  let results = (outs Sinter_Rows:$result);
  let assemblyFormat =
      "$state `,` $batch attr-dict `:` type($state) `->` type($result)";
  let hasVerifier = 1;
}

def Sinter_StateStoreOp : Sinter_Op<"state_store"> {
  let summary = "makes rows the states of the step's sequences";
  let description = [{
    ```mlir
    sinter.state_store %s, %state, %batch : tensor<?x1536xf32>, !sinter.recurrent<heads = 1, keys = 3, values = 512>
    ```
  }];
  let arguments = (ins Sinter_Rows:$rows,
      Arg<Sinter_RecurrentType, "the state written", [MemWrite]>:$state,
      Sinter_BatchType:$batch);
  let assemblyFormat =
      "$rows `,` $state `,` $batch attr-dict `:` type($rows) `,` type($state)";
  let hasVerifier = 1;
}

def Sinter_ShortConvOp : Sinter_Op<"short_conv", [Pure,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "causal convolution of each column over a few tokens";
  let description = [{
    result[t][c] = Σ_j weight[c][j] · x[t - taps + 1 + j][c] (+ bias[c]);
    `window` holds the taps - 1 rows before the step's first of a sequence,
    the oldest first.

    ```mlir
    %c = sinter.short_conv %x, %window, %batch by @blk.0.ssm_conv1d.weight : (tensor<?x512xf32>, tensor<?x1536xf32>) -> tensor<?x512xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows:$input, Sinter_Rows:$window,
      Sinter_BatchType:$batch, FlatSymbolRefAttr:$weight,
      OptionalAttr<FlatSymbolRefAttr>:$bias);
  let results = (outs Sinter_Rows:$result);
  let assemblyFormat = [{
    $input `,` $window `,` $batch `by` $weight (`bias` $bias^)? attr-dict `:`
    `(` type($input) `,` type($window) `)` `->` type($result)
  }];
}

def Sinter_ConvWindowOp : Sinter_Op<"conv_window", [Pure,
    AllTypesMatch<["window", "result"]>]> {
  let summary = "the window behind this step's tokens";
  let description = [{
    The last rows of window and input together, as `short_conv` wants them at
    the next step.

    ```mlir
    %w = sinter.conv_window %x, %window, %batch : tensor<?x512xf32>, tensor<?x1536xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows:$input, Sinter_Rows:$window,
                       Sinter_BatchType:$batch);
  let results = (outs Sinter_Rows:$result);
  let assemblyFormat = [{
    $input `,` $window `,` $batch attr-dict `:` type($input) `,` type($window)
  }];
  let hasVerifier = 1;
}

def Sinter_GatedDeltaNetOp : Sinter_Op<"gated_delta_net", [Pure,
    AllTypesMatch<["state", "next"]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the gated delta rule, token by token";
  let description = [{
    arXiv 2412.06464. A row of `mixed` is queries and keys of `keyHeads` heads,
    then values of `valueHeads` heads. For each value head with its state S
    [key, value], q and k divided by sqrt(Σx² + epsilon), q also by
    sqrt(key width):

      S ← exp(decay · softplus(alpha + bias)) · S
      S ← S + k ⊗ (sigmoid(beta) · (v - kᵀS))
      result = qᵀS

    Value head h uses key head h mod keyHeads, or, if `grouped`,
    h / (valueHeads / keyHeads). The result has a dimension of 1 between tokens
    and columns, as states of several sequences give it.

    With `chunk` the sums are those of so many tokens at a time, at multiples of
    it in a sequence: the same up to rounding. What is kept of an unfinished
    chunk, chunk * (key width + value width + 1) numbers a head, is further rows
    of the state.

    ```mlir
    %o, %s1 = sinter.gated_delta_net %mixed, %alpha, %beta, %s, %batch decay @blk.0.ssm_a bias @blk.0.ssm_dt.bias heads 2 : 4 epsilon 1.0e-6 : (tensor<?x512xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x16384xf32>) -> tensor<?x1x256xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows:$mixed, Sinter_Rows:$alpha,
      Sinter_Rows:$beta, Sinter_Rows:$state, Sinter_BatchType:$batch,
      FlatSymbolRefAttr:$decay, FlatSymbolRefAttr:$bias, I64Attr:$keyHeads,
      I64Attr:$valueHeads, F64Attr:$epsilon, UnitAttr:$grouped,
      OptionalAttr<I64Attr>:$chunk);
  let results = (outs Sinter_Rows:$result, Sinter_Rows:$next);
  let assemblyFormat = [{
    $mixed `,` $alpha `,` $beta `,` $state `,` $batch `decay` $decay `bias`
    $bias `heads` $keyHeads `:` $valueHeads `epsilon` $epsilon
    (`grouped` $grouped^)? (`chunk` $chunk^)? attr-dict `:` `(` type($mixed) `,` type($alpha) `,`
    type($beta) `,` type($state) `)` `->` type($result)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Columns of a key and of a value head, from the rows' widths.
    int64_t keyWidth();
    int64_t valueWidth();
    /// Rows of a head's state if it works by so many tokens at a time; 0: one.
    int64_t stateRows(int64_t chunk);
  }];
}

def Sinter_SsmScanOp : Sinter_Op<"ssm_scan", [Pure,
    AllTypesMatch<["state", "next"]>,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the scan of Mamba-2, token by token";
  let description = [{
    arXiv 2405.21060. A row of `mixed` is x of `heads` heads, then B and C of
    `groups` groups. For each head with its state S [state, column], B and C of
    its group, d = softplus(dt + bias):

      S ← exp(decay · d) · S + B ⊗ (d · x)
      result = Cᵀ S + skip · x

    ```mlir
    %y, %s1 = sinter.ssm_scan %mixed, %dt, %s, %batch decay @blk.0.ssm_a bias @blk.0.ssm_dt.bias skip @blk.0.ssm_d heads 8 groups 2 : (tensor<?x768xf32>, tensor<?x8xf32>, tensor<?x32768xf32>) -> tensor<?x1x512xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows:$mixed, Sinter_Rows:$dt, Sinter_Rows:$state,
      Sinter_BatchType:$batch, FlatSymbolRefAttr:$decay,
      FlatSymbolRefAttr:$bias, FlatSymbolRefAttr:$skip, I64Attr:$heads,
      I64Attr:$groups);
  let results = (outs Sinter_Rows:$result, Sinter_Rows:$next);
  let assemblyFormat = [{
    $mixed `,` $dt `,` $state `,` $batch `decay` $decay `bias` $bias `skip`
    $skip `heads` $heads `groups` $groups attr-dict `:` `(` type($mixed) `,`
    type($dt) `,` type($state) `)` `->` type($result)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Columns of a head of x, and of B or C of a group.
    int64_t valueWidth();
    int64_t stateWidth();
  }];
}

def Sinter_GroupedNormOp : Sinter_Op<"grouped_norm", [Pure,
    SameOperandsAndResultType,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "RMS norm of each group of columns, with a weight per column";
  let description = [{
    As `sinter.rms_norm`, but the weight is as wide as the row.

    ```mlir
    %n = sinter.grouped_norm %y, @blk.0.ssm_norm.weight groups 2 epsilon 1.0e-6 : tensor<?x1x512xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows:$input, FlatSymbolRefAttr:$weight,
                       I64Attr:$groups, F64Attr:$epsilon);
  let results = (outs Sinter_Rows:$result);
  let assemblyFormat = [{
    $input `,` $weight `groups` $groups `epsilon` $epsilon attr-dict `:`
    type($result)
  }];
}

def Sinter_HeadColumnsOp : Sinter_Op<"head_columns", [Pure]> {
  let summary = "the same run of columns of each head";
  let description = [{
    A row is `heads` heads of equal width; the result has of each the columns
    from `offset` on, side by side.

    ```mlir
    %gate = sinter.head_columns %q heads 4 at 64 : tensor<?x512xf32> -> tensor<?x256xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows:$input, I64Attr:$heads, I64Attr:$offset);
  let results = (outs Sinter_Rows:$result);
  let assemblyFormat = [{
    $input `heads` $heads `at` $offset attr-dict `:` type($input) `->`
    type($result)
  }];
  let hasVerifier = 1;
}

def Sinter_FoldOp : Sinter_Op<"fold", [Pure]> {
  let summary = "rows without a dimension of 1, or with it again";
  let description = [{
    The same bytes.

    ```mlir
    %f = sinter.fold %o : tensor<?x1x256xf32> -> tensor<?x256xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows:$input);
  let results = (outs Sinter_Rows:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Sinter_SiluOp : Sinter_Op<"silu",
    [Pure, SameOperandsAndResultType, Sinter_HasFormula]> {
  let summary = "x / (1 + exp(-x))";
  let description = [{
    arXiv 1702.03118.

    ```mlir
    %s = sinter.silu %x : tensor<?x512xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows:$input);
  let results = (outs Sinter_Rows:$result);
  let assemblyFormat = "$input attr-dict `:` type($result)";
}

def Sinter_MulOp : Sinter_Op<"mul",
    [Pure, Commutative, SameOperandsAndResultType, Sinter_HasFormula]> {
  let summary = "elementwise product";
  let description = [{
    ```mlir
    %p = sinter.mul %x, %y : tensor<?x512xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows:$lhs, Sinter_Rows:$rhs);
  let results = (outs Sinter_Rows:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` type($result)";
}

def Sinter_SigmoidGateOp : Sinter_Op<"sigmoid_gate",
    [Pure, SameOperandsAndResultType, Sinter_HasFormula]> {
  let summary = "x / (1 + exp(-gate))";
  let description = [{
    The output gate of attention (arXiv 2505.06708).

    ```mlir
    %g = sinter.sigmoid_gate %o, %gate : tensor<?x256xf32>
    ```
  }];
  let arguments = (ins Sinter_Rows:$input, Sinter_Rows:$gate);
  let results = (outs Sinter_Rows:$result);
  let assemblyFormat = "$input `,` $gate attr-dict `:` type($result)";
}

#endif // SINTER_DIALECTS_SINTER_RECURRENT_OPS_TD
