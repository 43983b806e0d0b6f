flowersec_add_fuzzer(urls SOURCES ${CMAKE_CURRENT_LIST_DIR}/urls.cc DEPS base_url identity_keys)
