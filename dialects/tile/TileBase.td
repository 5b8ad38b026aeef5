// What every part of the tile dialect is declared with: the dialect itself, its
// attributes' form, and the interface of skeleton classes. A group of classes
// that stands alone has a .td of its own, which includes this one.
#ifndef SINTER_DIALECTS_TILE_BASE_TD
#define SINTER_DIALECTS_TILE_BASE_TD

include "dialects/sinter/Sinter.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpBase.td"

def Tile_Dialect : Dialect {
  let name = "tile";
  let cppNamespace = "::sinter::tile";
  let summary = "Kernels: a skeleton class, a tile, typed holes; and their launches";
  let description = [{
    A `tile.kernel` holds one class attribute (`#tile.gemm`, `#tile.norm` …)
    and, where its class has an epilogue hole, a body of scalar float32 arith
    and math ops that the target's printer turns into vectors. `tile.launch`
    calls a kernel on tensors, packed weights and states.
  }];
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::sinter::SinterDialect"];
  let extraClassDeclaration = [{
    void registerAttributes();
    /// For groups of ops that have a header of their own.
    template <typename... Ops> void addGroup() { addOperations<Ops...>(); }
  }];
}

class Tile_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<Tile_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
  let assemblyFormat = "`<` struct(params) `>`";
}

def Tile_Skeleton : AttrInterface<"Skeleton"> {
  let cppNamespace = "::sinter::tile";
  let description = [{
    What a skeleton class says of its kernels, so that passes and plan need not
    know the classes.
  }];
  let methods = [
    InterfaceMethod<"How the work items of a launch are counted.",
                    "::sinter::tile::ItemShape", "itemShape",
                    (ins "const ::sinter::tile::Tiling &":$tiling)>,
    InterfaceMethod<"What a launch multiplies, for reports and benchmarks.",
                    "::sinter::tile::Products", "products", (ins), "", [{
                      return {};
                    }]>,
    InterfaceMethod<"Whether a kernel may have a body.", "bool", "hasHole",
                    (ins), "", [{ return false; }]>,
    InterfaceMethod<"The form for steps of few tokens, bound by memory; null "
                    "if it is the same.",
                    "::mlir::Attribute", "decodeForm", (ins), "", [{
                      return {};
                    }]>
  ];
}

// A skeleton class; itemShape is written by hand, and what `also` names.
class Tile_SkeletonAttr<string name, string attrMnemonic,
                        list<string> also = []>
    : Tile_Attr<name, attrMnemonic,
                [DeclareAttrInterfaceMethods<Tile_Skeleton, also>]>;

#endif // SINTER_DIALECTS_TILE_BASE_TD
