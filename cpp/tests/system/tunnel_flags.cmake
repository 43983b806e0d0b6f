# The tunnel's command line, configuration file and log, with real processes.
foreach(name flags config log)
  flowersec_add_test(system.tunnel_${name}
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/tunnel_${name}_test.cc ${CMAKE_CURRENT_LIST_DIR}/tunnel_flag_world.cc
      ${CMAKE_CURRENT_LIST_DIR}/../support/process.cc
    DEPS apps_tunneld http tunnel token_sign
    LIBS OpenSSL::SSL
    LABELS system)
  add_dependencies(test_system.tunnel_${name} flowersec-tunnel)
endforeach()
target_sources(test_system.tunnel_flags PRIVATE ${CMAKE_CURRENT_LIST_DIR}/tunnel_flag_cases.cc)
target_sources(test_system.tunnel_config PRIVATE ${CMAKE_CURRENT_LIST_DIR}/../support/test_certificates.cc)
