# flowersec_generate(<target> PROTOS <file>... [IMPORT_DIRS <dir>...] [TYPESCRIPT_OUT <dir>] [TYPES_ONLY])
#
# Generates C++ from .proto files with protoc-gen-flowersec and makes two static libraries of it: <target> with the
# messages, and <target>_service with typed clients and handlers, unless TYPES_ONLY says that there are no services.
# Programs include "<package as folders>/types.gen.h" and ".../service.gen.h". With TYPESCRIPT_OUT, TypeScript is
# written there as well. Every .proto lies under one of IMPORT_DIRS (default: the current source folder).
# docs/IDL.md leads through an example.

# Where flowersec/options/v1/options.proto is: in the tree, or installed.
if(EXISTS ${CMAKE_CURRENT_LIST_DIR}/../idl/flowersec/options/v1/options.proto)
  set_property(GLOBAL PROPERTY FLOWERSEC_IDL_DIR ${CMAKE_CURRENT_LIST_DIR}/../idl)
endif()

function(flowersec_generate target)
  cmake_parse_arguments(arg "TYPES_ONLY" "TYPESCRIPT_OUT" "PROTOS;IMPORT_DIRS" ${ARGN})
  if(NOT arg_PROTOS OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "flowersec_generate(<target> PROTOS <file>... [IMPORT_DIRS <dir>...] [TYPESCRIPT_OUT <dir>] [TYPES_ONLY])")
  endif()
  if(NOT arg_IMPORT_DIRS)
    set(arg_IMPORT_DIRS ${CMAKE_CURRENT_SOURCE_DIR})
  endif()
  get_property(options_dir GLOBAL PROPERTY FLOWERSEC_IDL_DIR)
  set(plugin flowersec::protoc-gen-flowersec)
  if(TARGET protoc-gen-flowersec)
    set(plugin protoc-gen-flowersec)
  endif()
  find_program(FLOWERSEC_PROTOC protoc REQUIRED)

  set(imports "")
  foreach(dir IN LISTS arg_IMPORT_DIRS)
    file(REAL_PATH ${dir} dir BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
    list(APPEND imports ${dir})
  endforeach()

  set(out ${CMAKE_CURRENT_BINARY_DIR}/${target}_gen)
  file(MAKE_DIRECTORY ${out})
  set(types "")
  set(services "")
  set(protos "")
  foreach(proto IN LISTS arg_PROTOS)
    file(REAL_PATH ${proto} proto BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
    list(APPEND protos ${proto})
    # Outputs lie under the package, which is why the package is looked up already here.
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${proto})
    file(STRINGS ${proto} package_line REGEX "^package +[a-zA-Z0-9_.]+ *;")
    string(REGEX REPLACE "^package +([a-zA-Z0-9_.]+).*$" "\\1" package "${package_line}")
    string(REPLACE "." "/" folder "${package}")
    list(APPEND types ${out}/${folder}/types.gen.cc ${out}/${folder}/types.gen.h)
    file(STRINGS ${proto} service_lines REGEX "^service +[a-zA-Z0-9_]+")
    if(service_lines AND NOT arg_TYPES_ONLY)
      list(APPEND services ${out}/${folder}/service.gen.cc ${out}/${folder}/service.gen.h)
    endif()
  endforeach()

  list(TRANSFORM imports PREPEND -I OUTPUT_VARIABLE import_flags)
  set(command ${FLOWERSEC_PROTOC} --plugin=protoc-gen-flowersec=$<TARGET_FILE:${plugin}> ${import_flags} -I${options_dir})
  set(typescript "")
  if(arg_TYPESCRIPT_OUT)
    file(REAL_PATH ${arg_TYPESCRIPT_OUT} ts_out BASE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
    file(MAKE_DIRECTORY ${ts_out})
    set(typescript COMMAND ${command} --flowersec_out=${ts_out} --flowersec_opt=ts ${protos})
  endif()
  add_custom_command(OUTPUT ${types} ${services}
    COMMAND ${command} --flowersec_out=${out} --flowersec_opt=cpp ${protos}
    ${typescript}
    DEPENDS ${protos} ${plugin} COMMENT "Generating ${target}" VERBATIM)

  add_library(${target} STATIC ${types})
  target_include_directories(${target} PUBLIC ${out})
  target_link_libraries(${target} PUBLIC flowersec::messages)
  if(services)
    add_library(${target}_service STATIC ${services})
    # One rule makes both sets of files; the second library waits for the first.
    add_dependencies(${target}_service ${target})
    target_link_libraries(${target}_service PUBLIC ${target} flowersec::session)
  endif()
endfunction()
