flowersec_add_fuzzer(settings SOURCES ${CMAKE_CURRENT_LIST_DIR}/settings.cc DEPS apps_tunneld apps_serving apps_cli)
