// Declares the sinter dialect, its types and the two attributes that carry
// facts about chip and model: everything later stages know comes from here.
#ifndef SINTER_DIALECTS_SINTER_TD
#define SINTER_DIALECTS_SINTER_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"

def Sinter_Dialect : Dialect {
  let name = "sinter";
  let cppNamespace = "::sinter";
  let summary = "A language model as its paper writes it: ops on tensors, with states";
  let description = [{
    Activations are tensors whose leading dimension is the token dimension T,
    dynamic. Weights are symbols. What changes over time is a state.
  }];
  let useDefaultAttributePrinterParser = 1;
  let extraClassDeclaration = [{
    ::mlir::Type parseType(::mlir::DialectAsmParser &parser) const override;
    void printType(::mlir::Type type,
                   ::mlir::DialectAsmPrinter &printer) const override;
    void registerTypes();
    void registerAttributes();
    /// For groups of ops that have a header of their own.
    template <typename... Ops> void addGroup() { addOperations<Ops...>(); }
  }];
}

class Sinter_Type<string name, string typeMnemonic>
    : TypeDef<Sinter_Dialect, name> {
  let mnemonic = typeMnemonic;
}

def Sinter_BatchType : Sinter_Type<"Batch", "batch"> {
  let summary = "opaque handle of one step";
  let description = [{
    Per token its sequence slot, position and whether logits are wanted; per
    sequence its block table. Example: `!sinter.batch`.
  }];
}

def Sinter_KvCacheType : Sinter_Type<"KvCache", "kv_cache"> {
  let summary = "keys and values of one layer, paged, by sequence";
  let description = [{
    Example: `!sinter.kv_cache<heads = 8, keys = 128, values = 128, f16>`. With
    `, window = 4096` a token is forgotten once that many follow it: what reads
    the cache sees at most the last 4096 positions, its own included.
    One head without values (`values = 0`): each value is the beginning of its
    key, and keys lie row by row (`sinter.latent_attention`). choose-cache-element
    makes of `f16` what a user asks for, or a target multiplies best: `bf16`,
    `f8E4M3FN`, or `!sinter.q8_0`, signed bytes with a scale for 32 columns.
  }];
  let parameters = (ins "unsigned":$heads, "unsigned":$keys,
                        "unsigned":$values, "::mlir::Type":$element,
                        DefaultValuedParameter<"unsigned", "0">:$window);
  let assemblyFormat = [{
    `<` `heads` `=` $heads `,` `keys` `=` $keys `,` `values` `=` $values `,`
    $element (`,` `window` `=` $window^)? `>`
  }];
  let genVerifyDecl = 1;
}

def Sinter_RecurrentType : Sinter_Type<"Recurrent", "recurrent"> {
  let summary = "what a layer carries from token to token, by sequence";
  let description = [{
    float32 [heads, keys, values] for each sequence slot, zero before a
    sequence's first token. A convolution's window of the last 3 rows of 8192
    is `<heads = 1, keys = 3, values = 8192>`. Example:
    `!sinter.recurrent<heads = 32, keys = 128, values = 128>`.
  }];
  let parameters = (ins "unsigned":$heads, "unsigned":$keys,
                        "unsigned":$values);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Numbers in a slot.
    uint64_t elements() const {
      return uint64_t(getHeads()) * getKeys() * getValues();
    }
  }];
}

def Sinter_StateType : AnyTypeOf<[Sinter_KvCacheType, Sinter_RecurrentType]>;

def Sinter_Q8Type : Sinter_Type<"Q8", "q8"> {
  let summary = "activations as 8-bit integers, one float32 scale per 32";
  let description = [{
    Only as element type of a tensor. `sums` says which sums of a block are
    kept beside it (a set of Q8Sums bits, dialects/tile/ActivationLayout.h),
    because the weight formats that read the row need them: 1 codes32, 2
    mins32, 4 codes16, 8 mins16, 128 and 256 the row again as 4-bit floats; plus
    16 times log2 of the code offset by which the integer sums are multiplied.
    Example: `tensor<?x1024x!sinter.q8<1>>`.
  }];
  let parameters = (ins "unsigned":$sums);
  let assemblyFormat = "`<` $sums `>`";
  let genVerifyDecl = 1;
}

def Sinter_BlockType : Sinter_Type<"Block", "block"> {
  let summary = "element of a block-quantised weight, named like its format";
  let description = [{
    Printed as the format's own name, one of dialects/formats/catalogue.
    Example: `tensor<2048x1024x!sinter.q4_k>`.
  }];
  let parameters = (ins "const ::sinter::Format *":$format);
  // Parsed and printed by the dialect: the mnemonic is the format's name.
  let hasCustomAssemblyFormat = 1;
}

class Sinter_Attr<string name, string attrMnemonic>
    : AttrDef<Sinter_Dialect, name> {
  let mnemonic = attrMnemonic;
}

def Sinter_TargetAttr : Sinter_Attr<"Target", "target"> {
  let summary = "facts of the chip that code is made for";
  let description = [{
    Example: `#sinter.target<level = "x86-64-v4", features = "avx512vnni",
    cores = 2, l1 = 32768, l2 = 1048576, l3 = 33554432>`. Features are the
    comma-separated extras above the level; caches are bytes per core (l3: in
    all). `prefetch`: how many bytes software prefetches of a stream should run
    ahead; 0 where the hardware's own do better alone. `prefetchInto`: the cache
    that they fill, 1 or 2. `rates`, of a GPU: what
    it does in a second, `bandwidth` (bytes of its memory), `clock` (cycles) and
    dense operations on `f32`, `f16`, `bf16`, `int8`, `fp8`, `fp4`.
  }];
  let parameters = (ins StringRefParameter<"ISA level">:$level,
                        StringRefParameter<"extras">:$features,
                        "unsigned":$cores, "uint64_t":$l1, "uint64_t":$l2,
                        "uint64_t":$l3,
                        DefaultValuedParameter<"unsigned", "4096">:$prefetch,
                        DefaultValuedParameter<"unsigned", "2">:$prefetchInto,
                        OptionalParameter<"::mlir::DictionaryAttr">:$rates);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    bool hasFeature(::llvm::StringRef feature) const;
    /// One of `rates`; 0 where it is not known.
    double rate(::llvm::StringRef what) const;
  }];
}

def Sinter_ModelAttr : Sinter_Attr<"Model", "model"> {
  let summary = "facts of the model, from which expected fusion counts follow";
  let description = [{
    Example: `#sinter.model<family = "qwen3", layers = 28, attention = 28,
    ffn = 28, hidden = 1024, vocabulary = 151936, trainedContext = 40960>`:
    `attention` and `ffn` count the layers that have such a block. `counts`
    holds what does not follow from them, by name: `rotated` attention whose
    heads turn with their position, `gated` feed-forward blocks with a gate,
    `summed_norms` norms of the residual stream behind a sum, `experts` mixtures
    of experts; and of recurrent layers `delta_nets`, `state_spaces`,
    `convolutions`, `gated_norms`, and `delta_projections`, the formats that
    projections of one delta net share, over all layers.
  }];
  let parameters = (ins StringRefParameter<"family">:$family,
                        "unsigned":$layers, "unsigned":$attention,
                        "unsigned":$ffn, "unsigned":$hidden,
                        "unsigned":$vocabulary, "unsigned":$trainedContext,
                        OptionalParameter<"::mlir::DictionaryAttr">:$counts);
  let assemblyFormat = "`<` struct(params) `>`";
  let extraClassDeclaration = [{
    /// `counts` of `what`, or `otherwise` where nothing is said.
    unsigned count(::llvm::StringRef what, unsigned otherwise) const;
  }];
}

def Sinter_ResultAttr : Sinter_Attr<"Result", "result"> {
  let summary = "what a row that the step gives stands for, if not logits";
  let description = [{
    `kind`: embedding, or scores, of a rank head or of classes. `pooled`: there
    is a row for each sequence, asked for by its last token; else for any token.
    `whole`: all tokens of a sequence are in one step, since some look at those
    behind them. `positions`: how many the model has learned; 0: any.
    Example: `#sinter.result<kind = "embedding", width = 384, pooled = true,
    whole = true, positions = 512>`.
  }];
  let parameters = (ins StringRefParameter<"embedding or scores">:$kind,
                        "unsigned":$width, "bool":$pooled, "bool":$whole,
                        DefaultValuedParameter<"unsigned", "0">:$positions);
  let assemblyFormat = "`<` struct(params) `>`";
}

def Sinter_RopeAttr : Sinter_Attr<"Rope", "rope"> {
  let summary = "how positions rotate a head";
  let description = [{
    `width` leading elements of each head rotate; pair i is (i, i + width/2)
    when `neox`, else (2i, 2i+1); its frequency is base^(-2i/width), divided by
    `factors`[i] if given, then scaled by YaRN if `yarn` (paper: 2309.00071,
    parameters scale factor, original context, extrapolation mix, attention
    factor, beta fast, beta slow) or divided by `linear`. `temperature` =
    [scale, length] multiplies the rotated head by
    1 + scale * ln(1 + floor(position / length)), so all of it must rotate.
    Where a session's context is longer than `longFrom`, `longFactors` stand in
    for `factors` (LongRoPE, arXiv 2402.13753).
    Example: `#sinter.rope<width = 128, base = 1.0e6 : f64, neox = true>`.
  }];
  let parameters = (ins "unsigned":$width, "::mlir::FloatAttr":$base, "bool":$neox,
      OptionalParameter<"::mlir::FlatSymbolRefAttr">:$factors,
      OptionalParameter<"::mlir::FloatAttr">:$linear,
      OptionalParameter<"::mlir::DenseF64ArrayAttr">:$yarn,
      OptionalParameter<"::mlir::DenseF64ArrayAttr">:$temperature,
      OptionalParameter<"::mlir::FlatSymbolRefAttr">:$longFactors,
      DefaultValuedParameter<"unsigned", "0">:$longFrom);
  let assemblyFormat = "`<` struct(params) `>`";
}

#endif // SINTER_DIALECTS_SINTER_TD
