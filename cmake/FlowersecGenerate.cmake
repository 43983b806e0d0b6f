# flowersec_generate(<target> PROTOS <file>... [IMPORT_DIRS <dir>...] [TYPESCRIPT_OUT <dir>] [TYPES_ONLY])
#
# Generates C++ from .proto files with protoc-gen-flowersec and makes two static libraries of it: <target> with the
# messages, and <target>_service with typed clients and handlers when there are services, unless TYPES_ONLY is said.
# Programs include "<package as folders>/types.gen.h" and ".../service.gen.h". With TYPESCRIPT_OUT, TypeScript is
# written there as well, beside whatever else is there; one call for each such folder. Every .proto lies under one of
# IMPORT_DIRS (default: the current source folder). What an earlier run wrote and this one does not is removed.
# docs/IDL.md leads through an example.

# Where flowersec/options/v1/options.proto is: in the tree, or installed.
if(EXISTS ${CMAKE_CURRENT_LIST_DIR}/../idl/flowersec/options/v1/options.proto)
  set_property(GLOBAL PROPERTY FLOWERSEC_IDL_DIR ${CMAKE_CURRENT_LIST_DIR}/../idl)
endif()
set_property(GLOBAL PROPERTY FLOWERSEC_RUN_GENERATOR ${CMAKE_CURRENT_LIST_DIR}/FlowersecRunGenerator.cmake)

# What the plugin will write for these files, relative to each output folder, in <prefix>_types, <prefix>_services and
# <prefix>_typescript. protoc itself reads the files, when the build is configured, since the plugin may not be built yet;
# FlowersecRunGenerator.cmake fails when the plugin then writes anything else.
function(flowersec_generated_files prefix imports protos)
  list(TRANSFORM imports PREPEND -I OUTPUT_VARIABLE import_flags)
  set(descriptors ${CMAKE_CURRENT_BINARY_DIR}/${prefix}.protobin)
  execute_process(COMMAND ${FLOWERSEC_PROTOC} ${import_flags} --descriptor_set_out=${descriptors} ${protos}
    ERROR_VARIABLE problem RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "flowersec_generate: protoc refuses the files:\n${problem}")
  endif()
  execute_process(COMMAND ${FLOWERSEC_PROTOC} --decode=google.protobuf.FileDescriptorSet google/protobuf/descriptor.proto
    INPUT_FILE ${descriptors} OUTPUT_VARIABLE printed COMMAND_ERROR_IS_FATAL ANY)
  # One line for each property, two spaces for each level, and no comments: `  package: "a.b.v1"` is of a file.
  string(REGEX MATCHALL "(^|\n)(file {|  package: \"[^\"]*\"|  service {)" lines "${printed}")
  set(types "")
  set(services "")
  set(typescript flowersec_runtime.gen.ts)
  foreach(line IN LISTS lines)
    if(line MATCHES "package: \"(.*)\"")
      string(REPLACE "." "/" folder "${CMAKE_MATCH_1}")
      list(APPEND types ${folder}/types.gen.cc ${folder}/types.gen.h)
      list(APPEND typescript ${folder}.gen.ts)
    elseif(line MATCHES "service {")
      list(APPEND services ${folder}/service.gen.cc ${folder}/service.gen.h)
      list(APPEND typescript ${folder}.rpc.gen.ts)
    endif()
  endforeach()
  list(LENGTH types type_files)
  list(LENGTH protos files)
  math(EXPR files "2 * ${files}")
  if(NOT type_files EQUAL files)
    message(FATAL_ERROR "flowersec_generate: a file without a package in ${protos}")
  endif()
  list(REMOVE_DUPLICATES services)
  list(REMOVE_DUPLICATES typescript)
  foreach(kind types services typescript)
    set(${prefix}_${kind} ${${kind}} PARENT_SCOPE)
  endforeach()
endfunction()

function(flowersec_generate target)
  cmake_parse_arguments(arg "TYPES_ONLY" "TYPESCRIPT_OUT" "PROTOS;IMPORT_DIRS" ${ARGN})
  if(NOT arg_PROTOS OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "flowersec_generate(<target> PROTOS <file>... [IMPORT_DIRS <dir>...] [TYPESCRIPT_OUT <dir>] [TYPES_ONLY])")
  endif()
  if(NOT arg_IMPORT_DIRS)
    set(arg_IMPORT_DIRS ${CMAKE_CURRENT_SOURCE_DIR})
  endif()
  get_property(options_dir GLOBAL PROPERTY FLOWERSEC_IDL_DIR)
  get_property(run_generator GLOBAL PROPERTY FLOWERSEC_RUN_GENERATOR)
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
  list(APPEND imports ${options_dir})
  set(protos "")
  foreach(proto IN LISTS arg_PROTOS)
    file(REAL_PATH ${proto} proto BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
    list(APPEND protos ${proto})
  endforeach()
  # Another package or a first service changes the list of outputs.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${protos})
  flowersec_generated_files(${target} "${imports}" "${protos}")

  set(out ${CMAKE_CURRENT_BINARY_DIR}/${target}_gen)
  file(MAKE_DIRECTORY ${out})
  set(cpp ${${target}_types} ${${target}_services})
  list(TRANSFORM cpp PREPEND ${out}/ OUTPUT_VARIABLE outputs)
  set(ts "")
  set(ts_out "")
  if(arg_TYPESCRIPT_OUT)
    file(REAL_PATH ${arg_TYPESCRIPT_OUT} ts_out BASE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
    get_property(taken GLOBAL PROPERTY FLOWERSEC_TYPESCRIPT_FOLDERS)
    if(ts_out IN_LIST taken)
      message(FATAL_ERROR "flowersec_generate(${target}): another call has TYPESCRIPT_OUT ${ts_out}; name both files in one call")
    endif()
    set_property(GLOBAL APPEND PROPERTY FLOWERSEC_TYPESCRIPT_FOLDERS ${ts_out})
    set(ts ${${target}_typescript})
    list(TRANSFORM ts PREPEND ${ts_out}/ OUTPUT_VARIABLE ts_outputs)
    list(APPEND outputs ${ts_outputs})
  endif()
  # Each list stays one argument.
  foreach(list imports protos cpp ts)
    string(REPLACE ";" "$<SEMICOLON>" ${list}_argument "${${list}}")
  endforeach()
  add_custom_command(OUTPUT ${outputs}
    COMMAND ${CMAKE_COMMAND} -DPROTOC=${FLOWERSEC_PROTOC} -DPLUGIN=$<TARGET_FILE:${plugin}>
      -DIMPORTS=${imports_argument} -DPROTOS=${protos_argument} -DRECORD=${CMAKE_CURRENT_BINARY_DIR}/${target}.outputs
      -DCPP_OUT=${out} -DCPP_FILES=${cpp_argument} -DTS_OUT=${ts_out} -DTS_FILES=${ts_argument} -P ${run_generator}
    DEPENDS ${protos} ${plugin} ${run_generator} COMMENT "Generating ${target}" VERBATIM)

  list(TRANSFORM ${target}_types PREPEND ${out}/)
  list(TRANSFORM ${target}_services PREPEND ${out}/)
  add_library(${target} STATIC ${${target}_types})
  target_include_directories(${target} PUBLIC ${out})
  target_link_libraries(${target} PUBLIC flowersec::messages)
  if(${target}_services AND NOT arg_TYPES_ONLY)
    add_library(${target}_service STATIC ${${target}_services})
    # One rule makes both sets of files; the second library waits for the first.
    add_dependencies(${target}_service ${target})
    target_link_libraries(${target}_service PUBLIC ${target} flowersec::session)
  endif()
endfunction()
