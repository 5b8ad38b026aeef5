// RUN: sinter-opt %s --split-input-file --verify-diagnostics

func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @below {{names weight @w, which is not declared}}
  %a = sinter.layer_norm %x, @w epsilon 1.0e-5 : tensor<?x64xf32>
  return
}

// -----

sinter.weight @w : tensor<32xf32> at 0 : 0
func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @below {{norms rows of 64 with @w of 'tensor<32xf32>'}}
  %a = sinter.layer_norm %x, @w epsilon 1.0e-5 : tensor<?x64xf32>
  return
}

// -----

sinter.weight @w : tensor<64xf32> at 0 : 0
sinter.weight @b : tensor<16xf32> at 0 : 0
func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @below {{norms rows of 64 with @b of 'tensor<16xf32>'}}
  %a = sinter.layer_norm %x, @w bias @b epsilon 1.0e-5 : tensor<?x64xf32>
  return
}

// -----

sinter.weight @w : tensor<64xf32> at 0 : 0
func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @below {{splits rows of 64 into 3 heads}}
  %a = sinter.layer_norm %x, @w epsilon 1.0e-5 heads 3 : tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @below {{'sinter.unit_norm' op splits rows of 64 into 3 heads}}
  %a = sinter.unit_norm %x epsilon 1.0e-5 heads 3 : tensor<?x64xf32>
  return
}
