// RUN: sinter-opt %s --sinter-fuse-gdn-conv | FileCheck %s
// RUN: sinter-opt %s --sinter-fuse-gdn-conv > %t.once
// RUN: sinter-opt %t.once --sinter-fuse-gdn-conv | diff - %t.once

!window = !sinter.recurrent<heads = 1, keys = 3, values = 64>
sinter.weight @k : tensor<64x4xf32> at 0 : 0

// CHECK-LABEL: func.func @whole
// CHECK-SAME: sinter.fused = {"fuse-gdn-conv" = 1 : i64}
// CHECK-NOT: sinter.refused
func.func @whole(%x: tensor<?x64xf32>, %s: !window, %b: !sinter.batch) -> tensor<?x64xf32> {
  // CHECK: %[[R:.*]] = sinter.region "gdn_conv" {{.*}} -> tensor<?x64xf32>
  // CHECK: sinter.state_load
  // CHECK: sinter.short_conv
  // CHECK: sinter.conv_window
  // CHECK: sinter.state_store
  // CHECK: sinter.silu
  // CHECK: return %[[R]]
  %w = sinter.state_load %s, %b : !window -> tensor<?x192xf32>
  %c = sinter.short_conv %x, %w, %b by @k : (tensor<?x64xf32>, tensor<?x192xf32>) -> tensor<?x64xf32>
  %v = sinter.conv_window %x, %w, %b : tensor<?x64xf32>, tensor<?x192xf32>
  sinter.state_store %v, %s, %b : tensor<?x192xf32>, !window
  %r = sinter.silu %c : tensor<?x64xf32>
  return %r : tensor<?x64xf32>
}

// Some families have no SiLU, or read the convolution itself.
// CHECK-LABEL: func.func @without_silu
// CHECK-SAME: sinter.fused = {"fuse-gdn-conv" = 1 : i64}
func.func @without_silu(%x: tensor<?x64xf32>, %s: !window, %b: !sinter.batch) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  // CHECK: %[[R:.*]] = sinter.region "gdn_conv"
  // CHECK: %[[S:.*]] = sinter.silu %[[R]]
  // CHECK: return %[[R]], %[[S]]
  %w = sinter.state_load %s, %b : !window -> tensor<?x192xf32>
  %c = sinter.short_conv %x, %w, %b by @k : (tensor<?x64xf32>, tensor<?x192xf32>) -> tensor<?x64xf32>
  %v = sinter.conv_window %x, %w, %b : tensor<?x64xf32>, tensor<?x192xf32>
  sinter.state_store %v, %s, %b : tensor<?x192xf32>, !window
  %r = sinter.silu %c : tensor<?x64xf32>
  return %c, %r : tensor<?x64xf32>, tensor<?x64xf32>
}

// CHECK-LABEL: func.func @not_loaded
// CHECK-SAME: ["the window is not loaded x1
func.func @not_loaded(%x: tensor<?x64xf32>, %w: tensor<?x192xf32>, %b: !sinter.batch) -> tensor<?x64xf32> {
  %c = sinter.short_conv %x, %w, %b by @k : (tensor<?x64xf32>, tensor<?x192xf32>) -> tensor<?x64xf32>
  return %c : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @not_shifted
// CHECK-SAME: ["the window has other users x1
func.func @not_shifted(%x: tensor<?x64xf32>, %s: !window, %b: !sinter.batch) -> (tensor<?x64xf32>, tensor<?x192xf32>) {
  %w = sinter.state_load %s, %b : !window -> tensor<?x192xf32>
  %c = sinter.short_conv %x, %w, %b by @k : (tensor<?x64xf32>, tensor<?x192xf32>) -> tensor<?x64xf32>
  return %c, %w : tensor<?x64xf32>, tensor<?x192xf32>
}

// CHECK-LABEL: func.func @other_rows
// CHECK-SAME: ["the window is shifted by other rows x1
func.func @other_rows(%x: tensor<?x64xf32>, %y: tensor<?x64xf32>, %s: !window, %b: !sinter.batch) -> tensor<?x64xf32> {
  %w = sinter.state_load %s, %b : !window -> tensor<?x192xf32>
  %c = sinter.short_conv %x, %w, %b by @k : (tensor<?x64xf32>, tensor<?x192xf32>) -> tensor<?x64xf32>
  %v = sinter.conv_window %y, %w, %b : tensor<?x64xf32>, tensor<?x192xf32>
  sinter.state_store %v, %s, %b : tensor<?x192xf32>, !window
  return %c : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @window_read
// CHECK-SAME: ["the new window has other users x1
func.func @window_read(%x: tensor<?x64xf32>, %s: !window, %b: !sinter.batch) -> (tensor<?x64xf32>, tensor<?x192xf32>) {
  %w = sinter.state_load %s, %b : !window -> tensor<?x192xf32>
  %c = sinter.short_conv %x, %w, %b by @k : (tensor<?x64xf32>, tensor<?x192xf32>) -> tensor<?x64xf32>
  %v = sinter.conv_window %x, %w, %b : tensor<?x64xf32>, tensor<?x192xf32>
  sinter.state_store %v, %s, %b : tensor<?x192xf32>, !window
  return %c, %v : tensor<?x64xf32>, tensor<?x192xf32>
}

// CHECK-LABEL: func.func @stored_elsewhere
// CHECK-SAME: ["the new window is not stored where it was x1
func.func @stored_elsewhere(%x: tensor<?x64xf32>, %s: !window, %t: !window, %b: !sinter.batch) -> tensor<?x64xf32> {
  %w = sinter.state_load %s, %b : !window -> tensor<?x192xf32>
  %c = sinter.short_conv %x, %w, %b by @k : (tensor<?x64xf32>, tensor<?x192xf32>) -> tensor<?x64xf32>
  %v = sinter.conv_window %x, %w, %b : tensor<?x64xf32>, tensor<?x192xf32>
  sinter.state_store %v, %t, %b : tensor<?x192xf32>, !window
  return %c : tensor<?x64xf32>
}
