# TableGen rules for our dialects and passes, and the include folders of MLIR
# for the targets that ask for them (never for the whole build).

function(sinter_tablegen source)
  # sinter_tablegen(Sinter.td ops OpsDecl.h.inc -gen-op-decls ...)
  set(LLVM_TARGET_DEFINITIONS ${source})
  set(MLIR_TABLEGEN_EXE mlir-tblgen)
  set(arguments ${ARGN})
  while(arguments)
    list(POP_FRONT arguments output)
    list(POP_FRONT arguments generator)
    mlir_tablegen(${output} ${generator} -I${CMAKE_SOURCE_DIR}
                  -I${MLIR_INCLUDE_DIRS})
  endwhile()
  set(TABLEGEN_OUTPUT ${TABLEGEN_OUTPUT} PARENT_SCOPE)
endfunction()

function(sinter_uses_mlir target)
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
