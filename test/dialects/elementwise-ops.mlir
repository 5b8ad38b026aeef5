// RUN: sinter-opt %s --verify-roundtrip | FileCheck %s
// RUN: sinter-opt %s --emit-bytecode | sinter-opt | FileCheck %s

sinter.weight @s : tensor<1xf32> at 0 : 0

// CHECK-LABEL: func.func @f
func.func @f(%g: tensor<?x64xf32>, %u: tensor<?x64xf32>) -> tensor<?x64xf32> {
  // CHECK: sinter.geglu %{{.*}}, %{{.*}} : tensor<?x64xf32>
  %a = sinter.geglu %g, %u : tensor<?x64xf32>
  // CHECK: sinter.gelu %{{.*}} : tensor<?x64xf32>
  %b = sinter.gelu %a : tensor<?x64xf32>
  // CHECK: sinter.relu2 %{{.*}} : tensor<?x64xf32>
  %c = sinter.relu2 %b : tensor<?x64xf32>
  // CHECK: sinter.scale %{{.*}} by 4.800000e+01 : tensor<?x64xf32>
  %d = sinter.scale %c by 48.0 : tensor<?x64xf32>
  // CHECK: sinter.softcap %{{.*}} at 3.000000e+01 : tensor<?x64xf32>
  %e = sinter.softcap %d at 30.0 : tensor<?x64xf32>
  // CHECK: sinter.scale_by %{{.*}}, @s : tensor<?x64xf32>
  %h = sinter.scale_by %e, @s : tensor<?x64xf32>
  return %h : tensor<?x64xf32>
}
