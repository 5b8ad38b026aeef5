// RUN: sinter-opt %s --sinter-lower-to-tile | FileCheck %s
// RUN: sinter-opt %s --sinter-update-gdn-state-in-place --sinter-fuse-gdn-conv --sinter-lower-to-tile | FileCheck %s --check-prefix=FUSED

!state = !sinter.recurrent<heads = 4, keys = 64, values = 64>
!window = !sinter.recurrent<heads = 1, keys = 3, values = 512>
sinter.weight @a : tensor<4xf32> at 0 : 0
sinter.weight @taps : tensor<512x4xf32> at 0 : 0

// States are copied into rows and back, unless boxes say that they are read and
// written where they lie: then two launches do what seven did.
// CHECK-DAG: tile.kernel @conv_window_n512_t4 #tile.conv<channels = 512, taps = 4, stride = 512, shift = true>
// CHECK-DAG: tile.kernel @state_store_n16384 #tile.state_copy<elements = 16384, store = true>
// CHECK-DAG: tile.kernel @delta_net_h4_k64_v64_rows #tile.scan<delta = true, keyHeads = 2, valueHeads = 4, keyWidth = 64, valueWidth = 64, {{.*}} : f64>
// FUSED-DAG: tile.kernel @short_conv_n512_t4 #tile.conv<channels = 512, taps = 4, stride = 512, inPlace = true>
// FUSED-DAG: tile.kernel @delta_net_h4_k64_v64 #tile.scan<delta = true, {{.*}}inPlace = true>
// FUSED-DAG: tile.kernel @ssm_scan_h4_k64_v64 #tile.scan<delta = false, {{.*}}grouped = true, inPlace = true>
// CHECK-LABEL: func.func @delta
// FUSED-LABEL: func.func @delta
func.func @delta(%x: tensor<?x512xf32>, %h: tensor<?x4xf32>, %b: !sinter.batch, %c: !window {sinter.name = "conv"}, %s: !state {sinter.name = "state"}) -> tensor<?x1x256xf32> {
  // CHECK-NEXT: %[[W:.*]] = tile.launch @state_load_n1536 (%arg3)
  // CHECK-NEXT: %[[M:.*]] = tile.launch @short_conv_n512_t4_rows (%arg0, %[[W]]) [@taps.f32]
  // CHECK-NEXT: %[[N:.*]] = tile.launch @conv_window_n512_t4 (%arg0, %[[W]])
  // CHECK-NEXT: tile.launch @state_store_n1536 (%[[N]], %arg3) {{.*}} writes_state
  // CHECK-NEXT: %[[S:.*]] = tile.launch @state_load_n16384 (%arg4)
  // CHECK-NEXT: %[[O:.*]]:2 = tile.launch @delta_net_h4_k64_v64_rows (%[[M]], %arg1, %arg1, %[[S]]) [@a.f32, @a.f32]
  // CHECK-NEXT: tile.launch @state_store_n16384 (%[[O]]#0, %arg4) {{.*}} writes_state
  // CHECK-NEXT: return %[[O]]#1
  // FUSED-NEXT: %[[M:.*]] = tile.launch @short_conv_n512_t4 (%arg0, %arg3) [@taps.f32] {{.*}} writes_state
  // FUSED-NEXT: %[[O:.*]] = tile.launch @delta_net_h4_k64_v64 (%[[M]], %arg1, %arg1, %arg4) [@a.f32, @a.f32] {{.*}} writes_state
  // FUSED-NEXT: return %[[O]]
  %w = sinter.state_load %c, %b : !window -> tensor<?x1536xf32>
  %m = sinter.short_conv %x, %w, %b by @taps : (tensor<?x512xf32>, tensor<?x1536xf32>) -> tensor<?x512xf32>
  %n = sinter.conv_window %x, %w, %b : tensor<?x512xf32>, tensor<?x1536xf32>
  sinter.state_store %n, %c, %b : tensor<?x1536xf32>, !window
  %0 = sinter.state_load %s, %b : !state -> tensor<?x16384xf32>
  %o, %1 = sinter.gated_delta_net %m, %h, %h, %0, %b decay @a bias @a heads 2 : 4 epsilon 1.0e-6 : (tensor<?x512xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x16384xf32>) -> tensor<?x1x256xf32>
  sinter.state_store %1, %s, %b : tensor<?x16384xf32>, !state
  return %o : tensor<?x1x256xf32>
}

// FUSED-LABEL: func.func @state_space
func.func @state_space(%m: tensor<?x512xf32>, %h: tensor<?x4xf32>, %b: !sinter.batch, %s: !state {sinter.name = "state"}) -> tensor<?x1x256xf32> {
  // FUSED-NEXT: tile.launch @ssm_scan_h4_k64_v64 (%arg0, %arg1, %arg3) [@a.f32, @a.f32, @a.f32] {{.*}} writes_state
  %0 = sinter.state_load %s, %b : !state -> tensor<?x16384xf32>
  %o, %1 = sinter.ssm_scan %m, %h, %0, %b decay @a bias @a skip @a heads 4 groups 2 : (tensor<?x512xf32>, tensor<?x4xf32>, tensor<?x16384xf32>) -> tensor<?x1x256xf32>
  sinter.state_store %1, %s, %b : tensor<?x16384xf32>, !state
  return %o : tensor<?x1x256xf32>
}
