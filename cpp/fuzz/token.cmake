flowersec_add_fuzzer(control_frames SOURCES control_frames.cc DEPS token_control)
flowersec_add_fuzzer(keyset_file SOURCES keyset_file.cc DEPS token_verify)
flowersec_add_fuzzer(token_verify SOURCES token_verify.cc DEPS token_verify token_sign)
