# Third-party libraries, all from the system's packages. tools/setup installs them on Debian 12.

find_package(Boost 1.81 REQUIRED COMPONENTS headers json url system)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Threads REQUIRED)
find_package(absl REQUIRED)
find_package(spdlog REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_package(SQLite3 3.37 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium>=1.0.18)

if(FLOWERSEC_TESTS)
  find_package(GTest REQUIRED)
endif()
if(FLOWERSEC_BENCH)
  find_package(benchmark REQUIRED)
endif()
