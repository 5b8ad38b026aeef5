// Packed matrices get the bytes that they have in the target's layout.
// RUN: sinter-opt %s --sinter-choose-weight-layout -split-input-file -verify-diagnostics | FileCheck %s

sinter.weight @a : tensor<64x256x!sinter.q4_k> at 0 : 0
sinter.weight @b : tensor<64x256x!sinter.q4_k> at 0 : 0
sinter.weight @odd : tensor<40x256x!sinter.q4_k> at 0 : 0
sinter.weight @half : tensor<64x256xf16> at 0 : 0
sinter.weight @e : tensor<8x64x256x!sinter.q4_k> at 0 : 0
sinter.weight @s : tensor<64xf32> at 0 : 0

// 64 rows of one block of 144 bytes: nothing is added.
// CHECK: tile.packed @one from [@a] scales [] {bytes = 9216 : i64}
tile.packed @one from [@a] scales []
// CHECK: tile.packed @joined from [@a, @b] scales [] alternating {bytes = 18432 : i64}
tile.packed @joined from [@a, @b] scales [] alternating
// 16 rows lie side by side: 40 rows have the room of 48.
// CHECK: tile.packed @padded from [@odd] scales [] {bytes = 6912 : i64}
tile.packed @padded from [@odd] scales []
// Near miss: joined first, filled up once.
// CHECK: tile.packed @sum from [@odd, @odd] scales [] {bytes = 11520 : i64}
tile.packed @sum from [@odd, @odd] scales []
// CHECK: tile.packed @plain from [@half] scales [] {bytes = 32768 : i64}
tile.packed @plain from [@half] scales []
// Of 8 experts the same 32 rows each.
// CHECK: tile.packed_experts @experts from [@e] first [32] rows 32 scales [] {bytes = 36864 : i64}
tile.packed_experts @experts from [@e] first [32] rows 32 scales []
// A vector stays as it is.
// CHECK: tile.vector @v from [@s]{{$}}
tile.vector @v from [@s]

// -----

// expected-error @below {{packs @a, which is not declared}}
tile.packed @one from [@a] scales []

// -----

// expected-error @below {{has no sources}}
tile.packed @one from [] scales []

// -----

sinter.weight @a : tensor<64x256x!sinter.q4_k> at 0 : 0
sinter.weight @b : tensor<64x256x!sinter.q6_k> at 0 : 0
// expected-error @below {{joins 'tensor<64x256x!sinter.q4_k>' and 'tensor<64x256x!sinter.q6_k>'}}
tile.packed @formats from [@a, @b] scales []

// -----

sinter.weight @a : tensor<64x256x!sinter.q4_k> at 0 : 0
sinter.weight @b : tensor<64x512x!sinter.q4_k> at 0 : 0
// expected-error @below {{joins 'tensor<64x256x!sinter.q4_k>' and 'tensor<64x512x!sinter.q4_k>'}}
tile.packed @widths from [@a, @b] scales []

// -----

sinter.weight @a : tensor<8x64x256x!sinter.q4_k> at 0 : 0
// expected-error @below {{joins 'tensor<8x64x256x!sinter.q4_k>' and 'tensor<8x64x256x!sinter.q4_k>'}}
tile.packed @ranks from [@a] scales []

// -----

sinter.weight @a : tensor<8x64x256x!sinter.q4_k> at 0 : 0
sinter.weight @b : tensor<4x64x256x!sinter.q4_k> at 0 : 0
// expected-error @below {{joins 'tensor<8x64x256x!sinter.q4_k>' and 'tensor<4x64x256x!sinter.q4_k>'}}
tile.packed_experts @experts from [@a, @b] first [0, 0] rows 64 scales []
