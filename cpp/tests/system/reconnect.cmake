flowersec_add_test(system.reconnect
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/reconnect_test.cc
  DEPS endpoint tunnel token_sign
  LABELS system
  TIMEOUT 240)
