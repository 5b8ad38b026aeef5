// The plan dialect: what the artifact will say, field for field
// (runtime/ArtifactFormat.h), still readable and verifiable as IR.
#ifndef SINTER_DIALECTS_PLAN_TD
#define SINTER_DIALECTS_PLAN_TD

include "dialects/tile/Tile.td"
include "mlir/IR/RegionKindInterface.td"

def Plan_Dialect : Dialect {
  let name = "plan";
  let cppNamespace = "::sinter::plan";
  let summary = "Launches, buffers, states: what the artifact will say";
  let description = [{
    A `plan.regime` is one flat launch list for steps up to a number of tokens.
    Operands are offsets; nothing is a value any more.
  }];
  let useDefaultAttributePrinterParser = 1;
  let extraClassDeclaration = [{ void registerAttributes(); }];
}

class Plan_Attr<string name, string attrMnemonic> : AttrDef<Plan_Dialect, name> {
  let mnemonic = attrMnemonic;
}

def Plan_OperandAttr : Plan_Attr<"Operand", "operand"> {
  let summary = "where one operand of a launch lies";
  let description = [{
    `kind` is arena (offset in bytes), weight (symbol of a plan.weight), state
    (symbol of a plan.state), rope (symbol of a plan.rope_table) or logits.
    Example: `#plan.operand<"arena" at 4096>`.
  }];
  let parameters = (ins StringRefParameter<"kind">:$kind,
      OptionalParameter<"::mlir::FlatSymbolRefAttr">:$symbol,
      DefaultValuedParameter<"uint64_t", "0">:$offset);
  let assemblyFormat = "`<` $kind (`of` $symbol^)? (`at` $offset^)? `>`";
}

def Plan_WorkAttr : Plan_Attr<"Work", "work"> {
  let summary = "what a launch moves and multiplies, for reports and benchmarks";
  let description = [{
    `weightBytes`: packed weights and biases, read once per step; `products`:
    multiply-adds for each row (token, or output row) of the step;
    `cacheProducts`: multiply-adds for each row and each position it attends
    to; `stateBytes`: recurrent state that it uses in place, `copiedBytes`: that
    it copies, both for each sequence of the step. Where weights are those of
    `experts`, each row reads `top` of them. Example: `#plan.work<weightBytes = 589824, products = 1048576>`.
  }];
  let parameters = (ins DefaultValuedParameter<"uint64_t", "0">:$weightBytes,
      DefaultValuedParameter<"uint64_t", "0">:$products,
      DefaultValuedParameter<"uint64_t", "0">:$cacheProducts,
      DefaultValuedParameter<"bool", "false">:$outputs,
      DefaultValuedParameter<"uint64_t", "0">:$stateBytes,
      DefaultValuedParameter<"uint64_t", "0">:$copiedBytes,
      DefaultValuedParameter<"uint32_t", "0">:$experts,
      DefaultValuedParameter<"uint32_t", "0">:$top);
  let assemblyFormat = "`<` struct(params) `>`";
}

def Plan_SharesAttr : Plan_Attr<"Shares", "shares"> {
  let summary = "how the items of a launch fall to threads by cache head";
  let description = [{
    The items are `parts` one after the other (query heads, then key heads),
    and each part is `count` equal shares. In a step of one token whose threads
    divide `count`, a thread takes the same shares of each part of each launch,
    so that it reads what it wrote itself. Example: `#plan.shares<8 of [16, 8]>`.
  }];
  let parameters = (ins "uint32_t":$count,
      ArrayRefParameter<"int64_t", "items of each part">:$parts);
  let assemblyFormat = "`<` $count `of` ` ` `[` $parts `]` `>`";
  let genVerifyDecl = 1;
}

class Plan_Op<string mnemonic, list<Trait> traits = []>
    : Op<Plan_Dialect, mnemonic, traits>;

def Plan_WeightOp : Plan_Op<"weight", [Symbol]> {
  let summary = "a place in the weights section";
  let description = [{
    ```mlir
    plan.weight @blk.0.qkv at 65536 bytes 2359296
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$offset,
                       I64Attr:$bytes);
  let assemblyFormat = "$sym_name `at` $offset `bytes` $bytes attr-dict";
}

def Plan_StateOp : Plan_Op<"state", [Symbol]> {
  let summary = "a state of the model and the bytes of one of its pages";
  let description = [{
    `page_bytes` of a recurrent state are those of one sequence's slot.

    ```mlir
    plan.state @blk.0.kv : !sinter.kv_cache<heads = 8, keys = 128, values = 128, f16> page_bytes 262144
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       TypeAttrOf<Sinter_StateType>:$type,
                       I64Attr:$pageBytes);
  let assemblyFormat = "$sym_name `:` $type `page_bytes` $pageBytes attr-dict";
}

def Plan_RopeTableOp : Plan_Op<"rope_table", [Symbol]> {
  let summary = "angles filled in before each step";
  let description = [{
    ```mlir
    plan.rope_table @rope frequencies @rope.frequencies pairs 64 magnitude 1.0
    plan.rope_table @hot frequencies @rope.frequencies pairs 64 magnitude 1.0 temperature [0.1, 16384.0]
    ```
    `temperature` is that of `#sinter.rope`. Where `long_from` is not 0, as
    many frequencies again stand behind the first, for sessions whose context
    is longer than that.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       FlatSymbolRefAttr:$frequencies, I64Attr:$pairs,
                       F64Attr:$magnitude,
                       OptionalAttr<DenseF64ArrayAttr>:$temperature,
                       DefaultValuedOptionalAttr<I64Attr, "0">:$longFrom);
  let assemblyFormat = [{
    $sym_name `frequencies` $frequencies `pairs` $pairs `magnitude` $magnitude
    (`temperature` $temperature^)? (`long_from` $longFrom^)? attr-dict
  }];
}

def Plan_RegimeOp : Plan_Op<"regime", [NoTerminator, SingleBlock,
    NoRegionArguments, HasOnlyGraphRegion,
    DeclareOpInterfaceMethods<RegionKindInterface>]> {
  let summary = "the launch list for steps of at most max_tokens tokens";
  let description = [{
    ```mlir
    plan.regime max_tokens 8 arena 1048576 {
      plan.launch @k operands [#plan.operand<"arena" at 64>] items "tokens" count 1 tile 1 label "norm"
    }
    ```
  }];
  let arguments = (ins I64Attr:$maxTokens, I64Attr:$arenaBytes);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat =
      "`max_tokens` $maxTokens `arena` $arenaBytes attr-dict-with-keyword $body";
  let hasVerifier = 1;
}

def Plan_LaunchOp : Plan_Op<"launch", [HasParent<"RegimeOp">]> {
  let summary = "one kernel call: operands, work items, barrier";
  let description = [{
    `items` is one, tokens or rows: the number of work items is count, or
    count * ceil(tokens / tile), or count * ceil(output rows / tile).
    `replicated`: in a step of one token every thread does all items, which
    takes less time than waiting for one that does. `shares`: in a step of one
    token threads divide the items by cache head. `barrier`: all earlier
    launches have ended on all threads; `batch_barrier`: only in steps of
    several tokens; `unshared_barrier`: in those, and where the threads do not
    divide the shares.

    ```mlir
    plan.launch @k operands [#plan.operand<"logits">] items "one" count 64 tile 1 barrier label "head"
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel,
                       TypedArrayAttrBase<Plan_OperandAttr, "operands">:$operands,
                       StrAttr:$items, I64Attr:$count, I64Attr:$tile,
                       OptionalAttr<Plan_SharesAttr>:$shares,
                       UnitAttr:$replicated, UnitAttr:$barrier,
                       UnitAttr:$batchBarrier, UnitAttr:$unsharedBarrier,
                       StrAttr:$label,
                       OptionalAttr<Plan_WorkAttr>:$work);
  let assemblyFormat = [{
    $kernel `operands` $operands `items` $items `count` $count `tile` $tile
    (`shares` $shares^)? (`replicated` $replicated^)? (`barrier` $barrier^)?
    (`batch_barrier` $batchBarrier^)? (`unshared_barrier` $unsharedBarrier^)?
    `label` $label (`work` $work^)? attr-dict
  }];
  let hasVerifier = 1;
}

#endif // SINTER_DIALECTS_PLAN_TD
