#include "harness/isolation/questioned_library.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>

#include "harness/judge/input_guard.h"
#include "harness/machine/process_resources.h"

namespace attest::harness {
namespace {

/// Calls of up to so many bytes are repeated in every condition. A larger one, whose buffers cost more than its
/// arithmetic, is made at the end of its pages only: before a buffer lie canaries, which are NaN to a read and show a
/// write.
constexpr std::size_t kSmallCall = std::size_t{4} << 20;

/// One call of this many that are too large is repeated, in one of the other conditions.
constexpr std::size_t kRepeatedOfLarge = 4;

/// A small case leaves a library one thread, and how it shares work among threads would go unseen. So one call gets no
/// fewer than three: the rows of a call are seldom a multiple, and what is left over must be done as well. Which number
/// depends on the inputs, so that no library is right for those alone that are tried.
constexpr std::array kSeveralThreads = {3, 4, 5, 7, 8, 12};

/// One way to make a call. Each differs from the first in one thing, so that a wrong answer says what it depends on.
struct Condition {
  Placement placement = Placement::flush_end;
  bool several_threads = false;
  Before before = Before::unwritten;
};
constexpr std::array kConditions = {Condition{}, Condition{.placement = Placement::flush_begin},
                                    Condition{.placement = Placement::shifted}, Condition{.several_threads = true},
                                    Condition{.before = Before::finite}};

std::size_t bytes_of(const LibraryCall& call) {
  std::size_t bytes = 0;
  for (const auto& buffer : call.buffers) bytes += buffer.bytes();
  return bytes;
}

bool is_made_in(std::size_t condition, const LibraryCall& call) {
  if (bytes_of(call) <= kSmallCall) return true;
  const std::size_t draw = seed_of(call) / kSeveralThreads.size();
  return draw % kRepeatedOfLarge == 0 && 1 + draw / kRepeatedOfLarge % (kConditions.size() - 1) == condition;
}

int several_threads(const LibraryCall& call) {
  return std::max(threads(), kSeveralThreads[seed_of(call) % kSeveralThreads.size()]);
}

std::string text_of(const Condition& condition, const std::string& several_threads) {
  if (condition.several_threads) return several_threads + " threads";
  if (condition.before == Before::finite) return "numbers instead of NaN in the outputs before the call";
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

bool same_bits(const LibraryAnswer& a, const LibraryAnswer& b) {
  return std::ranges::equal(a, b, [](const auto& one, const auto& other) {
    return one.first == other.first && std::ranges::equal(one.second.bytes(), other.second.bytes());
  });
}

std::size_t hash_of(const LibraryCall& call) {
  std::size_t hash = std::hash<std::string>{}(call.function);
  const auto mix = [&](std::size_t more) { hash = hash * 31 + more; };
  const auto mix_all = [&](const auto& fields) {
    for (const auto& [name, value] : fields) mix(std::hash<std::decay_t<decltype(value)>>{}(value));
  };
  std::apply([&](const auto&... numbers) { (mix_all(numbers), ...); }, call.numbers);
  mix_all(call.same);
  for (const auto& buffer : call.buffers)
    mix(buffer.content == nullptr ? buffer.bytes() : fingerprint_of(*buffer.content));
  return hash;
}

}  // namespace

/// A call, with its memory in every placement that it is made in: repetitions share what no library can change.
class PlacedCall {
 public:
  explicit PlacedCall(const LibraryCall& call) : call_(call) {}

  const LibraryCall& call() const { return call_; }
  CallArena& in(Placement placement) {
    auto& arena = arenas_[static_cast<std::size_t>(placement)];
    if (!arena) arena.emplace(call_, placement);
    return *arena;
  }

 private:
  const LibraryCall& call_;
  std::array<std::optional<CallArena>, 3> arenas_;
};

LibraryAnswer QuestionedLibrary::answer(const LibraryCall& call) {
  if (!library_->offers(call.function)) {
    throw NoAnswer(Status::skipped, "the library offers no " + call.function, Gap::not_offered);
  }
  if (turn_ != 0) return answer_of_turn(call);
  PlacedCall placed(call);
  LibraryAnswer first = answer_in(0, placed);
  for (std::size_t i = 1; i < kConditions.size(); ++i) {
    if (!is_made_in(i, call)) continue;
    LibraryAnswer other = answer_in(i, placed);
    if (!same_bits(first, other)) keep(i, call, std::move(other));
  }
  if (bytes_of(call) <= kSmallCall) check_claims(placed, first);
  return first;
}

/// What differed is not asked again: a library that is wrong now and then would be right then.
LibraryAnswer QuestionedLibrary::answer_of_turn(const LibraryCall& call) {
  const auto kept = different_.find({turn_, hash_of(call)});
  if (kept != different_.end()) return kept->second;
  PlacedCall placed(call);
  return answer_in(is_made_in(turn_, call) ? turn_ : 0, placed);
}

void QuestionedLibrary::keep(std::size_t condition, const LibraryCall& call, LibraryAnswer answer) {
  if (kConditions[condition].several_threads) several_.insert(several_threads(call));
  if (different_.size() >= kMostKept) different_.erase(different_.begin());
  different_.insert_or_assign({condition, hash_of(call)}, std::move(answer));
}

bool QuestionedLibrary::turn() {
  turn_ = different_.empty() ? 0 : (turn_ + 1) % kConditions.size();
  if (turn_ == 0) {
    different_.clear();
    several_.clear();
  }
  return turn_ != 0;
}

std::string QuestionedLibrary::condition() const {
  return "with " + text_of(kConditions[turn_], fmt::format("{}", fmt::join(several_, " or ")));
}

LibraryAnswer QuestionedLibrary::answer_in(std::size_t index, PlacedCall& placed) {
  const Condition& condition = kConditions[index];
  const int its_threads = condition.several_threads ? several_threads(placed.call()) : threads();
  try {
    return library_->call(placed.in(condition.placement), its_threads, condition.before);
  } catch (const NoAnswer& none) {
    if (index == 0 || none.verdict != Status::failed) throw;
    throw NoAnswer(none.verdict,
                   std::string(none.what()) + "; only with " + text_of(condition, std::to_string(its_threads)));
  }
}

void QuestionedLibrary::check_claims(PlacedCall& placed, const LibraryAnswer& answer) {
  if (!library_->declaration().same_bits_for_any_threads) return;
  const int others = threads() == 1 ? 2 : 1;
  if (same_bits(answer, library_->call(placed.in(Placement::flush_end), others, Before::unwritten))) return;
  throw NoAnswer(Status::failed, "claims the same bits for any number of threads, but " + std::to_string(threads()) +
                                     " and " + std::to_string(others) + " give different ones");
}

}  // namespace attest::harness
