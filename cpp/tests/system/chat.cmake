# flowersec chat as people and scripts run it, with the real registry and tunnel.
flowersec_add_test(system.chat
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/chat_test.cc ${CMAKE_CURRENT_LIST_DIR}/../support/process.cc
  DEPS base identity
  LIBS Boost::json
  LABELS system
  TIMEOUT 600)
add_dependencies(test_system.chat flowersec flowersec-registry flowersec-tunnel flowersec-issuer-keygen)
