#include "optimized/block_rows.h"

#include <algorithm>

#include "fixtures/block_mask.h"
#include "fixtures/validate.h"

namespace attest::optimized {
namespace {

/// The columns that a row of blocks lists.
std::span<const std::int32_t> listed(const Tensor& num_blocks, const Tensor& indices, std::size_t row) {
  const auto columns = static_cast<std::size_t>(indices.dim(3));
  return indices.as<std::int32_t>().subspan(row * columns,
                                            static_cast<std::size_t>(num_blocks.as<std::int32_t>()[row]));
}

}  // namespace

void BlockRows::read(const BlockMask& mask, std::size_t keys) {
  if (!holds_truth_values(mask.partial_blocks)) refuse_mask_bytes();
  const BlockSize size = block_size(mask);
  rows_ = static_cast<std::size_t>(mask.kv_num_blocks.dim(2));
  block_tokens_ = static_cast<std::size_t>(size.tokens);
  block_keys_ = static_cast<std::size_t>(size.keys);
  stretches_.clear();
  first_of_row_.assign(1, 0);
  const unsigned char* shown = mask.partial_blocks.as<std::uint8_t>().data();
  for (std::size_t row = 0; row < static_cast<std::size_t>(mask.kv_num_blocks.size()); ++row) {
    add_row(mask, row, keys, shown);
    first_of_row_.push_back(stretches_.size());
  }
}

/// `shown` is the row's first block of those that are seen in part, and afterwards the next row's.
void BlockRows::add_row(const BlockMask& mask, std::size_t row, std::size_t keys, const unsigned char*& shown) {
  const auto add = [&](std::int32_t column, const unsigned char* its_shown) {
    const std::size_t begin = static_cast<std::size_t>(column) * block_keys_;
    stretches_.push_back({begin, std::min(begin + block_keys_, keys), its_shown});
  };
  for (const std::int32_t column : listed(mask.kv_num_blocks, mask.kv_indices, row)) {
    add(column, shown);
    shown += block_tokens_ * block_keys_;
  }
  for (const std::int32_t column : listed(mask.full_kv_num_blocks, mask.full_kv_indices, row)) add(column, nullptr);
  const auto first = stretches_.begin() + static_cast<std::ptrdiff_t>(first_of_row_.back());
  std::sort(first, stretches_.end(), [](const Stretch& a, const Stretch& b) { return a.begin < b.begin; });
  auto end = first;  // of those that are merged
  for (auto next = first; next != stretches_.end(); ++next) {
    const bool continues = end != first && end[-1].shown == nullptr && next->shown == nullptr &&  //
                           end[-1].end == next->begin;
    if (continues) {
      end[-1].end = next->end;
    } else {
      *end++ = *next;
    }
  }
  stretches_.erase(end, stretches_.end());
}

std::span<const BlockRows::Stretch> BlockRows::stretches(std::size_t mask, std::size_t token) const {
  const std::size_t row = mask * rows_ + token / block_tokens_, first = first_of_row_[row];
  return std::span(stretches_).subspan(first, first_of_row_[row + 1] - first);
}

const unsigned char* BlockRows::flags_of(const Stretch& stretch, std::size_t token) const {
  return stretch.shown + token % block_tokens_ * block_keys_;
}

bool BlockRows::find_run(std::size_t mask, std::size_t token, KeyRun& run) const {
  std::size_t visible = 0;
  run = {0, 0};
  const auto add = [&](std::size_t begin, std::size_t end, std::size_t count) {
    if (count == 0) return;
    if (visible == 0) run.begin = static_cast<unsigned>(begin);
    run.end = static_cast<unsigned>(end);
    visible += count;
  };
  for (const Stretch& stretch : stretches(mask, token)) {
    if (stretch.shown == nullptr) {
      add(stretch.begin, stretch.end, stretch.end - stretch.begin);
      continue;
    }
    const MaskRows row{.kind = MaskKind::boolean, .flags = flags_of(stretch, token), .key_stride = 1};
    for (std::size_t begin = stretch.begin; begin < stretch.end; begin += kKeyBlock) {
      const MaskScan scan =
          execution_.kernels.scan_mask(row, 0, begin - stretch.begin, std::min(kKeyBlock, stretch.end - begin));
      add(begin + scan.first_visible, begin + scan.end_visible, scan.visible);
    }
  }
  return visible == run.end - run.begin;
}

void BlockRows::write_flags(std::size_t mask, std::size_t token, std::span<unsigned char> flags) const {
  std::ranges::fill(flags, static_cast<unsigned char>(0));
  for (const Stretch& stretch : stretches(mask, token)) {
    unsigned char* out = flags.data() + stretch.begin;
    const std::size_t count = stretch.end - stretch.begin;
    if (stretch.shown == nullptr) {
      std::fill_n(out, count, static_cast<unsigned char>(1));
    } else {
      std::copy_n(flags_of(stretch, token), count, out);
    }
  }
}

}  // namespace attest::optimized
