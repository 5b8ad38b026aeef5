/// The words in which ops write their formulas: scalar float32 arithmetic, one
/// op of arith or math each.
#ifndef SINTER_DIALECTS_SINTER_SCALARS_H
#define SINTER_DIALECTS_SINTER_SCALARS_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"

namespace sinter {

struct Scalars {
  mlir::OpBuilder &b;
  mlir::Location loc;

  mlir::Value number(double value) const {
    return b.create<mlir::arith::ConstantOp>(
        loc, b.getF32FloatAttr(static_cast<float>(value)));
  }
  mlir::Value add(mlir::Value x, mlir::Value y) const {
    return b.create<mlir::arith::AddFOp>(loc, x, y);
  }
  mlir::Value sub(mlir::Value x, mlir::Value y) const {
    return b.create<mlir::arith::SubFOp>(loc, x, y);
  }
  mlir::Value mul(mlir::Value x, mlir::Value y) const {
    return b.create<mlir::arith::MulFOp>(loc, x, y);
  }
  mlir::Value div(mlir::Value x, mlir::Value y) const {
    return b.create<mlir::arith::DivFOp>(loc, x, y);
  }
  mlir::Value min(mlir::Value x, mlir::Value y) const {
    return b.create<mlir::arith::MinNumFOp>(loc, x, y);
  }
  mlir::Value max(mlir::Value x, mlir::Value y) const {
    return b.create<mlir::arith::MaxNumFOp>(loc, x, y);
  }
  mlir::Value negate(mlir::Value x) const {
    return b.create<mlir::arith::NegFOp>(loc, x);
  }
  mlir::Value exp(mlir::Value x) const {
    return b.create<mlir::math::ExpOp>(loc, x);
  }
  mlir::Value tanh(mlir::Value x) const {
    return b.create<mlir::math::TanhOp>(loc, x);
  }
  /// x / (1 + exp(-y)).
  mlir::Value gated(mlir::Value x, mlir::Value y) const {
    mlir::Value one = number(1.0);
    return div(x, add(one, exp(negate(y))));
  }
};

} // namespace sinter

#endif // SINTER_DIALECTS_SINTER_SCALARS_H
