# Writes OUTPUT, a file that ctest includes: a test for each case that PROGRAM lists in SOURCE.
#
# A line of the list is an id, a tab and labels parted by commas.
execute_process(COMMAND "${PROGRAM}" list scenarios --labels WORKING_DIRECTORY "${SOURCE}"
  OUTPUT_VARIABLE lines RESULT_VARIABLE result)
if(NOT result STREQUAL "0")
  message(FATAL_ERROR "loadproof list scenarios: exit code ${result}")
endif()

# Ids may hold what a list of CMake takes for its own.
string(ASCII 1 semicolon)
string(ASCII 2 open)
string(ASCII 3 close)
string(REPLACE ";" "${semicolon}" lines "${lines}")
string(REPLACE "[" "${open}" lines "${lines}")
string(REPLACE "]" "${close}" lines "${lines}")
string(REPLACE "\n" ";" lines "${lines}")

set(tests "")
foreach(line IN LISTS lines)
  if(line MATCHES "^([^\t]+)\t(.*)$")
    set(id "${CMAKE_MATCH_1}")
    string(REPLACE "," ";" labels "scenario,${CMAKE_MATCH_2}")
    string(APPEND tests
      "add_test([==[${id}]==] [==[${PROGRAM}]==] run [==[${id}]==])\n"
      "set_tests_properties([==[${id}]==] PROPERTIES LABELS [==[${labels}]==] TIMEOUT 120\n"
      "  SKIP_REGULAR_EXPRESSION [==[1 case: 0 passed, 1 skipped]==]\n"
      "  WORKING_DIRECTORY [==[${SOURCE}]==])\n")
  elseif(NOT line STREQUAL "")
    message(FATAL_ERROR "loadproof list scenarios --labels: not understood: ${line}")
  endif()
endforeach()
if(tests STREQUAL "")
  message(FATAL_ERROR "loadproof list scenarios: no case")
endif()
string(REPLACE "${semicolon}" ";" tests "${tests}")
string(REPLACE "${open}" "[" tests "${tests}")
string(REPLACE "${close}" "]" tests "${tests}")
file(WRITE "${OUTPUT}" "${tests}")
