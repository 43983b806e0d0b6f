# Used tokens across restarts of the real tunnel.
flowersec_add_test(system.replay
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/replay_test.cc ${CMAKE_CURRENT_LIST_DIR}/../support/process.cc
  DEPS tunnel_core token_sign
  LIBS OpenSSL::SSL
  LABELS system
  TIMEOUT 600)
add_dependencies(test_system.replay flowersec-tunnel)
