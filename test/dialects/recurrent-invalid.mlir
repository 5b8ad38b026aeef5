// RUN: sinter-opt %s --verify-diagnostics --split-input-file

// expected-error @below {{recurrent needs heads, keys and values above 0, found 1, 0, 512}}
func.func private @f(!sinter.recurrent<heads = 1, keys = 0, values = 512>)

// -----

!state = !sinter.recurrent<heads = 4, keys = 64, values = 64>
func.func @load(%s: !state, %b: !sinter.batch) {
  // expected-error @below {{has rows of 100 for '!sinter.recurrent<heads = 4, keys = 64, values = 64>' of 16384}}
  %r = sinter.state_load %s, %b : !state -> tensor<?x100xf32>
  return
}

// -----

!state = !sinter.recurrent<heads = 4, keys = 64, values = 64>
func.func @store(%r: tensor<?x100xf32>, %s: !state, %b: !sinter.batch) {
  // expected-error @below {{has rows of 100 for}}
  sinter.state_store %r, %s, %b : tensor<?x100xf32>, !state
  return
}

// -----

func.func @unknown(%x: tensor<?x8xf32>, %w: tensor<?x24xf32>, %b: !sinter.batch) {
  // expected-error @below {{names weight @k, which is not declared}}
  %c = sinter.short_conv %x, %w, %b by @k : (tensor<?x8xf32>, tensor<?x24xf32>) -> tensor<?x8xf32>
  return
}

// -----

sinter.weight @k : tensor<8x3xf32> at 0 : 0
func.func @taps(%x: tensor<?x8xf32>, %w: tensor<?x24xf32>, %b: !sinter.batch) {
  // expected-error @below {{has the weight 'tensor<8x3xf32>', expected 32 numbers}}
  %c = sinter.short_conv %x, %w, %b by @k : (tensor<?x8xf32>, tensor<?x24xf32>) -> tensor<?x8xf32>
  return
}

// -----

sinter.weight @k : tensor<8x4xf32> at 0 : 0
func.func @window(%x: tensor<?x8xf32>, %w: tensor<?x20xf32>, %b: !sinter.batch) {
  // expected-error @below {{of rows of 8 has a window of 20 and gives rows of 8}}
  %c = sinter.short_conv %x, %w, %b by @k : (tensor<?x8xf32>, tensor<?x20xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @shift(%x: tensor<?x8xf32>, %w: tensor<?x20xf32>, %b: !sinter.batch) {
  // expected-error @below {{has a window of 20, expected a multiple of 8}}
  %c = sinter.conv_window %x, %w, %b : tensor<?x8xf32>, tensor<?x20xf32>
  return
}

// -----

sinter.weight @a : tensor<4xf32> at 0 : 0
func.func @heads(%m: tensor<?x512xf32>, %h: tensor<?x4xf32>, %s: tensor<?x16384xf32>, %b: !sinter.batch) {
  // expected-error @below {{has 4 value heads for 3 key heads, expected a multiple}}
  %o, %t = sinter.gated_delta_net %m, %h, %h, %s, %b decay @a bias @a heads 3 : 4 epsilon 1.0e-6 : (tensor<?x512xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x16384xf32>) -> tensor<?x1x256xf32>
  return
}

// -----

sinter.weight @a : tensor<4xf32> at 0 : 0
func.func @split(%m: tensor<?x257xf32>, %h: tensor<?x4xf32>, %s: tensor<?x16384xf32>, %b: !sinter.batch) {
  // expected-error @below {{splits rows of 257 into heads 2 : 4 with a result of 256}}
  %o, %t = sinter.gated_delta_net %m, %h, %h, %s, %b decay @a bias @a heads 2 : 4 epsilon 1.0e-6 : (tensor<?x257xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x16384xf32>) -> tensor<?x1x256xf32>
  return
}

// -----

sinter.weight @a : tensor<4xf32> at 0 : 0
func.func @alpha(%m: tensor<?x512xf32>, %h: tensor<?x4xf32>, %k: tensor<?x5xf32>, %s: tensor<?x16384xf32>, %b: !sinter.batch) {
  // expected-error @below {{has alpha and beta of 4 and 5 for 4 heads}}
  %o, %t = sinter.gated_delta_net %m, %h, %k, %s, %b decay @a bias @a heads 2 : 4 epsilon 1.0e-6 : (tensor<?x512xf32>, tensor<?x4xf32>, tensor<?x5xf32>, tensor<?x16384xf32>) -> tensor<?x1x256xf32>
  return
}

// -----

sinter.weight @a : tensor<4xf32> at 0 : 0
func.func @state(%m: tensor<?x512xf32>, %h: tensor<?x4xf32>, %s: tensor<?x100xf32>, %b: !sinter.batch) {
  // expected-error @below {{has a state of 100, expected 16384}}
  %o, %t = sinter.gated_delta_net %m, %h, %h, %s, %b decay @a bias @a heads 2 : 4 epsilon 1.0e-6 : (tensor<?x512xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x100xf32>) -> tensor<?x1x256xf32>
  return
}

// -----

sinter.weight @a : tensor<4xf32> at 0 : 0
func.func @chunks(%m: tensor<?x512xf32>, %h: tensor<?x4xf32>, %s: tensor<?x16384xf32>, %b: !sinter.batch) {
  // expected-error @below {{has a state of 16384, expected 24832}}
  %o, %t = sinter.gated_delta_net %m, %h, %h, %s, %b decay @a bias @a heads 2 : 4 epsilon 1.0e-6 chunk 16 : (tensor<?x512xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x16384xf32>) -> tensor<?x1x256xf32>
  return
}

// -----

sinter.weight @a : tensor<4xf32> at 0 : 0
func.func @chunk(%m: tensor<?x512xf32>, %h: tensor<?x4xf32>, %s: tensor<?x16384xf32>, %b: !sinter.batch) {
  // expected-error @below {{has chunks of 0, expected 1 or more}}
  %o, %t = sinter.gated_delta_net %m, %h, %h, %s, %b decay @a bias @a heads 2 : 4 epsilon 1.0e-6 chunk 0 : (tensor<?x512xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x16384xf32>) -> tensor<?x1x256xf32>
  return
}

// -----

sinter.weight @a : tensor<5xf32> at 0 : 0
func.func @decay(%m: tensor<?x512xf32>, %h: tensor<?x4xf32>, %s: tensor<?x16384xf32>, %b: !sinter.batch) {
  // expected-error @below {{has the decay 'tensor<5xf32>', expected 4 numbers}}
  %o, %t = sinter.gated_delta_net %m, %h, %h, %s, %b decay @a bias @a heads 2 : 4 epsilon 1.0e-6 : (tensor<?x512xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x16384xf32>) -> tensor<?x1x256xf32>
  return
}

// -----

sinter.weight @a : tensor<4xf32> at 0 : 0
func.func @groups(%m: tensor<?x512xf32>, %h: tensor<?x4xf32>, %s: tensor<?x16384xf32>, %b: !sinter.batch) {
  // expected-error @below {{has 4 heads for 3 groups, expected a multiple}}
  %o, %t = sinter.ssm_scan %m, %h, %s, %b decay @a bias @a skip @a heads 4 groups 3 : (tensor<?x512xf32>, tensor<?x4xf32>, tensor<?x16384xf32>) -> tensor<?x1x256xf32>
  return
}

// -----

sinter.weight @a : tensor<4xf32> at 0 : 0
func.func @ssmsplit(%m: tensor<?x511xf32>, %h: tensor<?x4xf32>, %s: tensor<?x16384xf32>, %b: !sinter.batch) {
  // expected-error @below {{splits rows of 511 into 4 heads and 2 groups with a result of 256}}
  %o, %t = sinter.ssm_scan %m, %h, %s, %b decay @a bias @a skip @a heads 4 groups 2 : (tensor<?x511xf32>, tensor<?x4xf32>, tensor<?x16384xf32>) -> tensor<?x1x256xf32>
  return
}

// -----

sinter.weight @a : tensor<4xf32> at 0 : 0
func.func @dt(%m: tensor<?x512xf32>, %h: tensor<?x5xf32>, %s: tensor<?x16384xf32>, %b: !sinter.batch) {
  // expected-error @below {{has dt of 5 for 4 heads}}
  %o, %t = sinter.ssm_scan %m, %h, %s, %b decay @a bias @a skip @a heads 4 groups 2 : (tensor<?x512xf32>, tensor<?x5xf32>, tensor<?x16384xf32>) -> tensor<?x1x256xf32>
  return
}

// -----

sinter.weight @a : tensor<4xf32> at 0 : 0
func.func @ssmstate(%m: tensor<?x512xf32>, %h: tensor<?x4xf32>, %s: tensor<?x7xf32>, %b: !sinter.batch) {
  // expected-error @below {{has a state of 7, expected 16384}}
  %o, %t = sinter.ssm_scan %m, %h, %s, %b decay @a bias @a skip @a heads 4 groups 2 : (tensor<?x512xf32>, tensor<?x4xf32>, tensor<?x7xf32>) -> tensor<?x1x256xf32>
  return
}

// -----

sinter.weight @w : tensor<256xf32> at 0 : 0
func.func @norm(%x: tensor<?x256xf32>) {
  // expected-error @below {{norms rows of 256 in 3 groups}}
  %n = sinter.grouped_norm %x, @w groups 3 epsilon 1.0e-6 : tensor<?x256xf32>
  return
}

// -----

func.func @columns(%x: tensor<?x512xf32>) {
  // expected-error @below {{takes 256 of 512 columns at 65 of 4 heads}}
  %g = sinter.head_columns %x heads 4 at 65 : tensor<?x512xf32> -> tensor<?x256xf32>
  return
}

// -----

func.func @fold(%x: tensor<?x2x256xf32>) {
  // expected-error @below {{folds 'tensor<?x2x256xf32>' into 'tensor<?x512xf32>'}}
  %g = sinter.fold %x : tensor<?x2x256xf32> -> tensor<?x512xf32>
  return
}
