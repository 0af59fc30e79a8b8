# Runs FUZZER for SECONDS from seed 1, or for $ATTEST_SOAK_MINUTES from a fresh one. It starts from the recorded cases of FIXTURES that are small; what it
# finds out goes to WORK/corpus, where the next run starts, and a file that is mistreated to WORK/findings:
# `attest fixtures check FILE` and `case_file_fuzzer FILE` show it again.
set(MOST_BYTES 65536)
file(GLOB_RECURSE recorded "${FIXTURES}/*.h5")
set(seeds "")
foreach(file IN LISTS recorded)
  file(SIZE "${file}" bytes)
  if(bytes LESS_EQUAL MOST_BYTES)
    list(APPEND seeds "${file}")
  endif()
endforeach()
if(NOT seeds)
  message(FATAL_ERROR "there is no recorded case of at most ${MOST_BYTES} bytes in ${FIXTURES}")
endif()

file(MAKE_DIRECTORY "${WORK}/corpus" "${WORK}/findings")
list(JOIN seeds "," joined)
file(WRITE "${WORK}/seeds.txt" "${joined}")
set(seed 1)
if(DEFINED ENV{ATTEST_SOAK_MINUTES})
  math(EXPR SECONDS "60 * $ENV{ATTEST_SOAK_MINUTES}")
  set(seed 0)
endif()
set(ENV{OMP_NUM_THREADS} 1)
execute_process(RESULT_VARIABLE result COMMAND "${FUZZER}" "${WORK}/corpus" "-seed_inputs=@${WORK}/seeds.txt"
  "-artifact_prefix=${WORK}/findings/" -max_total_time=${SECONDS} -seed=${seed} -max_len=${MOST_BYTES} -timeout=30
  -rss_limit_mb=4096 -print_final_stats=1)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "the reader mistreated a file, which is in ${WORK}/findings (${result})")
endif()
