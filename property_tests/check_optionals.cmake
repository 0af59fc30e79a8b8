# No optional of the reader is read unless the same function has looked whether it holds something: clang-tidy follows
# every path. Wants TIDY (clang-tidy, or *-NOTFOUND), BUILD (with compile_commands.json) and SOURCES (separated by ,).
if(NOT TIDY)
  if("$ENV{ATTEST_REQUIRE_PROGRAMS}" MATCHES "clang-tidy")
    message(FATAL_ERROR "clang-tidy is required by ATTEST_REQUIRE_PROGRAMS, but missing")
  endif()
  message("skipped: clang-tidy is not installed")
  return()
endif()
string(REPLACE "," ";" SOURCES "${SOURCES}")
if(NOT SOURCES)
  message(FATAL_ERROR "there are no sources to look at")
endif()
# Compiled in batches, they are headers of those.
file(GLOB batches ${BUILD}/fixtures/CMakeFiles/attest_fixtures.dir/Unity/*.cxx)
if(batches)
  set(SOURCES ${batches})
endif()
execute_process(
  COMMAND ${TIDY} -p ${BUILD} --quiet --header-filter=/fixtures/ "--checks=-*,bugprone-unchecked-optional-access" "--warnings-as-errors=*" ${SOURCES}
  RESULT_VARIABLE code OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "${output}")
endif()
