#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harness/profile/profiled_layer.h"
#include "optimized/multi_head_attention.h"

namespace attest::harness {

inline std::size_t extent(std::int64_t value) { return static_cast<std::size_t>(value); }

/// What the judge says of a timed output: its sampled rows, stage by stage.
struct WorkVerdict {
  struct StageVerdict {
    std::string stage;
    double e = 0.0;  ///< share of the error budget; the row passes where it is at most 1
    std::int64_t elements = 0;
    bool passed = false;
    std::string message;  ///< why not
  };
  std::vector<StageVerdict> stages;

  bool passed() const;
  double worst_e() const;
};

/// One work item, ready to be run again and again.
class PreparedWork {
 public:
  virtual ~PreparedWork() = default;

  /// Brings the cache back to where the call begins. Not timed.
  virtual void restore() = 0;
  /// The timed call, after restore(). If `times` is given, the parts of the call are timed too.
  virtual void run(optimized::PartTimes* times) = 0;
  /// Judges the output of the last run.
  virtual WorkVerdict verify() = 0;
  /// The rows of the last output that verify() samples, one after the other.
  virtual std::vector<float> sampled_output() const = 0;
};

/// Builds the layer, the inputs and, for decode, fills the cache.
std::unique_ptr<PreparedWork> prepare_work(const ProfiledLayer& layer, const WorkItem& item, optimized::Target target,
                                           const optimized::Resources& resources);

/// The tokens whose rows are judged: up to four, the first and the last among them.
std::vector<std::int64_t> sampled_tokens(std::int64_t tokens);

}  // namespace attest::harness
