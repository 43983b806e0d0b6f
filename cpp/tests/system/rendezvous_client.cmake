flowersec_add_test(system.rendezvous_client
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/rendezvous_client_test.cc
  DEPS rendezvous_client rendezvous_frames controlplane tunnel token_sign
  LABELS system TIMEOUT 600)
flowersec_add_test(system.rendezvous_malice
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/rendezvous_malice_test.cc
  DEPS rendezvous_client rendezvous_frames controlplane tunnel token_sign
  LABELS system TIMEOUT 600)
flowersec_add_test(system.rendezvous_talk
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/rendezvous_talk_test.cc
  DEPS rendezvous_client rendezvous_registry controlplane tunnel token_sign
  LABELS system TIMEOUT 600)
flowersec_add_test(system.rendezvous_secrecy
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/rendezvous_secrecy_test.cc ${CMAKE_CURRENT_LIST_DIR}/../support/process.cc
  DEPS rendezvous_client controlplane tunnel token_sign
  LABELS system TIMEOUT 600)
add_dependencies(test_system.rendezvous_secrecy flowersec-registry flowersec-tunnel flowersec-issuer-keygen)
flowersec_add_test(system.rendezvous_channel
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/rendezvous_channel_test.cc ${CMAKE_CURRENT_LIST_DIR}/../support/process.cc
  DEPS rendezvous_client controlplane tunnel token_sign
  LABELS system TIMEOUT 600)
add_dependencies(test_system.rendezvous_channel flowersec-registry flowersec-tunnel flowersec-issuer-keygen flowersec-wiretap)
flowersec_add_test(system.rendezvous_wiping
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/rendezvous_wiping_test.cc
  DEPS rendezvous_client rendezvous_frames controlplane tunnel token_sign
  LABELS system TIMEOUT 600)
