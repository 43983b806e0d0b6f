flowersec_add_fuzzer(rendezvous_client SOURCES ${CMAKE_CURRENT_LIST_DIR}/rendezvous_client.cc DEPS rendezvous_client)
