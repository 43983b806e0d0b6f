flowersec_add_fuzzer(json_scan SOURCES json_scan.cc DEPS base)
