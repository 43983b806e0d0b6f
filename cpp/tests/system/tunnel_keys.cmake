# Keys, tenants and certificates of the real program, and their exchange while it runs.
flowersec_add_test(system.tunnel_keys
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/tunnel_reload_test.cc ${CMAKE_CURRENT_LIST_DIR}/tunnel_tenants_test.cc
    ${CMAKE_CURRENT_LIST_DIR}/../support/process.cc
  DEPS tunnel token_sign
  LIBS OpenSSL::SSL
  LABELS system)
add_dependencies(test_system.tunnel_keys flowersec-tunnel)

# The same under load, with the issuer's side of it.
flowersec_add_test(system.rotation
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/rotation_test.cc ${CMAKE_CURRENT_LIST_DIR}/../support/process.cc
  DEPS controlplane endpoint tunnel token_sign
  LIBS OpenSSL::SSL
  LABELS system)
add_dependencies(test_system.rotation flowersec-tunnel)
