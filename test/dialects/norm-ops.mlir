// RUN: sinter-opt %s --verify-roundtrip | FileCheck %s
// RUN: sinter-opt %s --emit-bytecode | sinter-opt | FileCheck %s

sinter.weight @w : tensor<64xf32> at 0 : 0
sinter.weight @b : tensor<64xf32> at 0 : 0
sinter.weight @h : tensor<4x16xf32> at 0 : 0

// CHECK-LABEL: func.func @f
func.func @f(%x: tensor<?x64xf32>) -> tensor<?x64xf32> {
  // CHECK: sinter.layer_norm %{{.*}}, @w epsilon {{.*}} : tensor<?x64xf32>
  %a = sinter.layer_norm %x, @w epsilon 1.0e-5 : tensor<?x64xf32>
  // CHECK: sinter.layer_norm %{{.*}}, @w bias @b epsilon {{.*}} : tensor<?x64xf32>
  %b = sinter.layer_norm %a, @w bias @b epsilon 1.0e-5 : tensor<?x64xf32>
  // CHECK: sinter.layer_norm %{{.*}}, @h epsilon {{.*}} heads 4 : tensor<?x64xf32>
  %c = sinter.layer_norm %b, @h epsilon 1.0e-5 heads 4 : tensor<?x64xf32>
  // CHECK: sinter.unit_norm %{{.*}} epsilon {{[^ ]*}} : tensor<?x64xf32>
  %d = sinter.unit_norm %c epsilon 1.0e-6 : tensor<?x64xf32>
  // CHECK: sinter.unit_norm %{{.*}} epsilon {{[^ ]*}} heads 2 : tensor<?x64xf32>
  %e = sinter.unit_norm %d epsilon 1.0e-6 heads 2 : tensor<?x64xf32>
  return %e : tensor<?x64xf32>
}
