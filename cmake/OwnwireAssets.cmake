# The files of OwnWire's pages, which the programs ownwire and ownwire-edge carry inside them.
#
#   FLOWERSEC_OWNWIRE_FOLDER   where they are, set when there are any; the programs are left out when not
#   flowersec_ownwire_files    target that makes them
#
# ts/scripts/ownwire.mjs bundles them, which needs Node 20 and ts/node_modules (tools/setup gets both).

set(FLOWERSEC_OWNWIRE_FILES "" CACHE PATH "Folder with OwnWire's browser files, made elsewhere by ts/scripts/ownwire.mjs; empty: make them")

set(flowersec_ownwire_names
  css/style.css js/application.js js/ownwire.js js/ownwire_compat.js js/ownwire_widget.js assets/chat-icon.png
  html/index.html html/embed_example.html)

# Sets `result` to a sentence about what is missing to make the files, or to an empty text.
function(flowersec_ownwire_missing result)
  set(missing "")
  find_program(FLOWERSEC_NODE node HINTS ${PROJECT_SOURCE_DIR}/.tools/node_modules/.bin)
  if(NOT FLOWERSEC_NODE)
    set(missing "Node 20 is not there")
  elseif(NOT EXISTS ${PROJECT_SOURCE_DIR}/ts/node_modules/esbuild)
    set(missing "ts/node_modules is not there")
  else()
    execute_process(COMMAND ${FLOWERSEC_NODE} -p "process.versions.node.split('.')[0]"
      OUTPUT_VARIABLE major OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(NOT major OR major LESS 20)
      set(missing "${FLOWERSEC_NODE} is older than Node 20")
    endif()
  endif()
  set(${result} "${missing}" PARENT_SCOPE)
endfunction()

function(flowersec_prepare_ownwire_files)
  if(FLOWERSEC_OWNWIRE_FILES)
    foreach(name IN LISTS flowersec_ownwire_names)
      if(NOT EXISTS ${FLOWERSEC_OWNWIRE_FILES}/${name})
        message(FATAL_ERROR "FLOWERSEC_OWNWIRE_FILES: ${FLOWERSEC_OWNWIRE_FILES} has no ${name}")
      endif()
    endforeach()
    get_filename_component(folder ${FLOWERSEC_OWNWIRE_FILES} ABSOLUTE)
    add_custom_target(flowersec_ownwire_files)
    set(FLOWERSEC_OWNWIRE_FOLDER ${folder} PARENT_SCOPE)
    return()
  endif()

  flowersec_ownwire_missing(missing)
  if(missing)
    message(STATUS "ownwire and ownwire-edge are left out: ${missing} (tools/setup), and FLOWERSEC_OWNWIRE_FILES is not given")
    return()
  endif()

  set(folder ${PROJECT_BINARY_DIR}/ownwire_files)
  set(outputs ${flowersec_ownwire_names})
  list(TRANSFORM outputs PREPEND ${folder}/)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/ts/src/*.ts ${PROJECT_SOURCE_DIR}/ts/ownwire/*)
  list(FILTER sources EXCLUDE REGEX "\\.test\\.ts$")
  add_custom_command(OUTPUT ${outputs}
    COMMAND ${FLOWERSEC_NODE} ${PROJECT_SOURCE_DIR}/ts/scripts/ownwire.mjs --out ${folder}
    DEPENDS ${sources} ${PROJECT_SOURCE_DIR}/ts/scripts/ownwire.mjs ${PROJECT_SOURCE_DIR}/ts/package-lock.json
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}/ts
    COMMENT "Bundling OwnWire's browser files"
    VERBATIM)
  add_custom_target(flowersec_ownwire_files DEPENDS ${outputs})
  set(FLOWERSEC_OWNWIRE_FOLDER ${folder} PARENT_SCOPE)
endfunction()

flowersec_prepare_ownwire_files()
