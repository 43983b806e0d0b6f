# OwnWire's programs as people run them.
if(TARGET ownwire)
  foreach(name assets cli internal)
    flowersec_add_test(system.ownwire_${name}
      SOURCES ${CMAKE_CURRENT_LIST_DIR}/ownwire_${name}_test.cc ${CMAKE_CURRENT_LIST_DIR}/../support/process.cc
              ${CMAKE_CURRENT_LIST_DIR}/../support/test_certificates.cc
      DEPS base apps_ownwire_assets
      LIBS OpenSSL::SSL
      LABELS system
      TIMEOUT 600)
    add_dependencies(test_system.ownwire_${name} ownwire)
  endforeach()
  foreach(name chat client edge link)
    flowersec_add_test(system.ownwire_${name}
      SOURCES ${CMAKE_CURRENT_LIST_DIR}/ownwire_${name}_test.cc ${CMAKE_CURRENT_LIST_DIR}/../support/process.cc
      DEPS endpoint ownwire_client ownwire_frames sealed
      LIBS OpenSSL::SSL
      LABELS system
      TIMEOUT 600)
    add_dependencies(test_system.ownwire_${name} ownwire ownwire-edge)
  endforeach()
  foreach(name crowd limits)
    set(more)
    if(name STREQUAL "crowd")
      set(more ${CMAKE_CURRENT_LIST_DIR}/ownwire_restart_test.cc)
    endif()
    flowersec_add_test(system.ownwire_${name}
      SOURCES ${CMAKE_CURRENT_LIST_DIR}/ownwire_${name}_test.cc ${more} ${CMAKE_CURRENT_LIST_DIR}/../support/process.cc
      DEPS endpoint ownwire_frames sealed ws
      LIBS OpenSSL::SSL
      LABELS system
      TIMEOUT 600)
    add_dependencies(test_system.ownwire_${name} ownwire)
  endforeach()
endif()
