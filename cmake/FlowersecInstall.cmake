# Installation: libraries, headers, programs, find_package(Flowersec) and pkg-config.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

get_property(flowersec_libraries GLOBAL PROPERTY FLOWERSEC_LIBRARIES)
get_property(flowersec_apps GLOBAL PROPERTY FLOWERSEC_APPS)

install(TARGETS ${flowersec_libraries} EXPORT FlowersecTargets)
install(DIRECTORY cpp/include/flowersec TYPE INCLUDE)
if(flowersec_apps)
  install(TARGETS ${flowersec_apps})
endif()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Flowersec)
install(EXPORT FlowersecTargets NAMESPACE flowersec:: DESTINATION ${package_dir})
configure_package_config_file(cmake/FlowersecConfig.cmake.in ${PROJECT_BINARY_DIR}/FlowersecConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/FlowersecConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/FlowersecConfig.cmake ${PROJECT_BINARY_DIR}/FlowersecConfigVersion.cmake
  DESTINATION ${package_dir})

# One pkg-config file for endpoint programs: archives in link order, then what they need.
set(pc_libs "")
foreach(part endpoint session ws ws_socket ws_upgrade ws_origin ws_frame rpc yamux record handshake token token_grant
             token_sign token_verify crypto crypto_aead crypto_dh crypto_kdf crypto_hash crypto_sign crypto_verify
             crypto_secret messages base beast asio_ssl asio)
  if(flowersec_${part} IN_LIST flowersec_libraries OR TARGET flowersec_${part})
    get_target_property(kind flowersec_${part} TYPE)
    if(kind STREQUAL "STATIC_LIBRARY")
      string(APPEND pc_libs " -lflowersec_${part}")
    endif()
  endif()
endforeach()
configure_file(cmake/flowersec.pc.in ${PROJECT_BINARY_DIR}/flowersec.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/flowersec.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
