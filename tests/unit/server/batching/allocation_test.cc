// A program of its own, as it counts what every part of it allocates.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <map>
#include <new>
#include <utility>
#include <vector>

#include "model/data/table_slice.h"
#include "server/batching/request_queue.h"

namespace {

std::atomic<int64_t> allocations{0};

}  // namespace

// Not inlined: g++ would take a new of one and a delete of the other for a mismatch.
[[gnu::noinline]] void* operator new(size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size); memory != nullptr) return memory;
  throw std::bad_alloc();
}

[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace polyscene {
namespace {

TEST(BatchingAllocationTest, AQueueOfKnownDepthAllocatesNothing) {
  RequestQueue queue;
  std::vector<Work> workers(3);
  std::map<int64_t, ScoreResult> results;  // By rows.
  for (int64_t rows = 1; rows <= 50; ++rows) {
    results[rows].rows = rows;
    results[rows].tasks.push_back({0, 2, std::vector<float>(2 * rows)});
    results[rows].ranking.resize(rows);
  }
  const auto fill_and_empty = [&](int64_t rows) {
    for (int i = 0; i < 100; ++i) {
      PendingRequest request;
      request.rows = i % 10 == 0 ? rows : 5;
      queue.Push(std::move(request), 40, absl::UnixEpoch() + absl::Milliseconds(i * 37 % 100));
    }
    while (!queue.empty()) {
      for (Work& work : workers) queue.Take(absl::UnixEpoch(), {20, 100, 1}, work);
      for (Work& work : workers) {
        if (work.in_part != nullptr) {
          const ScoreResult& part = results.at(work.rows);
          queue.MakeRoom(*work.in_part, part);
          CopyPart(part, work.begin, *work.in_part->joined);
          if (queue.FinishPart(*work.in_part, absl::OkStatus())) queue.Release(work.in_part);
        }
        for (QueuedRequest* request : work.whole) queue.Release(request);
        work.whole.clear();
        work.in_part = nullptr;
        work.rows = 0;
      }
    }
  };
  fill_and_empty(5);
  fill_and_empty(50);  // Each in parts.
  for (int warm = 0; warm < 10; ++warm) fill_and_empty(50);
  const int64_t before = allocations;
  for (int round = 0; round < 100; ++round) fill_and_empty(round % 2 == 0 ? 50 : 5);
  EXPECT_EQ(allocations, before);
}

TEST(BatchingAllocationTest, CuttingATableAgainAllocatesNothing) {
  Table table;
  table.rows = 100;
  for (const char* name : {"a", "b", "c"}) {
    Column& column = table.Add(name, ValueType::kInt64);
    column.ints.resize(100);
    for (uint32_t row = 0; row < 100; row += 3) column.missing.push_back(row);
  }
  const TableView view = table.View();
  TableSlice slice;
  slice.Cut(view, 0, 100);
  const int64_t before = allocations;
  int64_t missing = 0;
  for (int64_t begin = 0; begin < 100; begin += 10) {
    for (const ColumnView& column : slice.Cut(view, begin, begin + 10).columns) {
      missing += static_cast<int64_t>(column.missing.size());
    }
  }
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(missing, 3 * 34);
}

}  // namespace
}  // namespace polyscene
