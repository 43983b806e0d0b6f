flowersec_add_fuzzer(rendezvous_registry_frame SOURCES ${CMAKE_CURRENT_LIST_DIR}/rendezvous_registry_frame.cc
  DEPS rendezvous_frames)
flowersec_add_fuzzer(rendezvous_registry SOURCES ${CMAKE_CURRENT_LIST_DIR}/rendezvous_registry.cc DEPS rendezvous_hub)
