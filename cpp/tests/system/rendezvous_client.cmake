flowersec_add_test(system.rendezvous_client
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/rendezvous_client_test.cc
  DEPS rendezvous_client rendezvous_frames controlplane tunnel token_sign
  LABELS system TIMEOUT 240)
flowersec_add_test(system.rendezvous_malice
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/rendezvous_malice_test.cc
  DEPS rendezvous_client rendezvous_frames controlplane tunnel token_sign
  LABELS system TIMEOUT 240)
flowersec_add_test(system.rendezvous_talk
  SOURCES ${CMAKE_CURRENT_LIST_DIR}/rendezvous_talk_test.cc
  DEPS rendezvous_client rendezvous_registry controlplane tunnel token_sign
  LABELS system TIMEOUT 240)
