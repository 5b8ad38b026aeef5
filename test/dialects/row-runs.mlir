// RUN: sinter-opt %s --verify-diagnostics --split-input-file | FileCheck %s

// CHECK: sinter.weight @w : tensor<4x64xf16> at 0 : 0 {sinter.row_runs = array<i64: 6, 3, 0, 1>}
sinter.weight @w : tensor<4x64xf16> at 0 : 0 {sinter.row_runs = array<i64: 6, 3, 0, 1>}

// -----

// expected-error @below {{has row runs array<i64: 0, 3, 1>, expected pairs of numbers for two dimensions}}
sinter.weight @w : tensor<4x64xf16> at 0 : 0 {sinter.row_runs = array<i64: 0, 3, 1>}

// -----

// expected-error @below {{has row runs 4 : i64, expected pairs}}
sinter.weight @w : tensor<4x64xf16> at 0 : 0 {sinter.row_runs = 4 : i64}

// -----

// expected-error @below {{expected pairs of numbers for two dimensions}}
sinter.weight @w : tensor<2x4x64xf16> at 0 : 0 {sinter.row_runs = array<i64: 0, 2>}

// -----

// expected-error @below {{has a run of 3 rows from 4, but 2 rows are left}}
sinter.weight @w : tensor<4x64xf16> at 0 : 0 {sinter.row_runs = array<i64: 0, 2, 4, 3>}

// -----

// expected-error @below {{has a run of 2 rows from -1, but 4 rows are left}}
sinter.weight @w : tensor<4x64xf16> at 0 : 0 {sinter.row_runs = array<i64: -1, 2>}

// -----

// expected-error @below {{has runs of 3 rows in all, expected 4}}
sinter.weight @w : tensor<4x64xf16> at 0 : 0 {sinter.row_runs = array<i64: 0, 3>}
