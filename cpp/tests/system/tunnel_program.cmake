# flowersec-tunnel at its front door, on its way down, and when the machine misbehaves.
foreach(name deaf_readers drain faults front_door source)
  flowersec_add_test(system.tunnel_${name}
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/tunnel_${name}_test.cc ${CMAKE_CURRENT_LIST_DIR}/../support/process.cc
    DEPS tunnel token_sign
    LIBS OpenSSL::SSL
    LABELS system
    TIMEOUT 600)
  add_dependencies(test_system.tunnel_${name} flowersec-tunnel)
endforeach()
