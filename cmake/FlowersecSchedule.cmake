# What ctest is told of each test before its first run: a fresh clone has no times of its own.
#
#   COST         seconds, of those that take long: they start first, so that none is left over at the end
#   PROCESSORS   in halves: 2 for a test that computes, 1 for one that mostly waits. `make test` says -j with twice the number of processors and one: as many
#                tests compute at once as there are processors, one that waits is always beside them, and two more where one of them is missing
#   FIXTURES     ts.dist compiles the TypeScript package once; who needs it waits for that without holding a processor

set(flowersec_costs
  lab 200 idl.typescript 190 adversary 140 load.return 100 interop.matrix 65 system.reconnect 60 ts.package 55 example.browser.ownwire_looks 50 example.browser.chat_page 50
  example.ownwire_clients 45 system.ownwire_crowd 45 example.browser.ownwire_chat 40 unit.ownwire_crowd 40 sim.lives 35 example.browser.ownwire_pages 30
  system.controlplane 30 interop.mux_ts 30 system.registry_crowd 26 system.ownwire_limits 25 unit.yamux 25 system.conformance_28 24 system.registry_timing 22
  example.browser.pages 20 example.browser.dev_server 20 interop.yamux_go 20 interop.ws_peers 20 model.handshake 20 sim 20 model.mux 20
  example.cookbook 20 example.ownwire_sdk 20 system.tunnel_flags 20 system.rendezvous_malice 17 system.tunnel_keys 16 system.tunnel 15 unit.tunnel 15
  system.tunnel_faults 13 system.tunnel_deaf_readers 13 unit.tunnel_replay 13 unit.endpoint 13 system.tunnel_front_door 12 unit.ws 12 system.apps_policy 12
  system.rotation 10)

# About a quarter of their time at most is a processor's. Where they bound time, it is by seconds.
set(flowersec_waiting_tests
  lab load.return system.apps_policy system.chat system.conformance_28 system.controlplane system.ownwire_chat system.ownwire_crowd system.ownwire_edge system.ownwire_idle
  system.registry system.registry_crowd system.rendezvous_malice system.tunnel_drain system.tunnel_faults system.tunnel_flags system.tunnel_keys)

# Whatever runs ts/dist, or packs it.
string(CONCAT flowersec_dist_tests "^(idl.typescript|ts.package|interop.*|adversary|lab|system.ownwire_(nginx|haproxy|systemd|chromium)"
  "|example.(typescript|cookbook|browser.*|rendezvous_clients|ownwire_(sdk|clients)))$")

# For all tests of the folder whose CMakeLists.txt this is called in, when that ends.
function(flowersec_schedule_tests)
  get_property(is_told DIRECTORY PROPERTY FLOWERSEC_IS_SCHEDULED)
  if(NOT is_told)
    set_property(DIRECTORY PROPERTY FLOWERSEC_IS_SCHEDULED TRUE)
    cmake_language(DEFER CALL flowersec_schedule_tests_now)
  endif()
endfunction()

function(flowersec_schedule_tests_now)
  get_property(tests DIRECTORY PROPERTY TESTS)
  foreach(test IN LISTS tests)
    list(FIND flowersec_costs ${test} at)
    if(NOT at EQUAL -1)
      math(EXPR at "${at} + 1")
      list(GET flowersec_costs ${at} cost)
      set_property(TEST ${test} PROPERTY COST ${cost})
    endif()
    if(test IN_LIST flowersec_waiting_tests)
      set_property(TEST ${test} PROPERTY PROCESSORS 1)
    else()
      set_property(TEST ${test} PROPERTY PROCESSORS 2)
    endif()
    if(test MATCHES "${flowersec_dist_tests}")
      set_property(TEST ${test} APPEND PROPERTY FIXTURES_REQUIRED ts_dist)
    endif()
  endforeach()
endfunction()
