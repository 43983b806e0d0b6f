flowersec_add_test(system.serve
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/serve_test.cc ${CMAKE_CURRENT_LIST_DIR}/observer_test.cc
  DEPS endpoint tunnel token_control token_sign
  LABELS system)
