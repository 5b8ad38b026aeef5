# TableGen rules for our dialects and passes, and the include folders of MLIR
# for the targets that ask for them (never for the whole build).

# sinter_tablegen(Sinter.td Ops.h.inc -gen-op-decls Ops.cpp.inc -gen-op-defs …):
# each output is followed by its mlir-tblgen options.
function(sinter_tablegen source)
  set(LLVM_TARGET_DEFINITIONS ${source})
  set(MLIR_TABLEGEN_EXE mlir-tblgen)
  set(output "")
  foreach(argument ${ARGN} END.inc)
    if(NOT argument MATCHES "\\.inc$")
      list(APPEND options ${argument})
      continue()
    endif()
    if(output)
      mlir_tablegen(${output} ${options} -I${CMAKE_SOURCE_DIR}
                    -I${MLIR_INCLUDE_DIRS})
    endif()
    set(output ${argument})
    set(options "")
  endforeach()
  set(TABLEGEN_OUTPUT ${TABLEGEN_OUTPUT} PARENT_SCOPE)
endfunction()

# How a target comes to MLIR.
function(sinter_links_mlir target)
  target_include_directories(${target} SYSTEM PUBLIC ${MLIR_INCLUDE_DIRS}
                             ${LLVM_INCLUDE_DIRS})
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR}
                             ${CMAKE_BINARY_DIR})
  target_compile_definitions(${target} PUBLIC ${LLVM_DEFINITIONS_LIST})
  target_link_libraries(${target} PUBLIC MLIR LLVM)
  if(NOT LLVM_ENABLE_RTTI)
    target_compile_options(${target} PUBLIC -fno-rtti)
  endif()
endfunction()

# MLIR's headers, parsed once for all libraries.
if(SINTER_PCH)
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/MlirHeaders.cpp
       CONTENT "// Carries the precompiled dialects/MlirHeaders.h.\n")
  add_library(sinter-mlir-headers STATIC ${CMAKE_BINARY_DIR}/MlirHeaders.cpp)
  sinter_links_mlir(sinter-mlir-headers)
  target_precompile_headers(sinter-mlir-headers PRIVATE
                            ${CMAKE_SOURCE_DIR}/dialects/MlirHeaders.h)
endif()

function(sinter_uses_mlir target)
  sinter_links_mlir(${target})
  if(SINTER_PCH)
    target_precompile_headers(${target} REUSE_FROM sinter-mlir-headers)
  endif()
endfunction()
