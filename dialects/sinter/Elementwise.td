// The interface of ops that compute each element from the same elements of
// their operands: the formula stands with the op, so that lowering needs no
// list of them.
#ifndef SINTER_DIALECTS_SINTER_ELEMENTWISE_TD
#define SINTER_DIALECTS_SINTER_ELEMENTWISE_TD

include "mlir/IR/OpBase.td"

def Sinter_Elementwise : OpInterface<"Elementwise"> {
  let cppNamespace = "::sinter";
  let description = [{
    An op over rows whose operands and result have one shape.
  }];
  let methods = [
    InterfaceMethod<[{
      Builds the value of one element, in scalar float32 arith and math ops,
      from `elements`, one for each operand.
    }], "::mlir::Value", "formula", (ins "::mlir::OpBuilder &":$builder,
                                         "::mlir::Location":$loc,
                                         "::mlir::ValueRange":$elements)>,
    InterfaceMethod<[{
      Whether it is what a feed-forward block computes between its matmuls: of
      one operand, or of gate and up in this order.
    }], "bool", "isActivation", (ins), "", [{ return false; }]>
  ];
}

def Sinter_HasFormula : DeclareOpInterfaceMethods<Sinter_Elementwise>;
def Sinter_IsActivation
    : DeclareOpInterfaceMethods<Sinter_Elementwise, ["isActivation"]>;

#endif // SINTER_DIALECTS_SINTER_ELEMENTWISE_TD
