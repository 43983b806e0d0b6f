flowersec_add_test(system.tunnel
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/tunnel_conformance_test.cc ${CMAKE_CURRENT_LIST_DIR}/tunnel_reports_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/tunnel_sockets_test.cc
  DEPS tunnel token_sign
  LIBS OpenSSL::SSL
  LABELS system)
