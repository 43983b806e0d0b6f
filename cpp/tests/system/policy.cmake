# External policy and statistics of the real program.
foreach(name policy stats)
  flowersec_add_test(system.apps_${name}
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/apps_${name}_test.cc ${CMAKE_CURRENT_LIST_DIR}/../support/process.cc
    DEPS http tunnel token_sign
    LIBS OpenSSL::SSL
    LABELS system)
  add_dependencies(test_system.apps_${name} flowersec-tunnel)
endforeach()
target_sources(test_system.apps_policy PRIVATE ${CMAKE_CURRENT_LIST_DIR}/../support/test_certificates.cc)
