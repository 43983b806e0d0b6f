# Compiler, linker and cache choices. Nothing here reaches people who link the installed libraries.

# The cache forgets where the tree stands, so that every clone on a machine has the others' objects.
find_program(FLOWERSEC_CCACHE ccache)
if(FLOWERSEC_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${FLOWERSEC_CCACHE})
endif()

# A fast linker when there is one. mold's map file names archive members, which the blindness test needs.
find_program(FLOWERSEC_MOLD mold)
find_program(FLOWERSEC_LLD ld.lld)
if(FLOWERSEC_MOLD)
  add_link_options(-fuse-ld=mold)
elseif(FLOWERSEC_LLD AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  add_link_options(-fuse-ld=lld)
endif()

add_library(flowersec_warnings INTERFACE)
target_compile_options(flowersec_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough)
if(FLOWERSEC_WERROR)
  target_compile_options(flowersec_warnings INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports these inside its own standard library at -O2 (PR 105329, PR 107852).
  target_compile_options(flowersec_warnings INTERFACE -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds)
endif()

if(FLOWERSEC_SANITIZE)
  add_compile_options(-fsanitize=${FLOWERSEC_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${FLOWERSEC_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND FLOWERSEC_SANITIZE MATCHES "undefined")
    # This check compares type information that the C libraries' callbacks do not carry.
    add_compile_options(-fno-sanitize=function)
  endif()
endif()
if(FLOWERSEC_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
