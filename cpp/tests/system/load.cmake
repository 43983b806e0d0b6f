# The program against its conformance list, and what is delivered beside it.
flowersec_add_test(system.conformance_28
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/conformance_28_test.cc ${CMAKE_CURRENT_LIST_DIR}/conformance_28_policy_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/../support/process.cc
  DEPS base http tunnel token_sign
  LIBS OpenSSL::SSL
  LABELS system)
flowersec_add_test(system.deploy
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/deploy_test.cc ${CMAKE_CURRENT_LIST_DIR}/deploy_controlplane_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/deploy_files.cc ${CMAKE_CURRENT_LIST_DIR}/deploy_queries.cc
    ${CMAKE_CURRENT_LIST_DIR}/../support/process.cc
  DEPS base tunnel token_sign
  LIBS OpenSSL::SSL
  LABELS system)
add_dependencies(test_system.conformance_28 flowersec-tunnel)
add_dependencies(test_system.deploy flowersec-tunnel flowersec-controlplane)
