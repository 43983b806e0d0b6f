# What is delivered beside the tunnel, against the tunnel.
flowersec_add_test(system.deploy
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/deploy_test.cc ${CMAKE_CURRENT_LIST_DIR}/deploy_queries.cc
    ${CMAKE_CURRENT_LIST_DIR}/../support/process.cc
  DEPS base tunnel token_sign
  LIBS OpenSSL::SSL
  LABELS system)
add_dependencies(test_system.deploy flowersec-tunnel)
