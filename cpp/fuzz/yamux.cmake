flowersec_add_fuzzer(yamux_session SOURCES ${CMAKE_CURRENT_LIST_DIR}/yamux_session.cc DEPS yamux)
