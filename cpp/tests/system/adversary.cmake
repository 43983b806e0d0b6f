# A hostile peer, byte by byte, against the programs, and against clients and a server of this one.
add_executable(flowersec-adversary-shim ${CMAKE_CURRENT_LIST_DIR}/adversary_shim.cc ${CMAKE_CURRENT_LIST_DIR}/adversary_chat.cc)
target_link_libraries(flowersec-adversary-shim PRIVATE flowersec_warnings flowersec_ownwire_client flowersec_rendezvous_client
  flowersec_endpoint flowersec_messages)
target_include_directories(flowersec-adversary-shim PRIVATE ${PROJECT_SOURCE_DIR}/cpp/src)  # which errors are tried again
set_target_properties(flowersec-adversary-shim PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
add_test(NAME adversary COMMAND ${PROJECT_SOURCE_DIR}/tests/adversary/run ${PROJECT_BINARY_DIR}/bin)
set_tests_properties(adversary PROPERTIES LABELS interop SKIP_RETURN_CODE 77 TIMEOUT 900)
