# Every library that Nightjar stands on, found once. packages.txt installs them.
#
# What a worker needs is linked statically: a zygote without shared libraries has a quarter of their mappings and no relocated pages, and so
# forks and faults in less time (docs/benchmarks.md).
set(Protobuf_USE_STATIC_LIBS ON)
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(Protobuf REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)
find_package(Boost 1.74 REQUIRED COMPONENTS filesystem system)
find_package(CURL REQUIRED)
find_package(SQLite3 REQUIRED)
foreach(module libuv libcgroup libzstd libpq)
  string(REGEX REPLACE "^lib" "" short ${module})
  pkg_check_modules(${short} REQUIRED IMPORTED_TARGET ${module})
endforeach()
pkg_check_modules(prometheus-cpp-core REQUIRED IMPORTED_TARGET prometheus-cpp-core)
# It comes without a pkg-config file.
find_library(NIGHTJAR_subid subid REQUIRED)
add_library(subid INTERFACE)
target_link_libraries(subid INTERFACE ${NIGHTJAR_subid})

# nightjar_static(NAME ARCHIVE...): the target static_NAME, of archives in the order that the linker needs them.
function(nightjar_static name)
  add_library(static_${name} INTERFACE)
  foreach(archive ${ARGN})
    find_library(NIGHTJAR_${archive} lib${archive}.a REQUIRED)
    target_link_libraries(static_${name} INTERFACE ${NIGHTJAR_${archive}})
  endforeach()
endfunction()
nightjar_static(icu icui18n icuuc icudata)
nightjar_static(crypto hogweed nettle gmp argon2)
nightjar_static(seccomp seccomp)
nightjar_static(xxhash xxhash)
