// RUN: sinter-opt %s --sinter-choose-scan-form --split-input-file | FileCheck %s
// RUN: sinter-opt %s --sinter-choose-scan-form --split-input-file > %t.once
// RUN: sinter-opt %t.once --sinter-choose-scan-form --split-input-file | diff - %t.once

module attributes {sinter.target = #sinter.target<level = "sm_80", features = "mma", cores = 108, l1 = 0, l2 = 0, l3 = 41943040>} {
sinter.weight @a : tensor<4xf32> at 0 : 0
sinter.weight @dt : tensor<4xf32> at 0 : 0

// 64 rows and those that 16 times 64 + 64 + 1 numbers take.
// CHECK-LABEL: func.func @net(
// CHECK-SAME: !sinter.recurrent<heads = 4, keys = 97, values = 64>
// CHECK: sinter.state_load {{.*}} -> tensor<?x24832xf32>
// CHECK: sinter.gated_delta_net {{.*}} heads 2 : 4 epsilon {{.*}} chunk 16 : {{.*}} tensor<?x24832xf32>)
// CHECK: sinter.state_store {{.*}} tensor<?x24832xf32>, <heads = 4, keys = 97, values = 64>
func.func @net(%mixed: tensor<?x512xf32>, %alpha: tensor<?x4xf32>, %beta: tensor<?x4xf32>, %pool: !sinter.recurrent<heads = 4, keys = 64, values = 64>, %batch: !sinter.batch) -> tensor<?x1x256xf32> {
  %s = sinter.state_load %pool, %batch : !sinter.recurrent<heads = 4, keys = 64, values = 64> -> tensor<?x16384xf32>
  %o, %n = sinter.gated_delta_net %mixed, %alpha, %beta, %s, %batch decay @a bias @dt heads 2 : 4 epsilon 1.0e-6 : (tensor<?x512xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x16384xf32>) -> tensor<?x1x256xf32>
  sinter.state_store %n, %pool, %batch : tensor<?x16384xf32>, !sinter.recurrent<heads = 4, keys = 64, values = 64>
  return %o : tensor<?x1x256xf32>
}

// A state that is looked at elsewhere keeps its shape, and so does the net.
// CHECK-LABEL: func.func @seen(
// CHECK-SAME: !sinter.recurrent<heads = 4, keys = 64, values = 64>
// CHECK-NOT: chunk 16
// CHECK: return
func.func @seen(%mixed: tensor<?x512xf32>, %alpha: tensor<?x4xf32>, %beta: tensor<?x4xf32>, %pool: !sinter.recurrent<heads = 4, keys = 64, values = 64>, %batch: !sinter.batch) -> (tensor<?x1x256xf32>, tensor<?x16384xf32>) {
  %s = sinter.state_load %pool, %batch : !sinter.recurrent<heads = 4, keys = 64, values = 64> -> tensor<?x16384xf32>
  %o, %n = sinter.gated_delta_net %mixed, %alpha, %beta, %s, %batch decay @a bias @dt heads 2 : 4 epsilon 1.0e-6 : (tensor<?x512xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x16384xf32>) -> tensor<?x1x256xf32>
  sinter.state_store %n, %pool, %batch : tensor<?x16384xf32>, !sinter.recurrent<heads = 4, keys = 64, values = 64>
  return %o, %s : tensor<?x1x256xf32>, tensor<?x16384xf32>
}

// Heads of 60 columns are no tiles.
// CHECK-LABEL: func.func @odd(
// CHECK-NOT: chunk 16
// CHECK: return
func.func @odd(%mixed: tensor<?x480xf32>, %alpha: tensor<?x4xf32>, %beta: tensor<?x4xf32>, %pool: !sinter.recurrent<heads = 4, keys = 60, values = 60>, %batch: !sinter.batch) -> tensor<?x1x240xf32> {
  %s = sinter.state_load %pool, %batch : !sinter.recurrent<heads = 4, keys = 60, values = 60> -> tensor<?x14400xf32>
  %o, %n = sinter.gated_delta_net %mixed, %alpha, %beta, %s, %batch decay @a bias @dt heads 2 : 4 epsilon 1.0e-6 : (tensor<?x480xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x14400xf32>) -> tensor<?x1x240xf32>
  sinter.state_store %n, %pool, %batch : tensor<?x14400xf32>, !sinter.recurrent<heads = 4, keys = 60, values = 60>
  return %o : tensor<?x1x240xf32>
}
}

// -----

// Neither has a processor matrix units of this kind.
module attributes {sinter.target = #sinter.target<level = "x86-64-v4", features = "", cores = 8, l1 = 0, l2 = 0, l3 = 0>} {
sinter.weight @a : tensor<4xf32> at 0 : 0
sinter.weight @dt : tensor<4xf32> at 0 : 0
// CHECK-LABEL: func.func @processor(
// CHECK-NOT: chunk 16
// CHECK: return
func.func @processor(%mixed: tensor<?x512xf32>, %alpha: tensor<?x4xf32>, %beta: tensor<?x4xf32>, %pool: !sinter.recurrent<heads = 4, keys = 64, values = 64>, %batch: !sinter.batch) -> tensor<?x1x256xf32> {
  %s = sinter.state_load %pool, %batch : !sinter.recurrent<heads = 4, keys = 64, values = 64> -> tensor<?x16384xf32>
  %o, %n = sinter.gated_delta_net %mixed, %alpha, %beta, %s, %batch decay @a bias @dt heads 2 : 4 epsilon 1.0e-6 : (tensor<?x512xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x16384xf32>) -> tensor<?x1x256xf32>
  sinter.state_store %n, %pool, %batch : tensor<?x16384xf32>, !sinter.recurrent<heads = 4, keys = 64, values = 64>
  return %o : tensor<?x1x256xf32>
}
}
