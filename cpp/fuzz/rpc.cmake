flowersec_add_fuzzer(rpc_client SOURCES ${CMAKE_CURRENT_LIST_DIR}/rpc_client.cc DEPS rpc)
flowersec_add_fuzzer(rpc_server SOURCES ${CMAKE_CURRENT_LIST_DIR}/rpc_server.cc DEPS rpc)
