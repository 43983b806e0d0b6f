# deploy/ownwire as it is installed, in namespaces; needs root, nginx, haproxy and Node, and is skipped without. The idle
# connection is opened among the first tests, and looked at again behind the last ones: examples/CMakeLists.txt.
if(NOT FLOWERSEC_SANITIZE)
  add_test(NAME system.ownwire_idle_begin COMMAND ${PROJECT_SOURCE_DIR}/tools/test-ownwire-idle begin ${PROJECT_BINARY_DIR})
  set_tests_properties(system.ownwire_idle_begin PROPERTIES LABELS "system;idle" FIXTURES_SETUP ownwire_idle)
  foreach(test nginx haproxy systemd chromium)
    add_test(NAME system.ownwire_${test} COMMAND ${PROJECT_SOURCE_DIR}/tools/test-ownwire-deploy ${PROJECT_BINARY_DIR} ${test})
    set_tests_properties(system.ownwire_${test} PROPERTIES LABELS "system;ownwire" SKIP_RETURN_CODE 77 TIMEOUT 600)
  endforeach()
endif()
