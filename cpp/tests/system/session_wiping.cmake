flowersec_add_test(system.session_wiping
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/session_wiping_test.cc ${CMAKE_CURRENT_LIST_DIR}/../support/process.cc
  DEPS endpoint session_machine messages
  LABELS system)
