#include "model/embedding/row_store.h"

#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <new>

namespace polyscene {
namespace {

constexpr size_t kRowsAhead = 64;        // Between a row's steps on the way from its number to its memory.
constexpr size_t kPrefetchRows = 8;      // Ahead of the one that is counted as touched,
constexpr size_t kPrefetchEntries = 16;  // and of the one whose page is made writable: entries of the page table,
constexpr size_t kPrefetchPages = 2;     // and pages.

// Where a row's values are in the arena, in rows.
struct PagedPlaces {
  using Way = const uint32_t*;
  PageMap::Reader pages;
  Way Begin(uint32_t row) const {
    const Way entry = pages.Entry(row);
    __builtin_prefetch(entry);
    return entry;
  }
  uint64_t at(Way entry, uint32_t row) const { return PageMap::Position(entry, row); }
};

// Where its state is.
struct OwnPlaces {
  struct Way {};
  Way Begin(uint32_t) const { return {}; }
  uint64_t at(Way, uint32_t row) const { return row; }
};

// Calls fn(i, place) for each row in order, kZeroRow left out, when the memory there, `width` numbers a place, is on
// its way. A window slides over them: each turn asks for one row's entry of the page table, for the memory of another,
// kRowsAhead before it, and finishes a third, as far before that. So the processor always has as many lines of memory
// on their way as it can; blocks that take turns at a step let it run dry between them. kAll: none of them is kZeroRow,
// as is mostly so.
template <bool kAll, typename Places, typename Fn>
void ForEachPlace(const float* memory, int64_t width, const Places places, absl::Span<const uint32_t> rows, Fn&& fn) {
  std::array<typename Places::Way, kRowsAhead> ways;
  std::array<uint64_t, kRowsAhead> found;
  const auto is_one = [&](size_t i) { return kAll || rows[i] != kZeroRow; };
  const auto begin = [&](size_t i) {
    if (is_one(i)) ways[i % kRowsAhead] = places.Begin(rows[i]);
  };
  const auto approach = [&](size_t i) {
    if (!is_one(i)) return;
    const uint64_t place = places.at(ways[i % kRowsAhead], rows[i]);
    __builtin_prefetch(memory + place * width);
    found[i % kRowsAhead] = place;
  };
  const auto finish = [&](size_t i) {
    if (is_one(i)) fn(i, found[i % kRowsAhead]);
  };
  const size_t count = rows.size();
  const size_t second = std::min(kRowsAhead, count);
  const size_t third = std::min(2 * kRowsAhead, count);
  for (size_t i = 0; i < second; ++i) begin(i);
  for (size_t i = second; i < third; ++i) {
    approach(i - kRowsAhead);
    begin(i);
  }
  for (size_t i = third; i < count; ++i) {
    finish(i - 2 * kRowsAhead);
    approach(i - kRowsAhead);
    begin(i);
  }
  size_t finished = count - third;
  for (size_t i = count - second; i < count; ++i) {
    if (i - finished == kRowsAhead) finish(finished++);
    approach(i);
  }
  while (finished < count) finish(finished++);
}

// The widths that tables mostly have are told to the compiler, so that a row is a few loads and stores and no call.
void CopyRow(float* to, const float* from, int64_t width) {
  switch (width) {
    case 8:
      std::memcpy(to, from, 8 * sizeof(float));
      return;
    case 16:
      std::memcpy(to, from, 16 * sizeof(float));
      return;
    case 32:
      std::memcpy(to, from, 32 * sizeof(float));
      return;
    default:
      std::memcpy(to, from, width * sizeof(float));
  }
}

// Zeros for kZeroRow.
template <typename Places>
void CopyTo(float* out, const float* memory, int64_t width, const Places& places, absl::Span<const uint32_t> rows) {
  const auto copy = [=](size_t i, uint64_t place) { CopyRow(out + i * width, memory + place * width, width); };
  if (std::find(rows.begin(), rows.end(), kZeroRow) == rows.end()) {
    return ForEachPlace<true>(memory, width, places, rows, copy);
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] == kZeroRow) std::memset(out + i * width, 0, width * sizeof(float));
  }
  ForEachPlace<false>(memory, width, places, rows, copy);
}

// [rows, width]
template <typename Places>
torch::Tensor GatherOnCpu(const float* memory, int64_t width, const Places& places, absl::Span<const uint32_t> rows) {
  torch::Tensor values = torch::empty({static_cast<int64_t>(rows.size()), width}, torch::kFloat32);
  CopyTo(values.data_ptr<float>(), memory, width, places, rows);
  return values;
}

template <typename Places>
void ScatterOnCpu(const torch::Tensor& values, float* memory, int64_t width, const Places& places,
                  absl::Span<const uint32_t> rows) {
  const torch::Tensor contiguous = values.contiguous();
  const float* const source = contiguous.data_ptr<float>();
  ForEachPlace<false>(memory, width, places, rows,
                      [&](size_t i, uint64_t place) { CopyRow(memory + place * width, source + i * width, width); });
}

// [rows] as an index of tensors.
torch::Tensor RowNumbers(absl::Span<const uint32_t> rows, torch::Device device) {
  torch::Tensor numbers = torch::empty({static_cast<int64_t>(rows.size())}, torch::kInt64);
  std::copy(rows.begin(), rows.end(), numbers.data_ptr<int64_t>());
  return numbers.to(device);
}

// [rows] positions in the arena, as an index tensor on its device; kZeroRow gives position 0.
torch::Tensor Positions(const PageMap& pages, absl::Span<const uint32_t> rows, torch::Device device) {
  torch::Tensor positions = torch::empty({static_cast<int64_t>(rows.size())}, torch::kInt64);
  int64_t* out = positions.data_ptr<int64_t>();
  for (size_t i = 0; i < rows.size(); ++i) {
    out[i] = rows[i] == kZeroRow ? 0 : static_cast<int64_t>(pages.Position(rows[i]));
  }
  return positions.to(device);
}

torch::Tensor GatherRows(const torch::Tensor& arena, const PageMap& pages, absl::Span<const uint32_t> rows) {
  if (arena.is_cpu()) return GatherOnCpu(arena.data_ptr<float>(), arena.size(1), PagedPlaces{pages.reader()}, rows);
  if (arena.size(0) == 0) return torch::zeros({static_cast<int64_t>(rows.size()), arena.size(1)}, arena.options());
  torch::Tensor values = arena.index_select(0, Positions(pages, rows, arena.device()));
  std::vector<int64_t> zeros;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] == kZeroRow) zeros.push_back(static_cast<int64_t>(i));
  }
  if (!zeros.empty()) values.index_fill_(0, torch::tensor(zeros, torch::kInt64).to(arena.device()), 0);
  return values;
}

}  // namespace

void RowOwners::Reserve(int64_t places) {
  ids_.Reserve(places);
  tables_.Reserve(places);
}

void RowOwners::Set(uint64_t place, RowOwner owner) {
  ids_.Set(place, owner.id);
  tables_.Set(place, owner.table + 1);
}

void RowOwners::CopyPage(uint32_t from, uint32_t to) {
  for (int64_t i = 0; i < kRowsPerPage; ++i) Set(to * kRowsPerPage + i, at(from * kRowsPerPage + i));
}

FrozenRows::~FrozenRows() {
  if (lease_ != nullptr) lease_->ended.store(true, std::memory_order_release);
}

torch::Tensor FrozenRows::Gather(absl::Span<const uint32_t> rows) const { return GatherRows(arena_, pages_, rows); }

void FrozenRows::GatherTo(absl::Span<const uint32_t> rows, float* to) const {
  CopyTo(to, data_, dimension_, PagedPlaces{pages_.reader()}, rows);
}

RowStore::RowStore(int64_t dimension, torch::Device device, int64_t state_width)
    : arena_(dimension, device), state_(state_width, device) {}

torch::Tensor RowStore::Gather(absl::Span<const uint32_t> rows) const {
  return GatherRows(arena_.tensor(), pages_.map(), rows);
}

void RowStore::ReserveRows(int64_t added) {
  const int64_t made = std::max<int64_t>(0, added - static_cast<int64_t>(free_.count()));
  const int64_t rows = int64_t{row_count_} + made;
  if (rows >= int64_t{kZeroRow}) throw std::bad_alloc();
  state_.Reserve(rows);
  // A page for each new row's share, and a copy for each free row that a view may hold.
  const int64_t made_pages = made / kRowsPerPage + 1;
  const int64_t pages = static_cast<int64_t>(pool_.count()) + made_pages + (added - made);
  arena_.Reserve(pages * kRowsPerPage);
  owners_->Reserve(pages * kRowsPerPage);
  pages_.Reserve(made_pages, added - made);
}

void RowStore::GrowTo(int64_t rows) {
  if (rows <= row_count_) return;
  // Fresh places of a page that views share are beyond their row count, so writing them needs no copy.
  while (static_cast<int64_t>(pages_.size()) * kRowsPerPage < rows) {
    pages_.Append(TakePage(), epoch_);
  }
  row_count_ = static_cast<uint32_t>(rows);
}

std::vector<uint32_t> RowStore::Add(absl::Span<const float> values, absl::Span<const RowOwner> owners) {
  ReserveRows(static_cast<int64_t>(owners.size()));
  std::vector<uint32_t> rows(owners.size());
  const size_t reused = std::min<uint64_t>(owners.size(), free_.count());
  for (size_t i = 0; i < reused; ++i) rows[i] = free_.TakeLowest();
  for (size_t i = reused; i < rows.size(); ++i) rows[i] = row_count_ + static_cast<uint32_t>(i - reused);
  AddAt(rows, values, owners);
  return rows;
}

void RowStore::AddAt(absl::Span<const uint32_t> rows, absl::Span<const float> values,
                     absl::Span<const RowOwner> owners) {
  std::vector<uint32_t> reused;
  int64_t count = row_count_;
  for (const uint32_t row : rows) {
    count = std::max<int64_t>(count, int64_t{row} + 1);
    if (row < row_count_) reused.push_back(row);
    free_.Remove(row);
    touched_.Add(row);
  }
  state_.Reserve(count);
  MakeWritable(reused);
  GrowTo(count);
  for (size_t i = 0; i < rows.size(); ++i) owners_->Set(Place(rows[i]), owners[i]);
  if (float* arena = arena_.data(); arena != nullptr) {
    for (size_t i = 0; i < rows.size(); ++i) {
      std::memcpy(arena + Place(rows[i]) * dimension(), &values[i * dimension()], dimension() * sizeof(float));
      std::memset(state_.data() + rows[i] * state_width(), 0, state_width() * sizeof(float));
    }
    return;
  }
  const torch::Device device = arena_.tensor().device();
  const torch::Tensor source =
      torch::from_blob(const_cast<float*>(values.data()), {static_cast<int64_t>(rows.size()), dimension()});
  arena_.tensor().index_copy_(0, Positions(pages_.map(), rows, device), source.to(device));
  if (reused.empty()) return;  // States of rows that never were are zeros already.
  const std::vector<int64_t> numbers(reused.begin(), reused.end());
  state_.tensor().index_fill_(0, torch::tensor(numbers, torch::kInt64).to(device), 0);
}

void RowStore::LetGo(absl::Span<const uint32_t> rows) {
  keeps_owners_ = false;
  std::vector<uint32_t> there;
  int64_t count = row_count_;
  for (const uint32_t row : rows) {
    count = std::max<int64_t>(count, int64_t{row} + 1);
    if (row < row_count_) there.push_back(row);
  }
  MakeWritable(there);
  const uint32_t before = row_count_;
  ReserveRows(static_cast<int64_t>(free_.count()) + count - before);
  GrowTo(count);
  const auto release = [this](uint32_t row) {
    owners_->Set(Place(row), RowOwner());
    free_.Add(row);
    let_go_.Add(row);
  };
  for (const uint32_t row : there) release(row);
  for (uint32_t row = before; row < row_count_; ++row) release(row);
}

void RowStore::Write(absl::Span<const uint32_t> rows, const torch::Tensor& values) {
  MakeWritable(rows);
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i + kPrefetchRows < rows.size()) touched_.Prefetch(rows[i + kPrefetchRows]);
    touched_.Add(rows[i]);
  }
  if (float* arena = arena_.data(); arena != nullptr) {
    ScatterOnCpu(values, arena, dimension(), PagedPlaces{pages_.map().reader()}, rows);
  } else {
    arena_.tensor().index_copy_(0, Positions(pages_.map(), rows, arena_.tensor().device()), values);
  }
}

torch::Tensor RowStore::GatherState(absl::Span<const uint32_t> rows) const {
  if (const float* state = state_.data(); state != nullptr) {
    return GatherOnCpu(state, state_width(), OwnPlaces(), rows);
  }
  return state_.tensor().index_select(0, RowNumbers(rows, state_.tensor().device()));
}

void RowStore::WriteState(absl::Span<const uint32_t> rows, const torch::Tensor& states) {
  if (float* state = state_.data(); state != nullptr) {
    ScatterOnCpu(states, state, state_width(), OwnPlaces(), rows);
  } else {
    state_.tensor().index_copy_(0, RowNumbers(rows, state_.tensor().device()), states);
  }
}

void RowStore::MakeWritable(absl::Span<const uint32_t> rows) {
  std::vector<uint32_t> shared;  // Rows whose pages a view may hold.
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(shared),
               [this](uint32_t row) { return !own_pages_.Contains(row / kRowsPerPage); });
  std::vector<int64_t> from;  // On a GPU the copies go together.
  std::vector<int64_t> to;
  for (size_t i = 0; i < shared.size(); ++i) {
    if (i + kPrefetchEntries < shared.size()) __builtin_prefetch(PageEntry(shared[i + kPrefetchEntries]));
    if (i + kPrefetchPages < shared.size()) PrefetchPage(pages_.map().page(shared[i + kPrefetchPages] / kRowsPerPage));
    const uint32_t index = shared[i] / kRowsPerPage;
    if (own_pages_.Contains(index)) continue;  // It had another of the rows.
    const uint32_t old_page = pages_.map().page(index);
    const uint32_t new_page = TakePage();
    owners_->CopyPage(old_page, new_page);
    if (float* arena = arena_.data(); arena != nullptr) {
      const int64_t floats = kRowsPerPage * dimension();
      std::memcpy(arena + new_page * floats, arena + old_page * floats, floats * sizeof(float));
    } else {
      from.push_back(old_page);
      to.push_back(new_page);
    }
    pages_.Set(index, new_page, epoch_);
    pool_.Retire(old_page, epoch_);
    own_pages_.Add(index);
  }
  if (from.empty()) return;
  const auto device = arena_.tensor().device();
  const int64_t rows_in_use = static_cast<int64_t>(pool_.count()) * kRowsPerPage;
  torch::Tensor by_page = arena_.tensor().narrow(0, 0, rows_in_use).view({-1, kRowsPerPage * dimension()});
  by_page.index_copy_(0, torch::tensor(to, torch::kInt64).to(device),
                      by_page.index_select(0, torch::tensor(from, torch::kInt64).to(device)));
}

void RowStore::PrefetchPage(uint32_t page) const {
  pool_.Prefetch(page);
  owners_->Prefetch(uint64_t{page} * kRowsPerPage);
  const float* const arena = arena_.data();
  constexpr int64_t kLine = 64 / sizeof(float);
  for (int64_t at = 0; arena != nullptr && at < kRowsPerPage * dimension(); at += kLine) {
    __builtin_prefetch(arena + page * kRowsPerPage * dimension() + at);
  }
}

uint32_t RowStore::TakePage() {
  const uint32_t page = pool_.Take(epoch_);
  const int64_t rows = static_cast<int64_t>(pool_.count()) * kRowsPerPage;
  arena_.Reserve(rows);
  owners_->Reserve(rows);
  return page;
}

std::shared_ptr<const FrozenRows> RowStore::Freeze() {
  std::shared_ptr<FrozenRows> view(new FrozenRows());
  view->arena_ = arena_.tensor();
  view->data_ = arena_.data();
  view->dimension_ = dimension();
  view->owners_ = owners_;
  view->keeps_owners_ = keeps_owners_;
  view->pages_ = pages_.map();
  view->row_count_ = row_count_;
  view->lease_ = std::make_shared<ViewLease>();
  living_.Add(epoch_, view->lease_);
  ++epoch_;
  own_pages_.Freeze(pages_.size());
  living_.ForgetEnded();
  pool_.Reclaim(living_);
  pages_.Reclaim(living_);
  return view;
}

namespace {

uint64_t PageBytes(int64_t dimension) {
  return kRowsPerPage * (dimension * sizeof(float) + RowOwners::kBytes) + sizeof(uint64_t);  // And its birth.
}

}  // namespace

uint64_t RowStore::memory_bytes() const {
  return pool_.count() * PageBytes(dimension()) + pages_.memory_bytes() +
         uint64_t{row_count_} * state_width() * sizeof(float);
}

uint64_t RowStore::BytesFor(uint64_t rows, int64_t dimension, int64_t state_width) {
  const uint64_t pages = (rows + kRowsPerPage - 1) / kRowsPerPage;
  return pages * PageBytes(dimension) + PageTable::BytesFor(pages) + rows * state_width * sizeof(float);
}

}  // namespace polyscene
