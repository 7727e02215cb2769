#include "model/compiled/input_rows.h"

#include <algorithm>

#include "model/embedding/initial_row.h"

namespace polyscene {

void InputRows::Begin(const EncodedBatch& batch) {
  batch_ = &batch;
  row_ = 0;
  next_value_.assign(spec_.slots().size(), 0);
}

void InputRows::Begin(const FrozenTables& tables, const InputPiece& piece, int count, Search& search) {
  const SlotIds& slot = batch_->slots[piece.slot];
  search.piece = &piece;
  if (spec_.slots()[piece.slot].sequence) {
    size_t values = 0;
    for (const int32_t length : absl::MakeConstSpan(slot.lengths).subspan(row_, count)) values += length;
    search.ids = absl::MakeConstSpan(slot.ids).subspan(next_value_[piece.slot], values);
    next_value_[piece.slot] += values;
  } else {
    search.ids = absl::MakeConstSpan(slot.ids).subspan(row_, count);
  }
  const RowIndexSlots& index = tables.index(spec_.slots()[piece.slot].table);
  search.tags.resize(search.ids.size());
  for (size_t i = 0; i < search.ids.size(); ++i) {
    search.tags[i] = RowIndexSlots::Tag(search.ids[i]);
    index.PrefetchTag(search.tags[i]);
  }
}

void InputRows::Guess(const FrozenTables& tables, Search& search) const {
  const RowIndexSlots& index = tables.index(spec_.slots()[search.piece->slot].table);
  const FrozenRows& rows = tables.rows(search.piece->group);
  search.guesses.resize(search.ids.size());
  search.entries.resize(search.ids.size());
  for (size_t i = 0; i < search.ids.size(); ++i) {
    const uint32_t row = index.PeekTag(search.tags[i]);
    search.guesses[i] = row < rows.row_count() ? row : kNoRow;
    if (search.guesses[i] == kNoRow) continue;
    search.entries[i] = rows.PageEntry(row);
    __builtin_prefetch(search.entries[i]);
  }
}

void InputRows::Approach(const FrozenTables& tables, Search& search) const {
  const FrozenRows& rows = tables.rows(search.piece->group);
  search.places.resize(search.guesses.size());
  for (size_t i = 0; i < search.guesses.size(); ++i) {
    if (search.guesses[i] == kNoRow) continue;
    search.places[i] = FrozenRows::Place(search.entries[i], search.guesses[i]);
    rows.PrefetchOwner(search.places[i]);
    rows.PrefetchValues(search.places[i]);
  }
}

void InputRows::Finish(const FrozenTables& tables, const Search& search) {
  const InputPiece& piece = *search.piece;
  const auto table = static_cast<uint32_t>(spec_.slots()[piece.slot].table);
  const RowIndexSlots& index = tables.index(static_cast<int>(table));
  const FrozenRows& rows = tables.rows(piece.group);
  pointers_.resize(search.ids.size());
  missing_.clear();
  for (size_t i = 0; i < search.ids.size(); ++i) {
    const uint64_t id = search.ids[i];
    if (search.guesses[i] != kNoRow && rows.OwnsAt(search.places[i], table, id)) {
      pointers_[i] = rows.ValuesAt(search.places[i]);
      continue;
    }
    const uint32_t row =
        index.FindByTag(search.tags[i], [&](uint32_t r) { return r < rows.row_count() && rows.Owns(r, table, id); });
    if (row == kNoRow) {
      missing_.push_back(i);
    } else {
      pointers_[i] = rows.ValuesAt(rows.Place(row));
    }
  }
  if (missing_.empty()) return;
  const auto width = static_cast<size_t>(piece.width);
  initial_.resize(missing_.size() * width);
  float* next = initial_.data();
  for (const size_t i : missing_) {
    InitialRow(spec_.file().seed(), table, search.ids[i], tables.group(piece.group).initial_range,
               absl::MakeSpan(next, width));
    pointers_[i] = next;
    next += width;
  }
}

void InputRows::WriteEmbedding(const Search& search, int count, int column, const RowsView& rows) {
  const InputPiece& piece = *search.piece;
  if (!spec_.slots()[piece.slot].sequence) return GatherColumns(pointers_, piece.width, rows, column);
  const absl::Span<const int32_t> lengths = absl::MakeConstSpan(batch_->slots[piece.slot].lengths).subspan(row_, count);
  pooled_.resize(piece.width);
  const float* const* pointer = pointers_.data();
  for (int r = 0; r < count; ++r) {
    std::fill(pooled_.begin(), pooled_.end(), 0.0f);
    for (int32_t i = 0; i < lengths[r]; ++i, ++pointer) {
      for (int c = 0; c < piece.width; ++c) pooled_[c] += (*pointer)[c];
    }
    if (lengths[r] > 1 && spec_.slots()[piece.slot].mean_pooling) {
      const float factor = 1.0f / static_cast<float>(lengths[r]);
      for (float& value : pooled_) value *= factor;
    }
    StoreColumns(pooled_.data(), piece.width, rows, r, column);
  }
}

void InputRows::Write(const FrozenTables& tables, const InputLayout& layout, bool context, InputColumns columns,
                      int count, const RowsView& rows, int to) {
  const RowsView written{rows.bfloat16 ? static_cast<void*>(rows.halves(to)) : rows.floats(to), rows.width,
                         rows.bfloat16};
  const auto column_of = [&](const InputPiece& piece) {
    return columns == InputColumns::kAll ? piece.column : piece.side_column;
  };
  size_t embeddings = 0;
  const int64_t dense_width = spec_.dense_width();
  for (const InputPiece& piece : layout.pieces) {
    if (piece.context != context) continue;
    if (piece.slot >= 0) {
      if (searches_.size() == embeddings) searches_.emplace_back();
      searches_[embeddings++].piece = &piece;
    } else if (piece.dense >= 0) {
      pointers_.resize(count);
      for (int r = 0; r < count; ++r) pointers_[r] = &batch_->dense[(row_ + r) * dense_width + piece.dense];
      GatherColumns(pointers_, piece.width, written, column_of(piece));
    }
  }
  // An id's value is four steps away, each in memory that only the one before tells: its slot in the index, the page of
  // the row that this names, the row's owner and values. So each embedding is a step behind the next one, and what a
  // step needs is on its way while those of others are done.
  constexpr size_t kSteps = 3;
  for (size_t turn = 0; turn < embeddings + kSteps; ++turn) {
    if (turn < embeddings) Begin(tables, *searches_[turn].piece, count, searches_[turn]);
    if (turn >= 1 && turn - 1 < embeddings) Guess(tables, searches_[turn - 1]);
    if (turn >= 2 && turn - 2 < embeddings) Approach(tables, searches_[turn - 2]);
    if (turn >= 3) {
      const Search& search = searches_[turn - 3];
      Finish(tables, search);
      WriteEmbedding(search, count, column_of(*search.piece), written);
    }
  }
  row_ += count;
}

}  // namespace polyscene
