if(TARGET ownwire)
  flowersec_add_test(system.dumps
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/dumps_test.cc ${CMAKE_CURRENT_LIST_DIR}/../support/process.cc
    DEPS base
    LABELS system)
  add_dependencies(test_system.dumps
    flowersec-tunnel flowersec-controlplane flowersec-registry ownwire flowersec-issuer-keygen)
endif()
