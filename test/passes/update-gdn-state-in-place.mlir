// RUN: sinter-opt %s --sinter-update-gdn-state-in-place | FileCheck %s
// RUN: sinter-opt %s --sinter-update-gdn-state-in-place > %t.once
// RUN: sinter-opt %t.once --sinter-update-gdn-state-in-place | diff - %t.once

!state = !sinter.recurrent<heads = 4, keys = 64, values = 64>
sinter.weight @a : tensor<4xf32> at 0 : 0

// CHECK-LABEL: func.func @delta
// CHECK-SAME: sinter.fused = {"update-gdn-state-in-place" = 1 : i64}
// CHECK-NOT: sinter.refused
func.func @delta(%m: tensor<?x512xf32>, %h: tensor<?x4xf32>, %s: !state, %b: !sinter.batch) -> tensor<?x1x256xf32> {
  // CHECK: %[[O:.*]] = sinter.region "state_in_place" {{.*}} -> tensor<?x1x256xf32>
  // CHECK: sinter.state_load
  // CHECK: sinter.gated_delta_net
  // CHECK: sinter.state_store
  // CHECK: sinter.yield
  // CHECK: return %[[O]]
  %0 = sinter.state_load %s, %b : !state -> tensor<?x16384xf32>
  %o, %1 = sinter.gated_delta_net %m, %h, %h, %0, %b decay @a bias @a heads 2 : 4 epsilon 1.0e-6 : (tensor<?x512xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x16384xf32>) -> tensor<?x1x256xf32>
  sinter.state_store %1, %s, %b : tensor<?x16384xf32>, !state
  return %o : tensor<?x1x256xf32>
}

// CHECK-LABEL: func.func @scan
// CHECK-SAME: sinter.fused = {"update-gdn-state-in-place" = 1 : i64}
func.func @scan(%m: tensor<?x512xf32>, %h: tensor<?x4xf32>, %s: !state, %b: !sinter.batch) -> tensor<?x1x256xf32> {
  // CHECK: sinter.region "state_in_place"
  %0 = sinter.state_load %s, %b : !state -> tensor<?x16384xf32>
  %o, %1 = sinter.ssm_scan %m, %h, %0, %b decay @a bias @a skip @a heads 4 groups 2 : (tensor<?x512xf32>, tensor<?x4xf32>, tensor<?x16384xf32>) -> tensor<?x1x256xf32>
  sinter.state_store %1, %s, %b : tensor<?x16384xf32>, !state
  return %o : tensor<?x1x256xf32>
}

// CHECK-LABEL: func.func @not_loaded
// CHECK-SAME: sinter.refused = {"update-gdn-state-in-place" = ["the state is not loaded x1
func.func @not_loaded(%m: tensor<?x512xf32>, %h: tensor<?x4xf32>, %0: tensor<?x16384xf32>, %s: !state, %b: !sinter.batch) -> tensor<?x1x256xf32> {
  %o, %1 = sinter.gated_delta_net %m, %h, %h, %0, %b decay @a bias @a heads 2 : 4 epsilon 1.0e-6 : (tensor<?x512xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x16384xf32>) -> tensor<?x1x256xf32>
  sinter.state_store %1, %s, %b : tensor<?x16384xf32>, !state
  return %o : tensor<?x1x256xf32>
}

// CHECK-LABEL: func.func @loaded_twice_used
// CHECK-SAME: ["the loaded state has other users x1
func.func @loaded_twice_used(%m: tensor<?x512xf32>, %h: tensor<?x4xf32>, %s: !state, %b: !sinter.batch) -> (tensor<?x1x256xf32>, tensor<?x16384xf32>) {
  %0 = sinter.state_load %s, %b : !state -> tensor<?x16384xf32>
  %o, %1 = sinter.gated_delta_net %m, %h, %h, %0, %b decay @a bias @a heads 2 : 4 epsilon 1.0e-6 : (tensor<?x512xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x16384xf32>) -> tensor<?x1x256xf32>
  sinter.state_store %1, %s, %b : tensor<?x16384xf32>, !state
  return %o, %0 : tensor<?x1x256xf32>, tensor<?x16384xf32>
}

// CHECK-LABEL: func.func @new_state_used
// CHECK-SAME: ["the new state has other users x1
func.func @new_state_used(%m: tensor<?x512xf32>, %h: tensor<?x4xf32>, %s: !state, %b: !sinter.batch) -> (tensor<?x1x256xf32>, tensor<?x16384xf32>) {
  %0 = sinter.state_load %s, %b : !state -> tensor<?x16384xf32>
  %o, %1 = sinter.gated_delta_net %m, %h, %h, %0, %b decay @a bias @a heads 2 : 4 epsilon 1.0e-6 : (tensor<?x512xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x16384xf32>) -> tensor<?x1x256xf32>
  sinter.state_store %1, %s, %b : tensor<?x16384xf32>, !state
  return %o, %1 : tensor<?x1x256xf32>, tensor<?x16384xf32>
}

// CHECK-LABEL: func.func @not_stored
// CHECK-SAME: ["the new state is not stored x1
func.func @not_stored(%m: tensor<?x512xf32>, %h: tensor<?x4xf32>, %s: !state, %b: !sinter.batch) -> (tensor<?x1x256xf32>, tensor<?x16384xf32>) {
  %0 = sinter.state_load %s, %b : !state -> tensor<?x16384xf32>
  %o, %1 = sinter.gated_delta_net %m, %h, %h, %0, %b decay @a bias @a heads 2 : 4 epsilon 1.0e-6 : (tensor<?x512xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x16384xf32>) -> tensor<?x1x256xf32>
  return %o, %1 : tensor<?x1x256xf32>, tensor<?x16384xf32>
}

// A near miss: all three ops are there, but the states differ.
// CHECK-LABEL: func.func @another_state
// CHECK-SAME: ["one state is loaded, another stored x1
func.func @another_state(%m: tensor<?x512xf32>, %h: tensor<?x4xf32>, %s: !state, %t: !state, %b: !sinter.batch) -> tensor<?x1x256xf32> {
  %0 = sinter.state_load %s, %b : !state -> tensor<?x16384xf32>
  %o, %1 = sinter.gated_delta_net %m, %h, %h, %0, %b decay @a bias @a heads 2 : 4 epsilon 1.0e-6 : (tensor<?x512xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x16384xf32>) -> tensor<?x1x256xf32>
  sinter.state_store %1, %t, %b : tensor<?x16384xf32>, !state
  return %o : tensor<?x1x256xf32>
}

// The state is written between load and use: the order must stay.
// CHECK-LABEL: func.func @written_in_between
// CHECK-SAME: ["a state is used in between x1
func.func @written_in_between(%m: tensor<?x512xf32>, %h: tensor<?x4xf32>, %z: tensor<?x16384xf32>, %s: !state, %b: !sinter.batch) -> tensor<?x1x256xf32> {
  %0 = sinter.state_load %s, %b : !state -> tensor<?x16384xf32>
  sinter.state_store %z, %s, %b : tensor<?x16384xf32>, !state
  %o, %1 = sinter.gated_delta_net %m, %h, %h, %0, %b decay @a bias @a heads 2 : 4 epsilon 1.0e-6 : (tensor<?x512xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x16384xf32>) -> tensor<?x1x256xf32>
  sinter.state_store %1, %s, %b : tensor<?x16384xf32>, !state
  return %o : tensor<?x1x256xf32>
}
