flowersec_add_fuzzer(attach_message SOURCES attach_message.cc DEPS messages)
flowersec_add_fuzzer(grant SOURCES grant.cc DEPS messages)
flowersec_add_fuzzer(rpc_envelope SOURCES rpc_envelope.cc DEPS messages)
if(FLOWERSEC_IDLGEN)  # the torture schema is generated while the tests are built
  flowersec_add_fuzzer(generated_messages SOURCES generated_messages.cc DEPS messages messages_demo torture)
endif()
