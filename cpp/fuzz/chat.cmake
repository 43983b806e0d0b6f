flowersec_add_fuzzer(chat_json SOURCES ${CMAKE_CURRENT_LIST_DIR}/chat_json.cc DEPS apps_chat)
