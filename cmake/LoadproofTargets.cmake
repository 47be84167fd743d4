# How this project's libraries, tests and benchmarks are made: the same way for every folder.

add_library(loadproof_warnings INTERFACE)
target_compile_options(loadproof_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor
  -Woverloaded-virtual -Wcast-align -Wno-missing-field-initializers -Werror)
if(LOADPROOF_SANITIZE)
  target_compile_options(loadproof_warnings INTERFACE
    -fsanitize=${LOADPROOF_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(loadproof_warnings INTERFACE -fsanitize=${LOADPROOF_SANITIZE})
endif()

# loadproof_library(NAME DIR folder… LINK target…): every .cc of the folders, none of their subfolders.
function(loadproof_library name)
  cmake_parse_arguments(arg "" "" "DIR;LINK" ${ARGN})
  list(TRANSFORM arg_DIR APPEND "/*.cc" OUTPUT_VARIABLE patterns)
  file(GLOB sources CONFIGURE_DEPENDS ${patterns})
  if(NOT sources)
    message(FATAL_ERROR "${name} has no sources in ${arg_DIR}")
  endif()
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} PUBLIC "${CMAKE_SOURCE_DIR}")
  target_link_libraries(${name} PUBLIC ${arg_LINK} tl::expected Threads::Threads
    PRIVATE loadproof_warnings)
endfunction()

# loadproof_tests(NAME DIR folder LINK target…): one GoogleTest program of the folder's *_test.cc.
function(loadproof_tests name)
  cmake_parse_arguments(arg "" "DIR" "LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${arg_DIR}/*_test.cc")
  if(NOT sources)
    return()
  endif()
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE ${arg_LINK} GTest::gtest GTest::gmock GTest::gtest_main
    loadproof_warnings)
  if(LOADPROOF_SANITIZE)
    # GCC sees uninitialised values in <regex> when it instruments it; there are none.
    target_compile_options(${name} PRIVATE -Wno-maybe-uninitialized)
  endif()
  target_compile_definitions(${name} PRIVATE LOADPROOF_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  set_target_properties(${name} PROPERTIES BUILD_RPATH "${LOADPROOF_RPATH}")
  gtest_discover_tests(${name} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}"
    DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 300)
endfunction()

# loadproof_bench(FILE LINK target…): one Google Benchmark program, run for an instant by ctest so
# that it cannot rot. `cmake --build … --target bench` runs them all for real; ci/bench does, too, and
# makes a table.
add_custom_target(bench)
add_custom_target(bench_programs)
function(loadproof_bench file)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  get_filename_component(name ${file} NAME_WE)
  add_executable(${name} ${file})
  target_link_libraries(${name} PRIVATE ${arg_LINK} benchmark::benchmark loadproof_warnings)
  target_compile_definitions(${name} PRIVATE LOADPROOF_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  set_target_properties(${name} PROPERTIES BUILD_RPATH "${LOADPROOF_RPATH}")
  add_test(NAME bench/${name} COMMAND ${name} --benchmark_min_time=0.001
    WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
  set_tests_properties(bench/${name} PROPERTIES LABELS bench TIMEOUT 300
    ENVIRONMENT LOADPROOF_BENCH_FORM=instant FAIL_REGULAR_EXPRESSION "ERROR OCCURRED")
  add_dependencies(bench_programs ${name})
  add_custom_target(run_${name} COMMAND ${name} WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}"
    USES_TERMINAL)
  add_dependencies(bench run_${name})
endfunction()
