// RUN: sinter-opt %s --verify-roundtrip | FileCheck %s
// RUN: sinter-opt %s --emit-bytecode | sinter-opt | FileCheck %s

!window = !sinter.recurrent<heads = 1, keys = 3, values = 512>
!state = !sinter.recurrent<heads = 4, keys = 64, values = 64>
sinter.weight @conv : tensor<512x4xf32> at 0 : 0
sinter.weight @bias : tensor<512xf32> at 0 : 0
sinter.weight @a : tensor<4xf32> at 0 : 0
sinter.weight @dt : tensor<4xf32> at 0 : 0
sinter.weight @d : tensor<4x1xf32> at 0 : 0
sinter.weight @wide : tensor<2x128xf32> at 0 : 0

// CHECK-LABEL: func.func @layer
// CHECK-SAME: !sinter.recurrent<heads = 1, keys = 3, values = 512>
func.func @layer(%x: tensor<?x512xf32>, %h: tensor<?x4xf32>, %b: !sinter.batch, %w: !window, %s: !state, %chunked: !sinter.recurrent<heads = 4, keys = 97, values = 64>) -> tensor<?x256xf32> {
  // CHECK: sinter.state_load %{{.*}}, %{{.*}} : <heads = 1, keys = 3, values = 512> -> tensor<?x1536xf32>
  %w0 = sinter.state_load %w, %b : !window -> tensor<?x1536xf32>
  // CHECK: sinter.short_conv %{{.*}}, %{{.*}}, %{{.*}} by @conv bias @bias : (tensor<?x512xf32>, tensor<?x1536xf32>) -> tensor<?x512xf32>
  %c = sinter.short_conv %x, %w0, %b by @conv bias @bias : (tensor<?x512xf32>, tensor<?x1536xf32>) -> tensor<?x512xf32>
  // CHECK: sinter.conv_window %{{.*}}, %{{.*}}, %{{.*}} : tensor<?x512xf32>, tensor<?x1536xf32>
  %w1 = sinter.conv_window %x, %w0, %b : tensor<?x512xf32>, tensor<?x1536xf32>
  // CHECK: sinter.state_store %{{.*}}, %{{.*}}, %{{.*}} : tensor<?x1536xf32>, <heads = 1
  sinter.state_store %w1, %w, %b : tensor<?x1536xf32>, !window
  // CHECK: sinter.silu %{{.*}} : tensor<?x512xf32>
  %m = sinter.silu %c : tensor<?x512xf32>
  %s0 = sinter.state_load %s, %b : !state -> tensor<?x16384xf32>
  // CHECK: sinter.gated_delta_net %{{.*}} decay @a bias @dt heads 2 : 4 epsilon {{.*}} grouped : (tensor<?x512xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x16384xf32>) -> tensor<?x1x256xf32>
  %o, %s1 = sinter.gated_delta_net %m, %h, %h, %s0, %b decay @a bias @dt heads 2 : 4 epsilon 1.0e-6 grouped : (tensor<?x512xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x16384xf32>) -> tensor<?x1x256xf32>
  // CHECK: sinter.gated_delta_net %{{.*}} epsilon {{.*}} chunk 16 : (tensor<?x512xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x24832xf32>) -> tensor<?x1x256xf32>
  %more = sinter.state_load %chunked, %b : !sinter.recurrent<heads = 4, keys = 97, values = 64> -> tensor<?x24832xf32>
  %chunks, %kept = sinter.gated_delta_net %m, %h, %h, %more, %b decay @a bias @dt heads 2 : 4 epsilon 1.0e-6 chunk 16 : (tensor<?x512xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x24832xf32>) -> tensor<?x1x256xf32>
  // CHECK: sinter.ssm_scan %{{.*}} decay @a bias @dt skip @d heads 4 groups 2 : (tensor<?x512xf32>, tensor<?x4xf32>, tensor<?x16384xf32>) -> tensor<?x1x256xf32>
  %y, %s2 = sinter.ssm_scan %m, %h, %s1, %b decay @a bias @dt skip @d heads 4 groups 2 : (tensor<?x512xf32>, tensor<?x4xf32>, tensor<?x16384xf32>) -> tensor<?x1x256xf32>
  sinter.state_store %s2, %s, %b : tensor<?x16384xf32>, !state
  // CHECK: sinter.mul %{{.*}} : tensor<?x1x256xf32>
  %p = sinter.mul %o, %y : tensor<?x1x256xf32>
  // CHECK: sinter.grouped_norm %{{.*}}, @wide groups 2 epsilon {{.*}} : tensor<?x1x256xf32>
  %n = sinter.grouped_norm %p, @wide groups 2 epsilon 1.0e-6 : tensor<?x1x256xf32>
  // CHECK: sinter.fold %{{.*}} : tensor<?x1x256xf32> -> tensor<?x256xf32>
  %f = sinter.fold %n : tensor<?x1x256xf32> -> tensor<?x256xf32>
  // CHECK: sinter.head_columns %{{.*}} heads 4 at 64 : tensor<?x512xf32> -> tensor<?x256xf32>
  %g = sinter.head_columns %x heads 4 at 64 : tensor<?x512xf32> -> tensor<?x256xf32>
  // CHECK: sinter.sigmoid_gate %{{.*}}, %{{.*}} : tensor<?x256xf32>
  %r = sinter.sigmoid_gate %f, %g : tensor<?x256xf32>
  return %r : tensor<?x256xf32>
}
