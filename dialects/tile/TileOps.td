// The ops of the tile dialect.
#ifndef SINTER_DIALECTS_TILE_OPS_TD
#define SINTER_DIALECTS_TILE_OPS_TD

include "dialects/tile/RecurrentSkeletons.td"
include "dialects/tile/Tile.td"

class Tile_Op<string mnemonic, list<Trait> traits = []>
    : Op<Tile_Dialect, mnemonic, traits>;

def Tile_KernelOp : Tile_Op<"kernel", [Symbol, IsolatedFromAbove,
                                       NoTerminator]> {
  let summary = "one kernel: class, tile, and the body of its hole";
  let description = [{
    Named `<op>_<format>_<shape>` so that a profile reads like the report.

    ```mlir
    tile.kernel @swiglu_q4_k_n6144_k1024 #tile.gemm<format = "q4_k", weightRows = 6144, input = <width = 1024, q8 = true, sums = 2>, output = <width = 3072, q8 = true, sums = 2>, segments = 2> config #tile.config<rowGroups = 4, tokens = 8> {
    ^bb0(%g: f32, %u: f32):
      ...
      tile.yield %r : f32
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, AnyAttr:$skeleton,
                       OptionalAttr<Tile_ConfigAttr>:$config);
  let regions = (region AnyRegion:$body);
  let assemblyFormat = [{
    $sym_name $skeleton (`config` $config^)? attr-dict-with-keyword $body
  }];
  let hasVerifier = 1;
}

def Tile_YieldOp : Tile_Op<"yield", [Pure, Terminator,
                                     HasParent<"KernelOp">]> {
  let summary = "the value of a kernel's hole";
  let description = [{
    ```mlir
    tile.yield %r : f32
    ```
  }];
  let arguments = (ins F32:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

def Tile_PackedOp : Tile_Op<"packed", [Symbol]> {
  let summary = "weights joined and packed for one kernel";
  let description = [{
    The rows of `sources` (`sinter.weight` symbols of one format and width),
    one after the other, or in alternating groups of 16 rows. `scales` names
    the tensor scale of each source, or is empty.

    ```mlir
    tile.packed @blk.0.ffn_gate_up from [@blk.0.ffn_gate.weight, @blk.0.ffn_up.weight] alternating
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       TypedArrayAttrBase<FlatSymbolRefAttr, "symbols">:$sources,
                       DefaultValuedOptionalAttr<
                           TypedArrayAttrBase<FlatSymbolRefAttr, "symbols">,
                           "{}">:$scales,
                       UnitAttr:$alternating);
  let assemblyFormat = [{
    $sym_name `from` $sources (`scales` $scales^)?
    (`alternating` $alternating^)? attr-dict
  }];
}

def Tile_VectorOp : Tile_Op<"vector", [Symbol]> {
  let summary = "float32 vectors joined into one constant";
  let description = [{
    Norm weights and biases; any plain source format becomes float32.

    ```mlir
    tile.vector @blk.0.qkv_bias from [@blk.0.attn_q.bias, @blk.0.attn_k.bias]
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       TypedArrayAttrBase<FlatSymbolRefAttr, "symbols">:$sources);
  let assemblyFormat = "$sym_name `from` $sources attr-dict";
}

def Tile_RopeTableOp : Tile_Op<"rope_table", [Symbol]> {
  let summary = "the angles that the runtime fills in before each step";
  let description = [{
    ```mlir
    tile.rope_table @rope #sinter.rope<width = 128, base = 1.0e6 : f64, neox = true>
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, Sinter_RopeAttr:$rope);
  let assemblyFormat = "$sym_name $rope attr-dict";
}

def Tile_ColumnsOp : Tile_Op<"columns", [Pure]> {
  let summary = "a run of columns of wider rows, without a copy";
  let description = [{
    ```mlir
    %k = tile.columns %qkv at 2048 : tensor<?x4096xf32> -> tensor<?x1024xf32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$input, I64Attr:$offset);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat =
      "$input `at` $offset attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Tile_LaunchOp
    : Tile_Op<"launch", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "one kernel call on tensors, constants and states";
  let description = [{
    `order` lists the kernel's operands from first to last: `i0`, `i1` …
    inputs (tensors or states), `s0` … symbols, `o0` … results. `label` is the
    layer and op, for profiles. States among the inputs are written if
    `writesState`.

    ```mlir
    %o = tile.launch @attention_h16 (%q, %kv) [] order ["i0", "i1", "o0"] label "blk.0.attention" : (tensor<?x2048xf32>, !sinter.kv_cache<heads = 8, keys = 128, values = 128, f16>) -> tensor<?x2048xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<AnyType>:$inputs,
                       TypedArrayAttrBase<FlatSymbolRefAttr, "symbols">:$symbols,
                       StrArrayAttr:$order, StrAttr:$label,
                       UnitAttr:$writesState);
  let results = (outs Variadic<AnyType>:$results);
  let assemblyFormat = [{
    $kernel ` ` `(` $inputs `)` $symbols `order` $order `label` $label
    (`writes_state` $writesState^)? attr-dict `:`
    functional-type($inputs, $results)
  }];
  let hasVerifier = 1;
}

#endif // SINTER_DIALECTS_TILE_OPS_TD
