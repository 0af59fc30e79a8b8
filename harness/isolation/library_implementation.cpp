#include "harness/isolation/library_implementation.h"

#include <cstdlib>
#include <optional>

#include "fixtures/error.h"
#include "fixtures/layer_shapes.h"
#include "fixtures/validate.h"
#include "harness/isolation/library_calls.h"
#include "harness/isolation/questioned_library.h"
#include "harness/verdict/tensor_parts.h"

namespace attest::harness {
namespace {

namespace fs = std::filesystem;

class LibraryLayer final : public LayerUnderTest {
 public:
  LibraryLayer(const LayerSpec& layer, QuestionedLibrary& library) : layer_(layer), library_(library) { reset_cache(); }

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
    const std::string folder = name_of(&attest_layer::stages);
    for (const auto& [name, tensor] : answer) {
      const auto stage = stage_from_name(name.starts_with(folder) ? name.substr(folder.size()) : name);
      stages.emplace(*stage, tensor);
    }
    return stages;
  }

  LayerSpec layer_;
  QuestionedLibrary& library_;
  std::optional<LibraryCache> cache_;
  std::optional<NoAnswer> broken_;  ///< why there is no cache to go on with
};

class LibraryImplementation final : public Implementation {
 public:
  LibraryImplementation(std::string name, std::unique_ptr<IsolatedLibrary> library)
      : name_(std::move(name)), library_(std::make_unique<QuestionedLibrary>(std::move(library))) {}

  Judged identity() const override { return {Party::library, name_}; }
  /// Beyond what it has to declare, a library says what it lacks when it is called.
  std::string gap(const LayerSpec& layer) const override {
    return undeclared_feature(layer.config, declaration().features);
  }

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
  Declaration declaration() const override { return library_->library().declaration(); }
  const Confinement* confinement() const override { return &library_->library().confinement(); }
  std::string printed() const override { return library_->library().printed(); }

 private:
  Tensor out(const PreparedCall& prepared) const { return library_->answer(prepared.call).at("out"); }

  std::string name_;
  std::unique_ptr<QuestionedLibrary> library_;
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
  Isolation complete = isolation;
  complete.command = worker_command(isolation.command);
  return std::make_unique<LibraryImplementation>(path_and_option,
                                                 std::make_unique<IsolatedLibrary>(library, option, complete));
}

}  // namespace attest::harness
