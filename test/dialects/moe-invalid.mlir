// Each message of the verifiers of a mixture of experts.
// RUN: sinter-opt %s --verify-diagnostics --split-input-file

func.func @f(%l: tensor<?x8xf32>) {
  // expected-error @below {{scores by 'tanh', expected softmax, sigmoid or softmax_chosen}}
  %i, %w = sinter.route %l tanh : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @f(%l: tensor<?x8xf32>) {
  // expected-error @below {{'sinter.route' op scores by 'tanh', expected softmax, sigmoid or softmax_chosen}}
  %i, %w = "sinter.route"(%l) <{scoring = "tanh", groups = 1 : i64, usedGroups = 1 : i64, scale = 1.0 : f64}> : (tensor<?x8xf32>) -> (tensor<?x2xi32>, tensor<?x2xf32>)
  return
}

// -----

func.func @f(%l: tensor<?x8xf32>) {
  // expected-error @below {{gives 'tensor<?x2xi32>' with weights 'tensor<?x3xf32>'}}
  %i, %w = sinter.route %l softmax : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x3xf32>
  return
}

// -----

func.func @f(%l: tensor<?x8xf32>) {
  // expected-error @below {{scores a group by its best 3 experts, expected 1 or 2}}
  %i, %w = sinter.route %l softmax groups 4 of 2 best 3 : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @f(%l: tensor<?x8xf32>) {
  // expected-error @below {{has 3 groups of 8 experts, of which 1 are used}}
  %i, %w = sinter.route %l softmax groups 3 of 1 : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @f(%l: tensor<?x8xf32>) {
  // expected-error @below {{chooses 3 of 2 experts}}
  %i, %w = sinter.route %l softmax groups 4 of 1 : tensor<?x8xf32> -> tensor<?x3xi32>, tensor<?x3xf32>
  return
}

// -----

sinter.weight @b : tensor<4xf32> at 0 : 0
func.func @f(%l: tensor<?x8xf32>) {
  // expected-error @below {{has a bias of 'tensor<4xf32>', expected 'tensor<8xf32>'}}
  %i, %w = sinter.route %l softmax bias @b : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

sinter.weight @s : tensor<4xf32> at 0 : 0
func.func @f(%l: tensor<?x8xf32>) {
  // expected-error @below {{has a scale of 'tensor<4xf32>', expected 'tensor<8xf32>'}}
  %i, %w = sinter.route %l softmax times @s : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @f(%l: tensor<?x8xf32>) {
  // expected-error @below {{names weight @b, which is not declared}}
  %i, %w = sinter.route %l softmax bias @b : tensor<?x8xf32> -> tensor<?x2xi32>, tensor<?x2xf32>
  return
}

// -----

func.func @f(%x: tensor<?x256xf32>, %i: tensor<?x2xi32>) {
  // expected-error @below {{names weight @w, which is not declared}}
  %y = sinter.expert_matmul %x, %i, @w : (tensor<?x256xf32>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
  return
}

// -----

sinter.weight @w : tensor<8x64x256xf16> at 0 : 0
func.func @f(%x: tensor<?x256xf32>, %i: tensor<?x2xi32>) {
  // expected-error @below {{multiplies 'tensor<?x256xf32>' by 'tensor<8x64x256xf16>' from row 32 into 'tensor<?x2x64xf32>' for 'tensor<?x2xi32>'}}
  %y = sinter.expert_matmul %x, %i, @w first 32 : (tensor<?x256xf32>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
  return
}

// -----

sinter.weight @w : tensor<8x64x256xf16> at 0 : 0
func.func @f(%x: tensor<?x3x256xf32>, %i: tensor<?x2xi32>) {
  // expected-error @below {{multiplies 'tensor<?x3x256xf32>'}}
  %y = sinter.expert_matmul %x, %i, @w : (tensor<?x3x256xf32>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
  return
}

// -----

sinter.weight @w : tensor<8x64x256xf16> at 0 : 0
sinter.weight @s : tensor<1xf32> at 0 : 0
func.func @f(%x: tensor<?x256xf32>, %i: tensor<?x2xi32>) {
  // expected-error @below {{has a scale of 'tensor<1xf32>', expected 'tensor<8xf32>'}}
  %y = sinter.expert_matmul %x, %i, @w scale @s : (tensor<?x256xf32>, tensor<?x2xi32>) -> tensor<?x2x64xf32>
  return
}

// -----

func.func @f(%x: tensor<?x2x256xf32>, %w: tensor<?x3xf32>) {
  // expected-error @below {{sums 'tensor<?x2x256xf32>' with 'tensor<?x3xf32>' into 'tensor<?x256xf32>'}}
  %y = sinter.combine %x, %w : (tensor<?x2x256xf32>, tensor<?x3xf32>) -> tensor<?x256xf32>
  return
}

// -----

func.func @f(%x: tensor<?x256xf32>, %g: tensor<?x2xf32>) {
  // expected-error @below {{gates 'tensor<?x256xf32>' by 'tensor<?x2xf32>', expected one number a row}}
  %y = sinter.gate_rows %x, %g : tensor<?x256xf32>, tensor<?x2xf32>
  return
}
