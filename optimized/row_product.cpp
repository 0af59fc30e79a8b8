#include "optimized/row_product.h"

#include <algorithm>

#include "optimized/threads.h"

namespace attest::optimized {
namespace {

/// So few rows are packed by the caller alone.
constexpr std::size_t kFewRows = 64;

/// Rows in as few blocks as may be, of equal size: multiples of the register tile.
struct RowBlocks {
  RowBlocks(const Execution<float>& execution, std::size_t rows) : tile(execution.kernels.tile_rows) {
    const std::size_t tiles = (rows + tile - 1) / tile;
    const std::size_t most = std::max<std::size_t>(execution.blocking.block_rows / tile, 1);
    const std::size_t blocks = std::max<std::size_t>((tiles + most - 1) / most, 1);
    block = (tiles + blocks - 1) / blocks * tile;
    packed = execution.blocking.packed_blocks * block;
  }

  std::size_t tile;
  std::size_t block;   ///< rows of one block
  std::size_t packed;  ///< rows packed at a time
};

/// Where the parts of the workspace begin, in floats: packed rows, then of each thread a block's product and one row.
struct ProductLayout {
  ProductLayout(const Execution<float>& execution, std::size_t packed_rows, std::size_t block_rows, std::size_t depth,
                std::size_t widest_group)
      : row((widest_group + 1) * execution.kernels.panel_width),
        thread(widest_group * execution.kernels.panel_width * std::min(block_rows, packed_rows) + row),
        threads((execution.kernels.packed_rows_size(packed_rows, depth) + 15) / 16 * 16) {}

  std::size_t row;      ///< floats of a row, at the end of a thread's part
  std::size_t thread;   ///< floats of a thread
  std::size_t threads;  ///< where the first thread's part begins
};

/// A group of one of the projections.
struct GroupTask {
  ColumnGroup<float> group;
  const BlockFinisher* finisher;
};

GroupTask task_of(std::span<const Projection> projections, std::size_t index) {
  for (const auto& [linear, columns, finisher] : projections) {
    const Range groups = linear->groups_with(columns);
    if (index < groups.count) return {linear->part_of(groups.first + index, columns), finisher};
    index -= groups.count;
  }
  return {};
}

/// Rows that are packed together.
void multiply_packed(const Execution<float>& execution, const RowMatrix<float>& x, const RowBlocks& cut,
                     std::span<const Projection> projections, Part part, float* workspace, CallClock& clock) {
  const KernelTable& kernels = execution.kernels;
  std::size_t widest = 0, columns = 0, groups = 0;
  for (const auto& projection : projections) {
    widest = std::max(widest, projection.linear->widest_group());
    columns += projection.columns.count;
    groups += projection.linear->groups_with(projection.columns).count;
  }
  const ProductLayout layout(execution, x.rows, cut.block, x.depth, widest);
  const int threads = threads_for(
      {.multiply_adds = x.rows * x.depth * columns, .bytes = x.depth * columns * sizeof(float)}, execution.threads);
  const std::size_t tile = cut.tile, tiles = (x.rows + tile - 1) / tile;
  const std::size_t blocks = (x.rows + cut.block - 1) / cut.block;
  float* packed = workspace;

  for_each_item(tiles, x.rows > kFewRows ? threads : 1, clock, [&](std::size_t t, const Worker& worker) {
    const std::size_t first = t * tile, count = std::min(tile, x.rows - first);
    kernels.pack_rows(x.data + first * x.stride, x.stride, count, x.depth,
                      packed + kernels.packed_rows_size(first, x.depth));
    worker.end_of(Part::packing);
  });
  for_each_item(groups * blocks, threads, clock, [&](std::size_t item, const Worker& worker) {
    float* product = workspace + layout.threads + layout.thread * worker.thread;
    const GroupTask task = task_of(projections, item / blocks);
    const std::size_t first = item % blocks * cut.block;
    const std::size_t rows = std::min(cut.block, x.rows - first);
    kernels.multiply_block({.packed_rows = packed + kernels.packed_rows_size(first, x.depth),
                            .panels = task.group.panels,
                            .product = product,
                            .rows = rows,
                            .depth = x.depth,
                            .panel_count = task.group.panel_count,
                            .depth_block = execution.blocking.depth_block,
                            .resident_bytes = execution.blocking.resident_bytes});
    worker.end_of(part);
    task.finisher->finish({.group = task.group,
                           .first_row = x.first_row + first,
                           .rows = rows,
                           .product = product,
                           .row_buffer = product + layout.thread - layout.row,
                           .clock = worker.clock});
  });
}

}  // namespace

std::size_t product_workspace(const Execution<float>& execution, std::size_t rows, std::size_t depth,
                              std::size_t widest_group) {
  const std::size_t tile = execution.kernels.tile_rows;
  const std::size_t block = std::min((rows + tile - 1) / tile * tile, std::max(execution.blocking.block_rows, tile));
  const ProductLayout layout(execution, std::min(rows, execution.blocking.packed_blocks * block), block, depth,
                             widest_group);
  return layout.threads + layout.thread * static_cast<std::size_t>(execution.threads);
}

void multiply_rows(const Execution<float>& execution, const RowMatrix<float>& x,
                   std::span<const Projection> projections, Part part, float* workspace, CallClock& clock) {
  const RowBlocks cut(execution, x.rows);
  for (const auto& [first, count] : ranges_of(x.rows, std::max<std::size_t>(cut.packed, 1))) {
    const RowMatrix<float> rows{.data = x.data + first * x.stride,
                                .rows = count,
                                .depth = x.depth,
                                .stride = x.stride,
                                .first_row = x.first_row + first};
    multiply_packed(execution, rows, cut, projections, part, workspace, clock);
  }
}

}  // namespace attest::optimized
