#include "harness/profile/blocking_sweep.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include "harness/machine/interrupt.h"

namespace attest::harness {
namespace {

using Clock = std::chrono::steady_clock;

struct Candidate {
  std::size_t value;
  std::unique_ptr<PreparedWork> work;
  std::vector<double> seconds;
};

std::vector<Candidate> prepared(const ProfileRequest& request, const BlockingConstant& constant,
                                const optimized::Blocking& by_default) {
  std::vector<Candidate> candidates;
  for (const std::size_t value : candidates_of(by_default.*constant.member)) {
    optimized::Blocking blocking = by_default;
    blocking.*constant.member = value;
    const optimized::Resources resources{.threads = request.threads, .blocking = blocking};
    candidates.push_back({value, prepare_work(request.layer, request.item, request.target, resources), {}});
  }
  return candidates;
}

/// The second of two calls: the candidates before it have left nothing of its own in the caches.
double warm_seconds(PreparedWork& work) {
  work.restore();
  work.run(nullptr);
  work.restore();
  const auto start = Clock::now();
  work.run(nullptr);
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Each begins once: what comes first after a pause is slower.
void time_in_turn(std::vector<Candidate>& candidates, const ProfileRequest& request) {
  const auto start = Clock::now();
  for (int done = 0; done < request.repetitions; ++done) {
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      Candidate& candidate = candidates[(i + static_cast<std::size_t>(done)) % candidates.size()];
      candidate.seconds.push_back(warm_seconds(*candidate.work));
    }
    stop_if_interrupted();
    if (done >= 2 && std::chrono::duration<double>(Clock::now() - start).count() > request.seconds) return;
  }
}

CandidateTimes times_of(const Candidate& candidate, const Candidate& by_default) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < candidate.seconds.size(); ++i) {
    ratios.push_back(candidate.seconds[i] / by_default.seconds[i]);
  }
  return {.value = candidate.value,
          .seconds = timing_of(candidate.seconds),
          .ratio = timing_of(ratios),
          .interval = median_interval(ratios),
          .same_bits = candidate.work->sampled_output() == by_default.work->sampled_output()};
}

}  // namespace

const std::vector<BlockingConstant>& blocking_constants() {
  using optimized::Blocking;
  static const std::vector<BlockingConstant> constants = {{"depth_block", &Blocking::depth_block, true},
                                                          {"part_keys", &Blocking::part_keys, true},
                                                          {"few_tiles", &Blocking::few_tiles, true},
                                                          {"attention_rows", &Blocking::attention_rows, true},
                                                          {"group_columns", &Blocking::group_columns, false},
                                                          {"block_rows", &Blocking::block_rows, false},
                                                          {"packed_blocks", &Blocking::packed_blocks, false},
                                                          {"resident_bytes", &Blocking::resident_bytes, false},
                                                          {"key_value_bytes", &Blocking::key_value_bytes, false}};
  return constants;
}

std::vector<std::size_t> candidates_of(std::size_t by_default) {
  std::vector<std::size_t> values;
  for (const std::size_t value : {by_default / 4, by_default / 2, by_default, by_default * 2, by_default * 4}) {
    if (value > 0) values.push_back(value);
  }
  return values;
}

bool keeps_its_bits(const BlockingSweep& sweep) {
  return std::ranges::all_of(sweep.constants, [](const ConstantSweep& swept) {
    return swept.constant->cuts_sums || std::ranges::all_of(swept.candidates, &CandidateTimes::same_bits);
  });
}

BlockingSweep sweep_blocking(const ProfileRequest& request, const std::function<void(std::size_t)>& after_constant) {
  const optimized::Blocking by_default = optimized::default_blocking(request.target);
  BlockingSweep sweep{request, {}};
  for (const auto& constant : blocking_constants()) {
    std::vector<Candidate> candidates = prepared(request, constant, by_default);
    time_in_turn(candidates, request);
    ConstantSweep swept{&constant, by_default.*constant.member, {}};
    const auto& usual = *std::ranges::find(candidates, swept.by_default, &Candidate::value);
    for (const auto& candidate : candidates) swept.candidates.push_back(times_of(candidate, usual));
    sweep.constants.push_back(std::move(swept));
    after_constant(sweep.constants.size());
  }
  return sweep;
}

}  // namespace attest::harness
