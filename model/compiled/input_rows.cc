#include "model/compiled/input_rows.h"

#include <algorithm>
#include <numeric>

#include "absl/types/span.h"
#include "model/embedding/initial_row.h"

namespace polyscene {

void InputRows::Begin(const EncodedBatch& batch) {
  batch_ = &batch;
  row_ = 0;
  next_value_.assign(spec_.slots().size(), 0);
}

int InputRows::CountIds(const InputPiece& piece, int rows) const {
  if (!spec_.slots()[piece.slot].sequence) return rows;
  const int32_t* lengths = batch_->slots[piece.slot].lengths.data() + row_;
  return std::accumulate(lengths, lengths + rows, 0);
}

void InputRows::Take(const FrozenTables& tables, const InputPiece& piece, int begin, int ids, Search& search) const {
  const SlotSpec& slot = spec_.slots()[piece.slot];
  search.piece = &piece;
  search.index = &tables.index(slot.table);
  search.rows = &tables.rows(piece.group);
  search.table = static_cast<uint32_t>(slot.table);
  search.begin = begin;
  search.count = std::min(kIdsAtOnce, ids - begin);
  search.last = begin + search.count == ids;
  const size_t first = slot.sequence ? next_value_[piece.slot] : row_;
  search.ids = batch_->slots[piece.slot].ids.data() + first + begin;
}

void InputRows::Begin(Search& search) {
  for (int i = 0; i < search.count; ++i) {
    search.tags[i] = RowIndexSlots::Tag(search.ids[i]);
    search.index->PrefetchTag(search.tags[i]);
  }
}

void InputRows::Guess(Search& search) {
  for (int i = 0; i < search.count; ++i) {
    const uint32_t row = search.index->PeekTag(search.tags[i]);
    search.guesses[i] = row < search.rows->row_count() ? row : kNoRow;
    if (search.guesses[i] == kNoRow) continue;
    search.entries[i] = search.rows->PageEntry(row);
    __builtin_prefetch(search.entries[i]);
  }
}

void InputRows::Approach(Search& search) {
  for (int i = 0; i < search.count; ++i) {
    if (search.guesses[i] == kNoRow) continue;
    search.places[i] = FrozenRows::Place(search.entries[i], search.guesses[i]);
    search.rows->PrefetchOwner(search.places[i]);
    search.rows->PrefetchValues(search.places[i]);
  }
}

const float* InputRows::Initial(const FrozenTables& tables, const Search& search, int i) {
  const auto width = static_cast<size_t>(search.piece->width);
  initial_.resize(std::max(initial_.size(), kIdsAtOnce * width));
  const absl::Span<float> values = absl::MakeSpan(initial_).subspan(i * width, width);
  InitialRow(spec_.file().seed(), search.table, search.ids[i], tables.group(search.piece->group).initial_range, values);
  return values.data();
}

void InputRows::Finish(const FrozenTables& tables, const Search& search, const Written& to) {
  const FrozenRows& rows = *search.rows;
  Pointers values;
  for (int i = 0; i < search.count; ++i) {
    const uint64_t id = search.ids[i];
    if (search.guesses[i] != kNoRow && rows.OwnsAt(search.places[i], search.table, id)) {
      values[i] = rows.ValuesAt(search.places[i]);
      continue;
    }
    const uint32_t row = search.index->FindByTag(
        search.tags[i], [&](uint32_t r) { return r < rows.row_count() && rows.Owns(r, search.table, id); });
    values[i] = row == kNoRow ? Initial(tables, search, i) : rows.ValuesAt(rows.Place(row));
  }
  const InputPiece& piece = *search.piece;
  if (spec_.slots()[piece.slot].sequence) return AddToPool(search, values, to);
  GatherColumns(absl::MakeConstSpan(values).first(search.count), piece.width, to.rows, search.begin,
                to.ColumnOf(piece));
}

void InputRows::AddToPool(const Search& search, const Pointers& values, const Written& to) {
  const InputPiece& piece = *search.piece;
  const int32_t* lengths = batch_->slots[piece.slot].lengths.data() + row_;
  if (search.begin == 0) {
    pool_.row = pool_.ids = 0;
    pool_.sum.assign(piece.width, 0.0f);
  }
  for (int i = 0; i < search.count; ++i) {
    while (pool_.ids == lengths[pool_.row]) WritePool(piece, to);
    for (int c = 0; c < piece.width; ++c) pool_.sum[c] += values[i][c];
    ++pool_.ids;
  }
  while (search.last && pool_.row < to.count) WritePool(piece, to);
}

void InputRows::WritePool(const InputPiece& piece, const Written& to) {
  if (pool_.ids > 1 && spec_.slots()[piece.slot].mean_pooling) {
    const float factor = 1.0f / static_cast<float>(pool_.ids);
    for (float& value : pool_.sum) value *= factor;
  }
  StoreColumns(pool_.sum.data(), piece.width, to.rows, pool_.row, to.ColumnOf(piece));
  ++pool_.row;
  pool_.ids = 0;
  pool_.sum.assign(piece.width, 0.0f);
}

void InputRows::WriteDense(const InputPiece& piece, const Written& to) {
  const int64_t width = spec_.dense_width();
  dense_.resize(to.count);
  for (int r = 0; r < to.count; ++r) dense_[r] = &batch_->dense[(row_ + r) * width + piece.dense];
  GatherColumns(dense_, piece.width, to.rows, 0, to.ColumnOf(piece));
}

void InputRows::Write(const FrozenTables& tables, const InputLayout& layout, bool context, InputColumns columns,
                      int count, const RowsView& rows, int to) {
  const Written written{
      {rows.bfloat16 ? static_cast<void*>(rows.halves(to)) : rows.floats(to), rows.width, rows.bfloat16},
      count,
      columns};
  // An id's value is four steps away, each in memory that only the one before tells: its slot in the index, the page of
  // the row that this names, the row's owner and values. So each search is a step behind the next one, and what a step
  // needs is on its way while those of others are done.
  size_t begun = 0;
  const auto turn = [&](size_t number) {
    const auto behind = [&](size_t steps) -> Search& { return searches_[(number - steps) % kSteps]; };
    const auto is_one = [&](size_t steps) { return number >= steps && number - steps < begun; };
    if (is_one(0)) Begin(behind(0));
    if (is_one(1)) Guess(behind(1));
    if (is_one(2)) Approach(behind(2));
    if (is_one(3)) Finish(tables, behind(3), written);
  };
  for (const InputPiece& piece : layout.pieces) {
    if (piece.context != context) continue;
    if (piece.dense >= 0) WriteDense(piece, written);
    if (piece.slot < 0) continue;
    const int ids = CountIds(piece, count);
    int at = 0;
    do {  // A sequence without ids is written, too.
      Search& search = searches_[begun++ % kSteps];
      Take(tables, piece, at, ids, search);
      at += search.count;
      turn(begun - 1);
    } while (at < ids);
    if (spec_.slots()[piece.slot].sequence) next_value_[piece.slot] += ids;
  }
  for (size_t number = begun; number < begun + kSteps - 1; ++number) turn(number);
  row_ += count;
}

}  // namespace polyscene
