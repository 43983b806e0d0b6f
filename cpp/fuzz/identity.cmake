flowersec_add_fuzzer(invitation_link SOURCES invitation_link.cc DEPS identity)
flowersec_add_fuzzer(identity_file SOURCES identity_file.cc DEPS identity)
