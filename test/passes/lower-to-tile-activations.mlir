// RUN: sinter-opt %s --split-input-file --sinter-lower-to-tile | FileCheck %s

sinter.weight @up.weight : tensor<512x256x!sinter.q8_0> at 0 : 0
sinter.weight @up.bias : tensor<512xf32> at 0 : 0

// An activation without a gate is the body of its matmul, which keeps its bias.
// CHECK: tile.kernel @gelu_q8_0_n512_k256 #tile.gemm<format = "q8_0", weightRows = 512, {{.*}}bias = true>
// CHECK-NEXT: ^bb0(%[[X:.*]]: f32):
// CHECK: math.exp
// CHECK-LABEL: func.func @gelu
func.func @gelu(%x: tensor<?x256x!sinter.q8<0>>) -> tensor<?x512xf32> {
  // CHECK-NEXT: tile.launch @gelu_q8_0_n512_k256 (%arg0) [@up.packed, @up.bias.f32] order ["i0", "s0", "s1", "o0"]
  %r = sinter.region "swiglu" (%x) : (tensor<?x256x!sinter.q8<0>>) -> tensor<?x512xf32> {
  ^bb0(%a: tensor<?x256x!sinter.q8<0>>):
    %u = sinter.matmul %a, @up.weight bias @up.bias : (tensor<?x256x!sinter.q8<0>>) -> tensor<?x512xf32>
    %g = sinter.gelu %u : tensor<?x512xf32>
    sinter.yield %g : tensor<?x512xf32>
  }
  return %r : tensor<?x512xf32>
}

// -----

// Formulas that differ in a number are different kernels, equal ones are one.
// CHECK: tile.kernel @scale_f32_n64 {{.*}}{
// CHECK: arith.constant 2.000000e+00 : f32
// CHECK: tile.kernel @scale_f32_n64_1 {{.*}}{
// CHECK: arith.constant 3.000000e+00 : f32
// CHECK: tile.kernel @softcap_f32_n64 {{.*}}{
// CHECK: math.tanh
// CHECK-LABEL: func.func @scales
func.func @scales(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  // CHECK-NEXT: tile.launch @scale_f32_n64 (
  %a = sinter.scale %x by 2.0 : tensor<?x64xf32>
  // CHECK-NEXT: tile.launch @scale_f32_n64_1 (
  %b = sinter.scale %a by 3.0 : tensor<?x64xf32>
  // CHECK-NEXT: tile.launch @scale_f32_n64 (
  %c = sinter.scale %b by 2.0 : tensor<?x64xf32>
  // CHECK-NEXT: tile.launch @softcap_f32_n64 (
  %d = sinter.softcap %c at 30.0 : tensor<?x64xf32>
  return %d : tensor<?x64xf32>
}

// -----

sinter.weight @n.weight : tensor<64xf32> at 0 : 0
sinter.weight @n.bias : tensor<64xf32> at 0 : 0
sinter.weight @h.weight : tensor<4x16xf32> at 0 : 0

// CHECK: tile.kernel @residual_layer_norm_f32_n64 #tile.norm<{{.*}}group = 64, {{.*}}addend = true, layer = true, bias = true>
// CHECK: tile.kernel @layer_norm_f32_n64_g16 #tile.norm<{{.*}}group = 16, {{.*}}layer = true, wide = true>
// CHECK-LABEL: func.func @norms
func.func @norms(%x: tensor<?x64xf32>, %y: tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  // CHECK-NEXT: %[[R:.*]]:2 = tile.launch @residual_layer_norm_f32_n64 (%arg0, %arg1) [@n.f32, @n.bias.f32] order ["i0", "i1", "s0", "s1", "o0", "o1"]
  %s, %n = sinter.region "residual_norm" (%x, %y) : (tensor<?x64xf32>, tensor<?x64xf32>) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  ^bb0(%a: tensor<?x64xf32>, %b: tensor<?x64xf32>):
    %c = sinter.add %a, %b : tensor<?x64xf32>
    %d = sinter.layer_norm %c, @n.weight bias @n.bias epsilon 1.0e-5 : tensor<?x64xf32>
    sinter.yield %c, %d : tensor<?x64xf32>, tensor<?x64xf32>
  }
  // CHECK-NEXT: tile.launch @layer_norm_f32_n64_g16 (%[[R]]#1) [@h.f32]
  %h = sinter.layer_norm %n, @h.weight epsilon 1.0e-5 heads 4 : tensor<?x64xf32>
  return %s, %h : tensor<?x64xf32>, tensor<?x64xf32>
}

// -----

sinter.weight @sinks.weight : tensor<4xf32> at 0 : 0

// A window's pages lie in a ring; sinks are an operand.
!ring = !sinter.kv_cache<heads = 2, keys = 64, values = 64, f16, window = 100>
// CHECK: tile.kernel {{.*}} #tile.heads<{{.*}}ring = true>
// CHECK: tile.kernel {{.*}} #tile.attention<{{.*}}window = 100, softcap = 5.000000e+01 : f64, sinks = true, ring = true>
// CHECK-LABEL: func.func @window
func.func @window(%q: tensor<?x256xf32>, %k: tensor<?x128xf32>, %kv: !ring, %b: !sinter.batch) -> tensor<?x256xf32> {
  sinter.cache_write %k, %k, %kv, %b : tensor<?x128xf32>, tensor<?x128xf32>, !ring
  // CHECK: tile.launch @attention_f32_h4_k64 (%arg0, %arg2) [@sinks.f32] order ["i0", "i1", "s0", "o0"]
  %o = sinter.attention %q, %kv, %b heads 4 scale 0.125 window 100 softcap 50.0 sinks @sinks.weight : (tensor<?x256xf32>, !ring, !sinter.batch) -> tensor<?x256xf32>
  return %o : tensor<?x256xf32>
}
