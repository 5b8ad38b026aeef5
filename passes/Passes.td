// Every pass: what it is called, what it does, its options. All run on the
// module, because weights and facts are symbols and attributes of it.
#ifndef SINTER_PASSES_PASSES_TD
#define SINTER_PASSES_PASSES_TD

include "mlir/Pass/PassBase.td"

class ModulePass<string stem> : Pass<"sinter-" # stem, "::mlir::ModuleOp">;

// A fusion draws boxes (passes/FusionPass.h) and has one record of type Fusion.
class FusionPass<string stem> : ModulePass<stem> {
  let options = [
    Option<"remarks", "remarks", "bool", "false",
           "Emit a remark for every box drawn and every refusal">
  ];
}

//=== sinter dialect: formats, fallbacks, checks ===//

def ChooseActivationFormat : ModulePass<"choose-activation-format"> {
  let summary = "gives matmuls of integer weights 8-bit activations";
  let description = [{
    A matmul whose weight is of the affine or codebook family reads its input
    through `sinter.quantize`; plain weights keep float32. Each value is
    quantised once, with the sums that all the formats reading it need, times
    their code offset if they agree on one.

    ```mlir
    %q = sinter.matmul %x, @w : (tensor<?x256xf32>) -> tensor<?x64xf32>
    // becomes, where @w is of q4_k:
    %x8 = sinter.quantize %x : tensor<?x256xf32> -> tensor<?x256x!sinter.q8<2>>
    %q = sinter.matmul %x8, @w : (tensor<?x256x!sinter.q8<2>>) -> tensor<?x64xf32>
    ```
  }];
}

def ChooseCacheElement : ModulePass<"choose-cache-element"> {
  let summary = "lets caches hold what is asked for, or bfloat16 where fast";
  let description = [{
    On a target with `avx512bf16`, the caches of a step that multiplies a
    matrix which takes 8-bit activations hold bf16 instead of f16. Latent
    caches stay as they are, and so do those of a step with routed experts.
    With `element` caches of f16 hold that, or it is an error: latent ones hold
    f16 or f32, heads of q8_0 are multiples of 32 wide, of fp8 and bf16 of 4.

    ```mlir
    func.func @step(%x: tensor<?x256xf32>, %kv: !sinter.kv_cache<heads = 2, keys = 64, values = 64, f16>)
    // becomes, where a matmul's weight is of q4_k:
    func.func @step(%x: tensor<?x256xf32>, %kv: !sinter.kv_cache<heads = 2, keys = 64, values = 64, bf16>)
    ```
  }];
  let options = [
    Option<"element", "element", "std::string", "\"auto\"",
           "What caches of f16 become: auto, bf16, q8_0 or fp8">
  ];
}

def ChooseFloat4Activations : ModulePass<"choose-float4-activations"> {
  let summary = "gives matrices of 4-bit floats activations of 4-bit floats";
  let description = [{
    Where the target has `fp4`, rows that matrices of mxfp4 or nvfp4 read hold
    4-bit floats too, beside their bytes. Only `compile --activations fp4` runs
    this pass: it trades accuracy for speed.

    ```mlir
    %x8 = sinter.quantize %x : tensor<?x256xf32> -> tensor<?x256x!sinter.q8<65>>
    // becomes, where a matmul of it has a weight of mxfp4:
    %x8 = sinter.quantize %x : tensor<?x256xf32> -> tensor<?x256x!sinter.q8<193>>
    ```
  }];
}

def ChooseScanForm : ModulePass<"choose-scan-form"> {
  let summary = "lets gated delta nets work on 16 tokens at a time";
  let description = [{
    Where the target has matrix units that take the heads' sizes. The state gets
    rows for what is kept of an unfinished chunk. Only `compile --scan chunked`
    runs this pass.

    ```mlir
    func.func @step(%pool: !sinter.recurrent<heads = 32, keys = 128, values = 128>)
    // becomes, where a gated_delta_net of heads of 128 by 128 has that state:
    func.func @step(%pool: !sinter.recurrent<heads = 32, keys = 161, values = 128>)
    ```
  }];
}

def InlineRegions : ModulePass<"inline-regions"> {
  let summary = "replaces every region by its body";
  let description = [{
    What remains is the program without fusions: tests compare it with the
    program that was given.

    ```mlir
    %y = sinter.region "swiglu" (%x) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
    ^bb0(%a: tensor<?x8xf32>):
      %b = sinter.swiglu %a, %a : tensor<?x8xf32>
      sinter.yield %b : tensor<?x8xf32>
    }
    // becomes
    %y = sinter.swiglu %x, %x : tensor<?x8xf32>
    ```
  }];
}

def LegalizeForTarget : ModulePass<"legalize-for-target"> {
  let summary = "inlines regions without a kernel on the target";
  let description = [{
    Region kinds and their conditions are a table per target family
    (passes/graph/TargetKernels.cpp), chosen by the module's `sinter.target`.
    An op without a kernel is an error that names op, target and layer. What
    was inlined is listed in the function's `sinter.inlined`.

    ```mlir
    %y = sinter.region "unknown_kind" (%x) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
    ^bb0(%a: tensor<?x8xf32>):
      %b = sinter.add %a, %a : tensor<?x8xf32>
      sinter.yield %b : tensor<?x8xf32>
    }
    // becomes
    %y = sinter.add %x, %x : tensor<?x8xf32>
    ```
  }];
  let options = [
    Option<"remarks", "remarks", "bool", "false",
           "Emit a remark for every region inlined">
  ];
}

def CheckEngagement : ModulePass<"check-engagement"> {
  let summary = "fails unless a required fusion fired as often as the model promises";
  let description = [{
    Counts stand in the function's `sinter.fused`; expected counts follow from
    the module's `sinter.model`. The error gives both and the refusals.

    ```mlir
    module attributes {sinter.model = #sinter.model<family = "llama", layers = 2, attention = 2, ffn = 2, hidden = 8, vocabulary = 16, trainedContext = 64>} {
      func.func @step() attributes {sinter.fused = {"fuse-swiglu" = 2 : i64}} { return }
    }
    ```
  }];
  let options = [
    ListOption<"require", "require", "std::string",
               "Fusions that must fire as often as expected">
  ];
}

//=== sinter dialect: fusions ===//

def PackGdnProjections : FusionPass<"pack-gdn-projections"> {
  let summary = "boxes the matmuls that feed one gated delta net";
  let description = [{
    Alpha and beta, and queries, keys, values and gate, become one matmul over
    joined weights where their formats agree.

    ```mlir
    %b = sinter.matmul %x, @beta : (tensor<?x256xf32>) -> tensor<?x32xf32>
    %a = sinter.matmul %x, @alpha : (tensor<?x256xf32>) -> tensor<?x32xf32>
    // becomes
    %b, %a = sinter.region "projections" (%x) ...   // the two ops inside
    ```
  }];
}

def CollapseGdnOutput : FusionPass<"collapse-gdn-output"> {
  let summary = "boxes a recurrence's output projection with its fold";
  let description = [{
    The product of one row at a time becomes one of all rows.

    ```mlir
    %y = sinter.matmul %o, @out : (tensor<?x1x64xf32>) -> tensor<?x1x32xf32>
    %f = sinter.fold %y : tensor<?x1x32xf32> -> tensor<?x32xf32>
    // becomes
    %f = sinter.region "collapsed" (%o) ...   // the two ops inside
    ```
  }];
}

def UpdateGdnStateInPlace : FusionPass<"update-gdn-state-in-place"> {
  let summary = "boxes a recurrence with the load and store of its state";
  let description = [{
    The kernel finds each sequence's slot and works in it.

    ```mlir
    %s = sinter.state_load %state, %batch ...
    %o, %t = sinter.gated_delta_net ..., %s, %batch ...
    sinter.state_store %t, %state, %batch ...
    // becomes
    %o = sinter.region "state_in_place" (..., %state, %batch) ...
    ```
  }];
}

def FuseGdnConv : FusionPass<"fuse-gdn-conv"> {
  let summary = "boxes a short convolution with its window and SiLU";
  let description = [{
    Load, convolution, shift, store and SiLU become one kernel.

    ```mlir
    %c = sinter.short_conv %x, %w, %batch by @k ...
    %s = sinter.silu %c : tensor<?x512xf32>
    // becomes, with load, shift and store of the window
    %s = sinter.region "gdn_conv" (%state, %batch, %x) ...
    ```
  }];
}

def FuseGatedNorm : FusionPass<"fuse-gated-norm"> {
  let summary = "boxes a norm with the gate behind or before it";
  let description = [{
    ```mlir
    %n = sinter.rms_norm %o, @w epsilon 1.0e-6 : tensor<?x1x256xf32>
    %g = sinter.swiglu %z, %n : tensor<?x1x256xf32>
    // becomes
    %g = sinter.region "gated_norm" (%o, %z) ...   // the two ops inside
    ```
  }];
}

def MergeProjections : FusionPass<"merge-projections"> {
  let summary = "boxes the matmuls of one input and one format";
  let description = [{
    Query, key and value, or gate and up, become one matmul over joined
    weights: one launch, one pass over the input.

    ```mlir
    %q = sinter.matmul %x, @wq : (tensor<?x256xf32>) -> tensor<?x64xf32>
    %k = sinter.matmul %x, @wk : (tensor<?x256xf32>) -> tensor<?x32xf32>
    // becomes
    %q, %k = sinter.region "projections" (%x) : (tensor<?x256xf32>) -> (tensor<?x64xf32>, tensor<?x32xf32>) {
    ^bb0(%a: tensor<?x256xf32>):
      %b = sinter.matmul %a, @wq : (tensor<?x256xf32>) -> tensor<?x64xf32>
      %c = sinter.matmul %a, @wk : (tensor<?x256xf32>) -> tensor<?x32xf32>
      sinter.yield %b, %c : tensor<?x64xf32>, tensor<?x32xf32>
    }
    ```
  }];
}

def FuseSwiglu : FusionPass<"fuse-swiglu"> {
  let summary = "boxes the merged gate and up projection with its swiglu";
  let description = [{
    The two wide results never reach memory.

    ```mlir
    %g, %u = sinter.region "projections" (%x) ...
    %s = sinter.swiglu %g, %u : tensor<?x64xf32>
    // becomes
    %s = sinter.region "swiglu" (%x) ...   // the two ops inside
    ```
  }];
}

def FuseMoeRegion : FusionPass<"fuse-moe-region"> {
  let summary = "boxes a mixture of experts, from router to weighted sum";
  let description = [{
    Gate and up of an expert become one product with the activation in it, for
    tensors that are apart and for joined ones.

    ```mlir
    %l = sinter.matmul %x, @router : (tensor<?x64xf32>) -> tensor<?x8xf32>
    %i, %w = sinter.route %l softmax : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
    %g = sinter.expert_matmul %x, %i, @gate ...
    %u = sinter.expert_matmul %x, %i, @up ...
    %h = sinter.swiglu %g, %u : tensor<?x2x32xf32>
    %d = sinter.expert_matmul %h, %i, @down ...
    %y = sinter.combine %d, %w ...
    // becomes
    %y = sinter.region "moe" (%x) ...   // the ops inside
    ```
  }];
}

def FuseResidualNorm : FusionPass<"fuse-residual-norm"> {
  let summary = "boxes a residual sum with the norm that reads it";
  let description = [{
    The region yields the sum too where something else reads it.

    ```mlir
    %s = sinter.add %x, %a : tensor<?x64xf32>
    %n = sinter.rms_norm %s, @w epsilon 1.0e-6 : tensor<?x64xf32>
    // becomes
    %s, %n = sinter.region "residual_norm" (%x, %a) ...   // the two ops inside
    ```
  }];
}

def FuseRopeCacheWrite : FusionPass<"fuse-rope-cache-write"> {
  let summary = "boxes head norms, rotation and cache write of a layer";
  let description = [{
    Inputs are query, key, value, cache and batch; the result is the rotated
    query.

    ```mlir
    %qr = sinter.rope %q, %batch heads 4 #rope : tensor<?x64xf32>
    %kr = sinter.rope %k, %batch heads 2 #rope : tensor<?x32xf32>
    sinter.cache_write %kr, %v, %kv, %batch : tensor<?x32xf32>, tensor<?x32xf32>, !kv
    // becomes
    %qr = sinter.region "rope_cache_write" (%q, %k, %v, %kv, %batch) ...
    ```
  }];
}

def FuseActQuant : FusionPass<"fuse-act-quant"> {
  let summary = "boxes a quantisation with what produces its rows";
  let description = [{
    Producers: rms_norm, attention, swiglu, and the regions residual_norm and
    swiglu, which stay as they are inside. To run after the other fusions.

    ```mlir
    %n = sinter.rms_norm %x, @w epsilon 1.0e-6 : tensor<?x64xf32>
    %n8 = sinter.quantize %n : tensor<?x64xf32> -> tensor<?x64x!sinter.q8<1>>
    // becomes
    %n8 = sinter.region "act_quant" (%x) ...   // the two ops inside
    ```
  }];
}

//=== sinter -> tile ===//

def LowerToTile : ModulePass<"lower-to-tile"> {
  let summary = "turns ops and regions into launches of kernels";
  let description = [{
    One op or region becomes one `tile.launch`; equal kernels and constants
    exist once. A region that no kernel computes in one piece is inlined.

    ```mlir
    %n = sinter.rms_norm %x, @w.weight epsilon 1.0e-6 : tensor<?x64xf32>
    // becomes
    tile.vector @w.f32 from [@w.weight]
    tile.kernel @rms_norm_f32_n64 #tile.norm<...>
    %n = tile.launch @rms_norm_f32_n64 (%x) [@w.f32] order ["i0", "s0", "o0"] label "w rms_norm" : (tensor<?x64xf32>) -> tensor<?x64xf32>
    ```
  }];
  let dependentDialects = ["::sinter::tile::TileDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect"];
}

def SelectTiles : ModulePass<"select-tiles"> {
  let summary = "one function per regime, and a tile for every kernel";
  let description = [{
    @step becomes @decode (few tokens, bound by memory) and @prefill; each
    kernel gets a `#tile.config` from `#sinter.target`.

    ```mlir
    tile.kernel @k #tile.norm<...>
    // becomes
    tile.kernel @k #tile.norm<...> config #tile.config<>
    ```
  }];
  let options = [
    Option<"decodeTokens", "decode-tokens", "unsigned", "8",
           "Tokens of the largest step of the decode regime">,
    Option<"prefillTokens", "prefill-tokens", "unsigned", "512",
           "Tokens of the largest step">,
    Option<"remarks", "remarks", "bool", "false",
           "Emit a remark for every choice">
  ];
  let dependentDialects = ["::sinter::tile::TileDialect"];
}

def ChooseAttentionSplits : ModulePass<"choose-attention-splits"> {
  let summary = "lets several blocks of a GPU share a token's context";
  let description = [{
    In @decode, where the cost model finds it faster, attention becomes a
    kernel that leaves the sums of parts of the context and one that folds them.

    ```mlir
    %o = tile.launch @att (%q, %kv) [] order ["i0", "i1", "o0"] label "a" : ...
    // becomes
    %s = tile.launch @att_splits (%q, %kv) [] order ["i0", "i1", "o0"] label "a" : ...
    %o = tile.launch @att_merge (%s) [] order ["i0", "o0"] label "a merge" : ...
    ```
  }];
  let options = [
    Option<"remarks", "remarks", "bool", "false",
           "Emit a remark for every choice">
  ];
  let dependentDialects = ["::sinter::tile::TileDialect"];
}

//=== tile -> plan ===//

def LowerToPlan : ModulePass<"lower-to-plan"> {
  let summary = "turns each regime's function into a flat launch list";
  let description = [{
    Every value gets a buffer of its own, every launch waits for the one
    before. Weights lie in the order of first use.

    ```mlir
    func.func @decode(...) attributes {sinter.max_tokens = 8 : i64} {...}
    // becomes
    plan.regime max_tokens 8 arena 4096 {...}
    ```
  }];
  let dependentDialects = ["::sinter::plan::PlanDialect"];
}

def PlanMemory : ModulePass<"plan-memory"> {
  let summary = "lets buffers that are never alive together share an arena";
  let description = [{
    Each buffer goes to the smallest gap that is free from its first use to
    its last; a launch waits only if it depends on one since the last barrier.
    In the smallest regime a replicated launch keeps its buffers for two more,
    and what it wrote is waited for by a `batch_barrier` only; what a launch
    with the same shares wrote of an area that both divide, by an
    `unshared_barrier`.

    ```mlir
    plan.regime max_tokens 8 arena 12288 {...}
    // becomes
    plan.regime max_tokens 8 arena 8192 {...}
    ```
  }];
  let dependentDialects = ["::sinter::plan::PlanDialect"];
}

#endif // SINTER_PASSES_PASSES_TD
