# The programs as people run them.
foreach(name tools tunnel peer)
  flowersec_add_test(system.apps_${name}
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/apps_${name}_test.cc ${CMAKE_CURRENT_LIST_DIR}/../support/process.cc
    DEPS base
    LABELS system
    TIMEOUT 600)
endforeach()
add_dependencies(test_system.apps_tools
  flowersec-issuer-keygen flowersec-channelinit flowersec-directinit flowersec-reference)
add_dependencies(test_system.apps_tunnel flowersec-tunnel flowersec-issuer-keygen)
add_dependencies(test_system.apps_peer
  flowersec-tunnel flowersec-issuer-keygen flowersec-channelinit flowersec-directinit flowersec-wiretap flowersec-peer
  flowersec-controlplane)
set_property(TEST system.apps_peer APPEND PROPERTY LABELS interop)

# The peers of both languages against each other.
add_test(NAME interop.matrix COMMAND ${PROJECT_SOURCE_DIR}/tests/interop/run ${PROJECT_BINARY_DIR}/bin)
set_tests_properties(interop.matrix PROPERTIES LABELS "interop;ts" SKIP_RETURN_CODE 77 TIMEOUT 600)

# The TypeScript package, compiled, for every test that uses it.
add_test(NAME ts.dist COMMAND ${PROJECT_SOURCE_DIR}/tools/build-ts)
set_tests_properties(ts.dist PROPERTIES LABELS ts SKIP_RETURN_CODE 77 TIMEOUT 600 FIXTURES_SETUP ts_dist)

# What a user of the npm package gets.
add_test(NAME ts.package COMMAND ${PROJECT_SOURCE_DIR}/tools/test-ts --package)
set_tests_properties(ts.package PROPERTIES LABELS ts SKIP_RETURN_CODE 77 TIMEOUT 600)

# The shell examples and the demo end with exit code 0 only when everything in them held.
foreach(name with-a-control-plane through-a-tunnel direct)
  add_test(NAME system.example_${name} COMMAND ${PROJECT_SOURCE_DIR}/examples/shell/${name}.sh ${PROJECT_BINARY_DIR}/bin)
endforeach()
add_test(NAME system.demo COMMAND ${PROJECT_SOURCE_DIR}/tools/demo ${PROJECT_BINARY_DIR}/bin)
set_tests_properties(system.example_with-a-control-plane system.example_through-a-tunnel system.example_direct system.demo PROPERTIES
  LABELS system TIMEOUT 600 ENVIRONMENT FLOWERSEC_DEMO_MIB=8)
