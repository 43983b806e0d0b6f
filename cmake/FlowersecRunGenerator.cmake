# One run of protoc-gen-flowersec, as flowersec_generate() builds it: cmake -D... -P FlowersecRunGenerator.cmake
#
#   PROTOC PLUGIN IMPORTS PROTOS   what to run, on which files
#   CPP_OUT CPP_FILES              where to, and exactly what, relative to it
#   TS_OUT TS_FILES                the same for TypeScript, if that is wanted
#   RECORD                         the files of the last run: those that are not written any more are removed

cmake_minimum_required(VERSION 3.25)

set(flags --plugin=protoc-gen-flowersec=${PLUGIN})
foreach(dir IN LISTS IMPORTS)
  list(APPEND flags -I${dir})
endforeach()

set(written "")
foreach(language CPP TS)
  if(NOT ${language}_OUT)
    continue()
  endif()
  # Into a folder of its own first: only what was announced may come out.
  set(fresh ${RECORD}.new)
  file(REMOVE_RECURSE ${fresh})
  file(MAKE_DIRECTORY ${fresh})
  string(TOLOWER ${language} option)
  execute_process(COMMAND ${PROTOC} ${flags} --flowersec_out=${fresh} --flowersec_opt=${option} ${PROTOS}
    RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "protoc-gen-flowersec refused the files; the reasons are above")
  endif()
  file(GLOB_RECURSE found RELATIVE ${fresh} ${fresh}/*)
  list(SORT found)
  list(SORT ${language}_FILES)
  if(NOT found STREQUAL ${language}_FILES)
    message(FATAL_ERROR "protoc-gen-flowersec wrote\n  ${found}\nwhere the build expects\n  ${${language}_FILES}")
  endif()
  foreach(name IN LISTS found)
    get_filename_component(folder ${${language}_OUT}/${name} DIRECTORY)
    file(COPY ${fresh}/${name} DESTINATION ${folder} NO_SOURCE_PERMISSIONS)
    file(TOUCH ${${language}_OUT}/${name})
    list(APPEND written ${${language}_OUT}/${name})
  endforeach()
  file(REMOVE_RECURSE ${fresh})
endforeach()

if(EXISTS ${RECORD})
  file(STRINGS ${RECORD} before)
  foreach(path IN LISTS before)
    if(NOT path IN_LIST written)
      file(REMOVE ${path})
    endif()
  endforeach()
endif()
list(JOIN written "\n" lines)
file(WRITE ${RECORD} "${lines}\n")
