// RUN: sinter-opt %s --verify-diagnostics --split-input-file

// expected-error @below {{needs a skeleton of the tile dialect, found "gemm"}}
tile.kernel @k "gemm" {
}

// -----

// expected-error @below {{has a body, but its skeleton has no hole}}
tile.kernel @k #tile.embed<format = "q4_k", weightRows = 64, output = <width = 256, stride = 256>> {
^bb0(%a: f32):
  tile.yield %a : f32
}

// -----

// expected-error @below {{has a body that does not end in tile.yield}}
tile.kernel @k #tile.elementwise<[256] -> <width = 256, stride = 256>> {
^bb0(%a: f32):
  %b = arith.addf %a, %a : f32
}

// -----

// expected-error @below {{has a body that does not end in tile.yield}}
tile.kernel @k #tile.elementwise<[256] -> <width = 256, stride = 256>> {
^bb0(%a: f32):
}

// -----

func.func @f(%x: tensor<?x256xf32>) {
  // expected-error @below {{takes 128 columns at 192 of 256}}
  %q = tile.columns %x at 192 : tensor<?x256xf32> -> tensor<?x128xf32>
  return
}

// -----

func.func @f(%x: tensor<?x256xf32>) {
  // expected-error @below {{takes 128 columns at 18446744073709551552 of 256}}
  %q = tile.columns %x at -64 : tensor<?x256xf32> -> tensor<?x128xf32>
  return
}

// -----

tile.kernel @k #tile.elementwise<[256] -> <width = 256, stride = 256>> {
}
func.func @f(%x: tensor<?x256xf32>) {
  // expected-error @below {{has operand 'input' in its order}}
  tile.launch @k (%x) [] order ["input"] label "l" : (tensor<?x256xf32>) -> ()
  return
}

// -----

tile.kernel @k #tile.elementwise<[256] -> <width = 256, stride = 256>> {
}
func.func @f(%x: tensor<?x256xf32>) {
  // expected-error @below {{has operand 'i1' in its order, but only 1 of that kind}}
  tile.launch @k (%x) [] order ["i0", "i1"] label "l" : (tensor<?x256xf32>) -> ()
  return
}

// -----

tile.kernel @k #tile.elementwise<[256] -> <width = 256, stride = 256>> {
}
func.func @f(%x: tensor<?x256xf32>) {
  // expected-error @below {{has operand 's0' in its order, but only 0 of that kind}}
  tile.launch @k (%x) [] order ["s0"] label "l" : (tensor<?x256xf32>) -> ()
  return
}

// -----

func.func @f(%x: tensor<?x256xf32>) {
  // expected-error @below {{calls @nothing, which is no tile.kernel}}
  tile.launch @nothing (%x) [] order ["i0"] label "l" : (tensor<?x256xf32>) -> ()
  return
}

// -----

func.func @f(%x: tensor<?x256xf32>) {
  // expected-error @below {{calls @f, which is no tile.kernel}}
  tile.launch @f (%x) [] order ["i0"] label "l" : (tensor<?x256xf32>) -> ()
  return
}

// -----

tile.kernel @k #tile.elementwise<[256] -> <width = 256, stride = 256>> {
}
func.func @f(%x: tensor<?x256xf32>) {
  // expected-error @below {{names @nothing, which is not declared}}
  tile.launch @k (%x) [@nothing] order ["i0", "s0"] label "l" : (tensor<?x256xf32>) -> ()
  return
}
