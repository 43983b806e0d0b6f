flowersec_add_fuzzer(tunnel_relay SOURCES ${CMAKE_CURRENT_LIST_DIR}/tunnel_relay.cc DEPS tunnel_core)
flowersec_add_fuzzer(tunnel_attach SOURCES ${CMAKE_CURRENT_LIST_DIR}/tunnel_attach.cc DEPS tunnel_core)
flowersec_add_fuzzer(replay_journal SOURCES ${CMAKE_CURRENT_LIST_DIR}/replay_journal.cc DEPS tunnel_core)
