# Installs to a folder of its own, then builds and runs a consumer against it and the installed command on its own cases,
# also after it was moved. Wants BUILD (this build), WORK (a folder), SOURCE (the consumer's sources), GENERATOR, COMPILER and
# C_COMPILER.
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE code OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "${ARGN}\n${output}")
  endif()
endfunction()

set(PREFIX ${WORK}/prefix)
file(REMOVE_RECURSE ${WORK})
# What the tests set for the program under test is not for an installed one.
unset(ENV{ATTEST_FIXTURES})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${PREFIX})
run(${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK}/build -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${COMPILER}
  "-DCMAKE_CXX_FLAGS=${FLAGS}" -DCMAKE_PREFIX_PATH=${PREFIX} -DCMAKE_BUILD_TYPE=Release)
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${C_COMPILER} -O2 -shared -fPIC -I${PREFIX}/include/attest/harness ${SOURCE}/../../harness/example_kernel.c
  -o ${WORK}/example_kernel.so -lm)
run(${WORK}/build/consumer ${PREFIX}/share/attest/fixtures/heads/grouped_query.h5)
file(GLOB BUILTIN ${PREFIX}/lib*/attest/libattest_builtin.so ${PREFIX}/lib/*/attest/libattest_builtin.so)
foreach(library IN ITEMS ${WORK}/example_kernel.so "${BUILTIN}#reference")
  run(${PREFIX}/bin/attest verify --quiet heads --implementation ${library})
endforeach()
foreach(file IN ITEMS man/man1/attest.1 bash-completion/completions/attest zsh/site-functions/_attest attest/schema/report.schema.json)
  if(NOT EXISTS ${PREFIX}/share/${file})
    message(FATAL_ERROR "share/${file} is not installed")
  endif()
endforeach()

# Moved, the program reads what it brought along, here a case less than the source tree has: nothing of that is needed.
set(MOVED ${WORK}/moved)
file(RENAME ${PREFIX} ${MOVED})
file(REMOVE ${MOVED}/share/attest/fixtures/heads/multi_query.h5)
execute_process(COMMAND ${MOVED}/bin/attest fixtures list heads
  RESULT_VARIABLE code OUTPUT_VARIABLE listed ERROR_VARIABLE listed)
if(NOT code EQUAL 0 OR listed MATCHES "heads/multi_query" OR NOT listed MATCHES "heads/grouped_query.* cases in ${MOVED}/")
  message(FATAL_ERROR "the moved program does not list its own cases:\n${listed}")
endif()
run(${MOVED}/bin/attest verify --quiet heads)
run(${MOVED}/bin/attest selftest --bug heads_tiled)
