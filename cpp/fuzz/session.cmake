flowersec_add_fuzzer(session_machine SOURCES ${CMAKE_CURRENT_LIST_DIR}/session_machine.cc DEPS session_machine)
