# The control plane's program with a tunnel, an endpoint and clients around it.
add_library(kill_at_step MODULE ${CMAKE_CURRENT_LIST_DIR}/../support/kill_at_step.cc)
target_link_libraries(kill_at_step PRIVATE ${CMAKE_DL_LIBS} flowersec_warnings)
set_target_properties(kill_at_step PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)

flowersec_add_test(system.controlplane
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/controlplane_test.cc ${CMAKE_CURRENT_LIST_DIR}/controlplane_commands_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/controlplane_demo_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/controlplane_life_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/controlplane_kill_test.cc ${CMAKE_CURRENT_LIST_DIR}/controlplane_reload_test.cc
          ${CMAKE_CURRENT_LIST_DIR}/../support/process.cc
          ${CMAKE_CURRENT_LIST_DIR}/../support/test_certificates.cc
  DEPS controlplane_client endpoint sources token_control ws_frame
  LIBS OpenSSL::SSL
  LABELS system
  TIMEOUT 600)
add_dependencies(test_system.controlplane flowersec-controlplane flowersec-tunnel flowersec-channelinit kill_at_step)
