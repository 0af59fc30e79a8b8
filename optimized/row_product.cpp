#include "optimized/row_product.h"

#include <algorithm>

#include "optimized/threads.h"

namespace attest::optimized {
namespace {

/// Rows of one block: its product (kGroupColumns wide) and one strip of its packed rows stay in the second-level cache.
constexpr std::size_t kBlockRows = 280;
/// Blocks whose rows are packed together; the workspace holds no more.
constexpr std::size_t kBlocksPacked = 2;
/// So few rows are packed by the caller alone.
constexpr std::size_t kFewRows = 64;

}  // namespace

void RowProduct::run(const RowMatrix& x, std::span<const GroupTask> tasks, Part part, CallClock& clock) {
  const std::size_t tiles = (x.rows + kernels_.tile_rows - 1) / kernels_.tile_rows;
  const std::size_t most = kBlockRows / kernels_.tile_rows;
  const std::size_t blocks = (tiles + most - 1) / most;
  const std::size_t block_rows = (tiles + blocks - 1) / std::max<std::size_t>(blocks, 1) * kernels_.tile_rows;
  for (std::size_t first = 0; first < x.rows; first += kBlocksPacked * block_rows) {
    run_rows(x, {first, std::min(kBlocksPacked * block_rows, x.rows - first), block_rows}, tasks, part, clock);
  }
}

void RowProduct::run_rows(const RowMatrix& x, const RowRange& range, std::span<const GroupTask> tasks, Part part,
                          CallClock& clock) {
  std::size_t widest = 0, columns = 0;
  for (const auto& task : tasks) {
    widest = std::max(widest, task.group.panel_count);
    columns += task.group.columns;
  }
  const std::size_t row_floats = (widest + 1) * kernels_.panel_width;
  const std::size_t space = widest * kernels_.panel_width * std::min(range.block, range.count) + row_floats;
  const int threads =
      threads_for({.multiply_adds = range.count * x.depth * columns, .bytes = x.depth * columns * sizeof(float)});
  float* packed = packed_rows_.reserve(range.count * x.depth);
  float* spaces = thread_space_.reserve(space * threads);
  const std::size_t tile = kernels_.tile_rows, tiles = (range.count + tile - 1) / tile;
  const std::size_t blocks = (range.count + range.block - 1) / range.block;

  for_each_item(tiles, range.count > kFewRows ? threads : 1, clock, [&](std::size_t t, const Worker& worker) {
    const float* rows = x.data + (range.first + t * tile) * x.stride;
    const std::size_t count = std::min(tile, range.count - t * tile);
    kernels_.pack_rows(rows, x.stride, count, x.depth, packed + t * tile * x.depth);
    worker.end_of(Part::packing);
  });
  for_each_item(tasks.size() * blocks, threads, clock, [&](std::size_t item, const Worker& worker) {
    float* product = spaces + space * worker.thread;
    const GroupTask& task = tasks[item / blocks];
    const std::size_t first = item % blocks * range.block;
    const std::size_t rows = std::min(range.block, range.count - first);
    kernels_.multiply_block(
        {packed + first * x.depth, task.group.panels, product, rows, x.depth, task.group.panel_count});
    worker.end_of(part);
    task.finisher->finish(
        {task.group, x.first_row + range.first + first, rows, product, product + space - row_floats, worker.clock});
  });
}

}  // namespace attest::optimized
