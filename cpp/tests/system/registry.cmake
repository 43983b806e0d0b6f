# The registry as people run it.
flowersec_add_test(system.registry
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/registry_test.cc ${CMAKE_CURRENT_LIST_DIR}/../support/process.cc
  DEPS endpoint identity_legacy rendezvous_frames sealed ws
  LIBS OpenSSL::SSL
  LABELS system
  TIMEOUT 600)
foreach(name timing crowd)
  flowersec_add_test(system.registry_${name}
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/registry_${name}_test.cc ${CMAKE_CURRENT_LIST_DIR}/../support/process.cc
    DEPS endpoint identity_legacy rendezvous_frames ws
    LIBS OpenSSL::SSL
    LABELS system
    TIMEOUT 600)
endforeach()
flowersec_add_test(system.registry_files
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/registry_files_test.cc ${CMAKE_CURRENT_LIST_DIR}/../support/process.cc
          ${CMAKE_CURRENT_LIST_DIR}/../support/test_certificates.cc
  DEPS endpoint identity_legacy rendezvous_client rendezvous_frames ws
  LIBS OpenSSL::SSL
  LABELS system
  TIMEOUT 600)
foreach(name registry registry_files registry_timing registry_crowd)
  add_dependencies(test_system.${name} flowersec-registry flowersec-issuer-keygen)
endforeach()
# Its answers are held to 100 ms: it runs alone, behind the others.
set_tests_properties(system.registry_timing PROPERTIES RUN_SERIAL ON TIMEOUT 360)
