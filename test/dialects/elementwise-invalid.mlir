// RUN: sinter-opt %s --split-input-file --verify-diagnostics

func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @below {{has the cap 0.000000e+00, expected one above 0}}
  %c = sinter.softcap %x at 0.0 : tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %y: tensor<?x32xf32>) {
  // expected-error @below {{requires the same type for all operands and results}}
  %c = "sinter.geglu"(%x, %y) : (tensor<?x64xf32>, tensor<?x32xf32>) -> tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @below {{names weight @w, which is not declared}}
  %c = sinter.scale_by %x, @w : tensor<?x64xf32>
  return
}

// -----

sinter.weight @w : tensor<64xf32> at 0 : 0
func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @below {{multiplies by @w of 'tensor<64xf32>', expected one number}}
  %c = sinter.scale_by %x, @w : tensor<?x64xf32>
  return
}
