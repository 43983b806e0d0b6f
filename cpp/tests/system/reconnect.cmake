flowersec_add_test(system.reconnect
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/reconnect_test.cc ${CMAKE_CURRENT_LIST_DIR}/reconnect_drain_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/../support/process.cc
  DEPS endpoint tunnel token_sign
  LIBS OpenSSL::SSL
  LABELS system
  TIMEOUT 480)
add_dependencies(test_system.reconnect flowersec-tunnel)
