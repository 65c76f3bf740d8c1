# The layout is the build: one folder, one library or program or test suite, named after its path.
#
# Most of what a compiler does here is reading the same headers again. So several files are compiled
# as one (CMake's unity build) where nobody waits for a single file: the suites, and all of a
# sanitizer's build; the preset `dev` compiles each by itself. APART FILE...: these, or ALL, cannot
# be one with the others, mostly as they use the same names for different things, and are compiled
# by themselves everywhere.

function(nightjar_apart target)
  if("ALL" IN_LIST ARGN)
    set_target_properties(${target} PROPERTIES UNITY_BUILD OFF)
  elseif(ARGN)
    set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
endfunction()

# nightjar_folder(DEPS ...): the library of this folder's own .cc files (not of its subfolders).
# supervisor/cell becomes the target supervisor_cell.
function(nightjar_folder)
  cmake_parse_arguments(ARG "" "" "APART;DEPS;EXCLUDE" ${ARGN})
  file(RELATIVE_PATH path ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  string(REPLACE "/" "_" name ${path})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  foreach(excluded ${ARG_EXCLUDE})
    list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/${excluded})
  endforeach()
  if(sources)
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC ${ARG_DEPS})
    nightjar_apart(${name} ${ARG_APART})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${ARG_DEPS})
  endif()
endfunction()

# nightjar_suite(NAME DEPS ...): one GoogleTest program of every *_test.cc in this folder. A test's
# own code is not made faster, and not held against undefined behaviour, as what it calls is: that
# took two thirds of its compilation.
function(nightjar_suite name)
  cmake_parse_arguments(ARG "" "" "APART;DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cc)
  if(NOT sources)
    return()
  endif()
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest_main)
  target_compile_options(${name} PRIVATE -O0 -U_FORTIFY_SOURCE)
  if(NIGHTJAR_SANITIZE)
    target_compile_options(${name} PRIVATE -fno-sanitize=undefined)
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/suites)
  if(NIGHTJAR_UNITE_SUITES)
    set_target_properties(${name} PROPERTIES UNITY_BUILD ON)
  endif()
  nightjar_apart(${name} ${ARG_APART})
  set_property(GLOBAL APPEND PROPERTY NIGHTJAR_SUITES ${name})
endfunction()

# nightjar_bench(NAME [SOURCES ...] DEPS ...): one measuring program, in bench/ of the build and in target
# `benches`; of this folder's .cc files, or, where several are made here, of those it names.
function(nightjar_bench name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  if(NOT ARG_SOURCES)
    file(GLOB ARG_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
  set_property(GLOBAL APPEND PROPERTY NIGHTJAR_BENCHES ${name})
endfunction()
