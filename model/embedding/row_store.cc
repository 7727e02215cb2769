#include "model/embedding/row_store.h"

#include <torch/torch.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace polyscene {
namespace {

// Rows ahead of the one being copied whose memory is asked for already.
constexpr size_t kPrefetchRows = 8;

torch::Tensor GatherOnCpu(const float* arena, int64_t dimension, const PageTable& pages,
                          absl::Span<const uint32_t> rows) {
  torch::Tensor values = torch::empty({static_cast<int64_t>(rows.size()), dimension}, torch::kFloat32);
  float* out = values.data_ptr<float>();
  const size_t bytes = dimension * sizeof(float);
  for (size_t i = 0; i < rows.size(); ++i, out += dimension) {
    if (i + kPrefetchRows < rows.size() && rows[i + kPrefetchRows] != kZeroRow) {
      __builtin_prefetch(arena + pages.Position(rows[i + kPrefetchRows]) * dimension);
    }
    if (rows[i] == kZeroRow) {
      std::memset(out, 0, bytes);
    } else {
      std::memcpy(out, arena + pages.Position(rows[i]) * dimension, bytes);
    }
  }
  return values;
}

// [rows] positions in the arena, as an index tensor on its device; kZeroRow gives position 0.
torch::Tensor Positions(const PageTable& pages, absl::Span<const uint32_t> rows, torch::Device device) {
  torch::Tensor positions = torch::empty({static_cast<int64_t>(rows.size())}, torch::kInt64);
  int64_t* out = positions.data_ptr<int64_t>();
  for (size_t i = 0; i < rows.size(); ++i) {
    out[i] = rows[i] == kZeroRow ? 0 : static_cast<int64_t>(pages.Position(rows[i]));
  }
  return positions.to(device);
}

torch::Tensor GatherRows(const torch::Tensor& arena, const PageTable& pages, absl::Span<const uint32_t> rows) {
  if (arena.is_cpu()) return GatherOnCpu(arena.data_ptr<float>(), arena.size(1), pages, rows);
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

RowStore::RowStore(int64_t dimension, torch::Device device, int64_t state_width)
    : arena_(dimension, device), state_(state_width, device) {}

torch::Tensor RowStore::Gather(absl::Span<const uint32_t> rows) const {
  return GatherRows(arena_.tensor(), pages_, rows);
}

void RowStore::ReserveRows(int64_t added) {
  const int64_t made = std::max<int64_t>(0, added - static_cast<int64_t>(free_.count()));
  const int64_t rows = int64_t{row_count_} + made;
  if (rows >= int64_t{kZeroRow}) throw std::bad_alloc();
  state_.Reserve(rows);
  // A page for each new row's share, and a copy for each free row that a view may hold.
  const int64_t pages = static_cast<int64_t>(page_births_.size()) + made / kRowsPerPage + 1 + (added - made);
  arena_.Reserve(pages * kRowsPerPage);
  owners_->Reserve(pages * kRowsPerPage);
}

void RowStore::GrowTo(int64_t rows) {
  if (rows <= row_count_) return;
  // Fresh places of a page that views share are beyond their row count, so writing them needs no copy.
  while (static_cast<int64_t>(pages_.size()) * kRowsPerPage < rows) pages_.Append(TakePage(), epoch_);
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
  for (size_t i = 0; i < rows.size(); ++i) owners_->Set(pages_.Position(rows[i]), owners[i]);
  if (float* arena = arena_.data(); arena != nullptr) {
    for (size_t i = 0; i < rows.size(); ++i) {
      std::memcpy(arena + pages_.Position(rows[i]) * dimension(), &values[i * dimension()],
                  dimension() * sizeof(float));
      std::memset(state_.data() + rows[i] * state_width(), 0, state_width() * sizeof(float));
    }
    return;
  }
  const torch::Device device = arena_.tensor().device();
  const torch::Tensor source =
      torch::from_blob(const_cast<float*>(values.data()), {static_cast<int64_t>(rows.size()), dimension()});
  arena_.tensor().index_copy_(0, Positions(pages_, rows, device), source.to(device));
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
    owners_->Set(pages_.Position(row), RowOwner());
    free_.Add(row);
    let_go_.Add(row);
  };
  for (const uint32_t row : there) release(row);
  for (uint32_t row = before; row < row_count_; ++row) release(row);
}

void RowStore::Write(absl::Span<const uint32_t> rows, const torch::Tensor& values) {
  MakeWritable(rows);
  for (const uint32_t row : rows) touched_.Add(row);
  if (float* arena = arena_.data(); arena != nullptr) {
    const torch::Tensor contiguous = values.contiguous();
    const float* source = contiguous.data_ptr<float>();
    for (size_t i = 0; i < rows.size(); ++i) {
      std::memcpy(arena + pages_.Position(rows[i]) * dimension(), source + i * dimension(),
                  dimension() * sizeof(float));
    }
  } else {
    arena_.tensor().index_copy_(0, Positions(pages_, rows, arena_.tensor().device()), values);
  }
}

void RowStore::MakeWritable(absl::Span<const uint32_t> rows) {
  std::vector<int64_t> from;  // On a GPU the copies go together.
  std::vector<int64_t> to;
  for (const uint32_t row : rows) {
    const uint64_t index = row / kRowsPerPage;
    const uint32_t old_page = pages_.page(index);
    if (page_births_[old_page] == epoch_) continue;
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
    retired_.push_back({old_page, page_births_[old_page], epoch_});
  }
  if (from.empty()) return;
  const auto device = arena_.tensor().device();
  const int64_t rows_in_use = static_cast<int64_t>(page_births_.size()) * kRowsPerPage;
  torch::Tensor by_page = arena_.tensor().narrow(0, 0, rows_in_use).view({-1, kRowsPerPage * dimension()});
  by_page.index_copy_(0, torch::tensor(to, torch::kInt64).to(device),
                      by_page.index_select(0, torch::tensor(from, torch::kInt64).to(device)));
}

uint32_t RowStore::TakePage() {
  if (!free_pages_.empty()) {
    const uint32_t page = free_pages_.back();
    free_pages_.pop_back();
    page_births_[page] = epoch_;
    return page;
  }
  arena_.Reserve(static_cast<int64_t>(page_births_.size() + 1) * kRowsPerPage);
  owners_->Reserve(static_cast<int64_t>(page_births_.size() + 1) * kRowsPerPage);
  page_births_.push_back(epoch_);
  return static_cast<uint32_t>(page_births_.size() - 1);
}

std::shared_ptr<const FrozenRows> RowStore::Freeze() {
  std::shared_ptr<FrozenRows> view(new FrozenRows());
  view->arena_ = arena_.tensor();
  view->data_ = arena_.data();
  view->dimension_ = dimension();
  view->owners_ = owners_;
  view->keeps_owners_ = keeps_owners_;
  view->pages_ = pages_;
  view->row_count_ = row_count_;
  view->lease_ = std::make_shared<FrozenRows::Lease>();
  living_.push_back({epoch_, view->lease_});
  ++epoch_;
  ReclaimPages();
  return view;
}

void RowStore::ReclaimPages() {
  const auto ended = [](const LivingView& view) { return view.lease->ended.load(std::memory_order_acquire); };
  living_.erase(std::remove_if(living_.begin(), living_.end(), ended), living_.end());
  const auto free = [this](const RetiredPage& retired) {
    const auto view = std::lower_bound(living_.begin(), living_.end(), retired.birth,
                                       [](const LivingView& v, uint64_t epoch) { return v.epoch < epoch; });
    if (view != living_.end() && view->epoch < retired.death) return false;
    free_pages_.push_back(retired.page);
    return true;
  };
  retired_.erase(std::remove_if(retired_.begin(), retired_.end(), free), retired_.end());
}

namespace {

uint64_t PageBytes(int64_t dimension) {
  return kRowsPerPage * (dimension * sizeof(float) + RowOwners::kBytes) + sizeof(uint64_t);  // And its birth.
}

}  // namespace

uint64_t RowStore::memory_bytes() const {
  return page_births_.size() * PageBytes(dimension()) + pages_.memory_bytes() +
         uint64_t{row_count_} * state_width() * sizeof(float);
}

uint64_t RowStore::BytesFor(uint64_t rows, int64_t dimension, int64_t state_width) {
  const uint64_t pages = (rows + kRowsPerPage - 1) / kRowsPerPage;
  return pages * PageBytes(dimension) + PageTable::BytesFor(pages) + rows * state_width * sizeof(float);
}

}  // namespace polyscene
