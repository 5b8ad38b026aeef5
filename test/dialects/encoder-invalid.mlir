// RUN: sinter-opt %s --split-input-file --verify-diagnostics

sinter.weight @p.weight : tensor<512x64xf32> at 0 : 0
func.func @f(%batch: !sinter.batch) {
  // expected-error @below {{chooses rows by 'chance', expected position or first}}
  %a = sinter.embed_rows %batch, @p.weight by "chance" : tensor<?x64xf32>
  return
}

// -----

func.func @f(%batch: !sinter.batch) {
  // expected-error @below {{names weight @p.weight, which is not declared}}
  %a = sinter.embed_rows %batch, @p.weight by "first" : tensor<?x64xf32>
  return
}

// -----

sinter.weight @p.weight : tensor<512x32xf32> at 0 : 0
func.func @f(%batch: !sinter.batch) {
  // expected-error @below {{reads rows of 'tensor<512x32xf32>' but gives 'tensor<?x64xf32>'}}
  %a = sinter.embed_rows %batch, @p.weight by "first" : tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>, %batch: !sinter.batch) {
  // expected-error @below {{pools by 'last', expected mean or first}}
  %a = sinter.pool %x, %batch "last" : tensor<?x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x64xf32>) {
  // expected-error @below {{requires the same type for all operands and results}}
  %a = "sinter.softmax"(%x) : (tensor<?x64xf32>) -> tensor<?x32xf32>
  return
}
