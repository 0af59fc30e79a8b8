#include "harness/isolation/library_implementation.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>

#include "fixtures/error.h"
#include "fixtures/layer_shapes.h"
#include "fixtures/validate.h"
#include "harness/attest_implementation.h"
#include "harness/isolation/isolated_library.h"
#include "harness/isolation/library_calls.h"
#include "harness/process_resources.h"
#include "harness/tensor_parts.h"

namespace attest::harness {
namespace {

namespace fs = std::filesystem;

/// Calls of up to so many bytes are repeated in every condition. A larger one, whose buffers cost more than its
/// arithmetic, is made at the end of its pages only: before a buffer lie canaries, which are NaN to a read and show a
/// write.
constexpr std::size_t kSmallCall = std::size_t{4} << 20;

std::size_t bytes_of(const LibraryCall& call) {
  std::size_t bytes = 0;
  for (const auto& buffer : call.buffers) bytes += buffer.bytes();
  return bytes;
}

bool same_bits(const LibraryAnswer& a, const LibraryAnswer& b) {
  return std::ranges::equal(a, b, [](const auto& one, const auto& other) {
    return one.first == other.first && std::ranges::equal(one.second.bytes(), other.second.bytes());
  });
}

/// A small case leaves a library one thread, and how it shares work among threads would go unseen. So one call gets no
/// fewer than three: the rows of a call are seldom a multiple, and what is left over must be done as well.
constexpr int kSeveralThreads = 3;

/// One way to make a call. Each differs from the first in one thing, so that a wrong answer says what it depends on.
struct Condition {
  Placement placement;
  bool several_threads;
};
constexpr std::array kConditions = {Condition{Placement::flush_end, false}, Condition{Placement::flush_begin, false},
                                    Condition{Placement::shifted, false}, Condition{Placement::flush_end, true}};

int threads_of_call(const Condition& condition) {
  return condition.several_threads ? std::max(threads(), kSeveralThreads) : threads();
}

std::string text_of(const Condition& condition) {
  if (condition.several_threads) return std::to_string(threads_of_call(condition)) + " threads";
  switch (condition.placement) {
    case Placement::flush_end:
      return "each tensor at the end of a page";
    case Placement::flush_begin:
      return "each tensor at the beginning of a page";
    case Placement::shifted:
      return "the tensors shifted by 0 to 63 bytes";
  }
  return "";
}

/// A library, asked as the judge wants it: a small call is made in every condition, its claims are put to the test.
class Questioned {
 public:
  explicit Questioned(std::unique_ptr<IsolatedLibrary> library) : library_(std::move(library)) {}

  LibraryAnswer answer(const LibraryCall& call) {
    if (!library_->offers(call.function)) {
      throw NoAnswer(Status::skipped, "the library offers no " + call.function, Gap::not_offered);
    }
    if (bytes_of(call) > kSmallCall) return library_->call(call, Placement::flush_end, threads());
    std::array<LibraryAnswer, kConditions.size()> answers;
    std::ranges::transform(kConditions, answers.begin(),
                           [&](const Condition& condition) { return answer_in(condition, call); });
    check_claims(call, answers.front());
    const auto is_like_first = [&](const auto& answer) { return same_bits(answers.front(), answer); };
    if (std::ranges::all_of(answers, is_like_first)) return answers.front();
    differed_ = true;
    return answers[turn_];
  }

  /// Implementation::turn_to_other_answers
  bool turn() {
    turn_ = differed_ ? (turn_ + 1) % kConditions.size() : 0;
    differed_ = turn_ != 0;
    return differed_;
  }

  /// Implementation::condition_of_answers
  std::string condition() const { return "with " + text_of(kConditions[turn_]); }

 private:
  LibraryAnswer answer_in(const Condition& condition, const LibraryCall& call) {
    try {
      return library_->call(call, condition.placement, threads_of_call(condition));
    } catch (const NoAnswer& none) {
      const bool is_first = &condition == kConditions.data();
      if (is_first || none.verdict != Status::failed) throw;
      throw NoAnswer(none.verdict, std::string(none.what()) + "; only with " + text_of(condition));
    }
  }

  void check_claims(const LibraryCall& call, const LibraryAnswer& answer) {
    if (!library_->claims(ATTEST_SAME_BITS_FOR_ANY_THREADS)) return;
    const int others = threads() == 1 ? 2 : 1;
    if (same_bits(answer, library_->call(call, kConditions.front().placement, others))) return;
    throw NoAnswer(Status::failed, "claims the same bits for any number of threads, but " + std::to_string(threads()) +
                                       " and " + std::to_string(others) + " give different ones");
  }

  std::unique_ptr<IsolatedLibrary> library_;
  std::size_t turn_ = 0;  ///< which condition's answer is given where they differ
  bool differed_ = false;
};

class LibraryLayer final : public LayerUnderTest {
 public:
  LibraryLayer(const LayerSpec& layer, Questioned& library) : layer_(layer), library_(library) { reset_cache(); }

  Stages forward(const Inputs& inputs) override {
    if (broken_ && cache_) throw *broken_;
    try {
      validate_call(layer_, inputs, cache_ ? cache_->filled : 0);
    } catch (const InputError&) {
      throw NoAnswer(Status::skipped, "a library is called with arguments only that torchtune accepts");
    }
    const LibraryAnswer answer = answered_by_library(inputs);
    if (cache_) keep_cache(answer, inputs);
    return stages_of(answer);
  }

  void reset_cache() override {
    broken_.reset();
    const KVCache* config = enabled_cache(layer_.config);
    if (config == nullptr) return;
    const Shape shape{config->batch_size, layer_.config.num_kv_heads, config->max_seq_len, layer_.config.head_dim};
    cache_ = LibraryCache{Tensor(layer_.config.dtype, shape), Tensor(layer_.config.dtype, shape), 0};
  }

  void fill_cache(const Tensor& k, const Tensor& v) override {
    LibraryCache& cache = cache_.value();
    overwrite(cache.k_cache, 2, cache.filled, k);
    overwrite(cache.v_cache, 2, cache.filled, v);
    cache.filled += k.dim(2);
  }

 private:
  LibraryAnswer answered_by_library(const Inputs& inputs) {
    try {
      return library_.answer(prepared(layer_, inputs, cache_ ? &*cache_ : nullptr).call);
    } catch (const NoAnswer& none) {
      const bool skipped = none.verdict == Status::skipped;
      broken_ = skipped ? none : NoAnswer(Status::untested, "an earlier call of this sequence left no cache");
      throw;
    }
  }

  void keep_cache(const LibraryAnswer& answer, const Inputs& inputs) {
    cache_->k_cache = answer.at("k_cache");
    cache_->v_cache = answer.at("v_cache");
    if (const Tensor* y = key_value_input(inputs)) cache_->filled += y->dim(1);
  }

  static Stages stages_of(const LibraryAnswer& answer) {
    Stages stages;
    for (const auto& [name, tensor] : answer) {
      const std::string folder = "stages/";
      const auto stage = stage_from_name(name.starts_with(folder) ? name.substr(folder.size()) : name);
      stages.emplace(*stage, tensor);
    }
    return stages;
  }

  LayerSpec layer_;
  Questioned& library_;
  std::optional<LibraryCache> cache_;
  std::optional<NoAnswer> broken_;  ///< why there is no cache to go on with
};

class LibraryImplementation final : public Implementation {
 public:
  LibraryImplementation(std::string name, std::unique_ptr<IsolatedLibrary> library)
      : name_(std::move(name)), library_(std::make_unique<Questioned>(std::move(library))) {}

  std::string name() const override { return name_; }
  std::string target() const override { return ""; }
  /// A library says what it lacks when it is called.
  std::string gap(const LayerSpec&) const override { return ""; }

  std::unique_ptr<LayerUnderTest> layer(const LayerSpec& layer) const override {
    try {
      validate_layer(layer);
    } catch (const InputError&) {
      throw NoAnswer(Status::skipped, "a library is called with arguments only that torchtune accepts");
    }
    return std::make_unique<LibraryLayer>(layer, *library_);
  }
  Tensor linear(const LinearInputs& inputs) const override { return out(prepared(inputs)); }
  Tensor rotary(const RotaryInputs& inputs) const override { return out(prepared(inputs)); }
  Tensor norm(const NormInputs& inputs) const override { return out(prepared(inputs)); }
  Tensor attention(const AttentionInputs& inputs) const override { return out(prepared(inputs)); }
  bool turn_to_other_answers() const override { return library_->turn(); }
  std::string condition_of_answers() const override { return library_->condition(); }

 private:
  Tensor out(const PreparedCall& prepared) const { return library_->answer(prepared.call).at("out"); }

  std::string name_;
  std::unique_ptr<Questioned> library_;
};

/// The program whose `worker` subcommand isolates libraries.
fs::path worker_command(const fs::path& asked) {
  if (!asked.empty()) return asked;
  std::error_code none;
  if (fs::read_symlink("/proc/self/exe", none).filename() == "attest") return "/proc/self/exe";
  const char* configured = std::getenv("ATTEST_COMMAND");
  if (configured != nullptr && *configured != '\0') return configured;
  throw InputError("ATTEST_COMMAND", "the attest program, which runs libraries in a process of their own", "nothing");
}

}  // namespace

std::unique_ptr<Implementation> load_implementation(const std::string& path_and_option, const Isolation& isolation) {
  const std::size_t mark = path_and_option.rfind('#');
  const fs::path library = fs::absolute(path_and_option.substr(0, mark));
  const std::string option = mark == std::string::npos ? "" : path_and_option.substr(mark + 1);
  if (!fs::is_regular_file(library))
    throw InputError("--implementation", "a shared library", library.string() + ", which is no file");
  const Isolation complete{worker_command(isolation.command), isolation.time_limit};
  return std::make_unique<LibraryImplementation>(path_and_option,
                                                 std::make_unique<IsolatedLibrary>(library, option, complete));
}

}  // namespace attest::harness
