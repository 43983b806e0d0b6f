flowersec_add_fuzzer(record_opener SOURCES record_opener.cc DEPS record)
