# For programs that are copied to machines without development packages: third-party libraries as archives.
#
# Debian has archives of Boost and libsodium; of spdlog and fmt the headers are enough. The archives stand in front of
# the shared libraries on the linker's command line, so mold and lld take them, and --as-needed drops the others.

set(flowersec_archives "")
foreach(name boost_json boost_url boost_container boost_system sodium)
  find_library(FLOWERSEC_ARCHIVE_${name} NAMES lib${name}.a)
  mark_as_advanced(FLOWERSEC_ARCHIVE_${name})
  if(FLOWERSEC_ARCHIVE_${name})
    list(APPEND flowersec_archives ${FLOWERSEC_ARCHIVE_${name}})
  endif()
endforeach()

# flowersec_link_archives(<executable>): flowersec_archives are among its LIBS.
function(flowersec_link_archives target)
  target_link_options(${target} PRIVATE -Wl,--as-needed)
  target_compile_definitions(${target} PRIVATE SPDLOG_FMT_EXTERNAL FMT_HEADER_ONLY)
endfunction()
