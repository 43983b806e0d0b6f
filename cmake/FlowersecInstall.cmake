# Installation: libraries, headers, programs, find_package(Flowersec) and pkg-config.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

get_property(flowersec_libraries GLOBAL PROPERTY FLOWERSEC_LIBRARIES)
get_property(flowersec_apps GLOBAL PROPERTY FLOWERSEC_APPS)

install(TARGETS ${flowersec_libraries} EXPORT FlowersecTargets)
install(DIRECTORY cpp/include/flowersec TYPE INCLUDE)
install(DIRECTORY cpp/gen/flowersec TYPE INCLUDE FILES_MATCHING PATTERN "*.h" PATTERN demo EXCLUDE)
if(flowersec_apps)
  install(TARGETS ${flowersec_apps})
endif()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Flowersec)
if(FLOWERSEC_IDLGEN)
  # The code generator: docs/IDL.md.
  install(TARGETS protoc-gen-flowersec EXPORT FlowersecTargets)
  install(FILES cmake/FlowersecGenerate.cmake cmake/FlowersecRunGenerator.cmake DESTINATION ${package_dir})
  install(DIRECTORY idl/flowersec/options DESTINATION ${CMAKE_INSTALL_DATADIR}/flowersec/idl/flowersec)
endif()
set(FLOWERSEC_INSTALLED_IDL_DIR ${CMAKE_INSTALL_DATADIR}/flowersec/idl)
install(EXPORT FlowersecTargets NAMESPACE flowersec:: DESTINATION ${package_dir})
configure_package_config_file(cmake/FlowersecConfig.cmake.in ${PROJECT_BINARY_DIR}/FlowersecConfig.cmake
  INSTALL_DESTINATION ${package_dir} PATH_VARS FLOWERSEC_INSTALLED_IDL_DIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/FlowersecConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/FlowersecConfig.cmake ${PROJECT_BINARY_DIR}/FlowersecConfigVersion.cmake
  DESTINATION ${package_dir})

# One pkg-config file for endpoint programs: the archives that flowersec_endpoint needs, dependents first.
function(flowersec_archives target order_name)
  set(order ${${order_name}})
  if(NOT target IN_LIST order)
    get_property(links TARGET ${target} PROPERTY INTERFACE_LINK_LIBRARIES)
    foreach(link IN LISTS links)
      string(REGEX REPLACE "^\\$<LINK_ONLY:(.*)>$" "\\1" link "${link}")
      if(link MATCHES "^flowersec_" AND TARGET ${link})
        flowersec_archives(${link} order)
      endif()
    endforeach()
    list(APPEND order ${target})
  endif()
  set(${order_name} ${order} PARENT_SCOPE)
endfunction()

set(archives "")
flowersec_archives(flowersec_endpoint archives)
list(REVERSE archives)
set(pc_libs "")
foreach(archive IN LISTS archives)
  get_target_property(kind ${archive} TYPE)
  if(kind STREQUAL "STATIC_LIBRARY")
    string(APPEND pc_libs " -l${archive}")
  endif()
endforeach()
# Relative to the file itself, so that the tree may be installed anywhere.
file(RELATIVE_PATH pc_up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" pc_up "${pc_up}")
configure_file(cmake/flowersec.pc.in ${PROJECT_BINARY_DIR}/flowersec.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/flowersec.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
