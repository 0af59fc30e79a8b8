# What an installed attest is: the command, the recorded cases, and libraries for find_package(attest).
include(CMakePackageConfigHelpers)
set(ATTEST_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/attest)

install(TARGETS attest_fixtures attest_reference attest_optimized attest_judge attest_harness attest_reports
  attest_command
  EXPORT attestTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS attest_bug_zoo LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT attestTargets NAMESPACE attest:: DESTINATION ${ATTEST_CMAKE_DIR})

install(FILES ${CMAKE_CURRENT_BINARY_DIR}/attest.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES command/completion/attest.bash
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME attest)
install(FILES command/completion/_attest DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs/schema/ DESTINATION ${CMAKE_INSTALL_DATADIR}/attest/schema)

configure_package_config_file(attestConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/attestConfig.cmake
  INSTALL_DESTINATION ${ATTEST_CMAKE_DIR})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/attestConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  ${CMAKE_CURRENT_BINARY_DIR}/attestConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/attestConfigVersion.cmake
  DESTINATION ${ATTEST_CMAKE_DIR})

# The headers that a user may include; the others belong to their room.
set(ATTEST_PUBLIC_HEADERS
  fixtures/bfloat16.h fixtures/float16.h fixtures/float_format.h fixtures/case.h fixtures/case_file.h fixtures/config.h fixtures/error.h fixtures/family.h
  fixtures/generator.h fixtures/manifest.h fixtures/printable.h fixtures/stage_inputs.h fixtures/tensor.h fixtures/validate.h
  reference/error_budget.h reference/multi_head_attention.h reference/truth.h
  optimized/blocking.h optimized/call_clock.h optimized/multi_head_attention.h optimized/part_clock.h optimized/resources.h
  optimized/target.h
  harness/attest_implementation.h harness/judge/case_truth.h harness/verdict/comparator.h harness/machine/fingerprint.h harness/judge/implementation.h
  harness/judge/judge_implementation.h harness/judge/judge_recorded.h harness/verdict/judgement.h
  harness/isolation/library_implementation.h harness/lineup/lineup.h
  harness/verdict/recorded_stages.h harness/run/selection.h harness/report/summary.h harness/run/verify.h
  # What those include.
  harness/coverage/combinations.h harness/coverage/covering_array.h harness/coverage/dimensions.h
  harness/coverage/run_coverage.h harness/judge/declaration.h harness/draw/drawn_case.h harness/judge/judge_stage.h harness/laws/laws.h
  harness/judge/confinement.h harness/verdict/comparison.h harness/verdict/judged.h harness/run/run.h harness/verdict/selected_heads.h harness/search/draw_run.h
  harness/search/drawn_question.h reference/score_storage.h)
foreach(header IN LISTS ATTEST_PUBLIC_HEADERS)
  get_filename_component(room ${header} DIRECTORY)
  install(FILES ${PROJECT_SOURCE_DIR}/${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/attest/${room})
endforeach()

install(DIRECTORY ${PROJECT_SOURCE_DIR}/fixtures/data/ DESTINATION ${CMAKE_INSTALL_DATADIR}/attest/fixtures)
