#include "model/compiled/input_rows.h"

#include <algorithm>

#include "model/embedding/initial_row.h"

namespace polyscene {

void InputRows::Begin(const EncodedBatch& batch) {
  batch_ = &batch;
  row_ = 0;
  next_value_.assign(spec_.slots().size(), 0);
}

void InputRows::Find(const FrozenTables& tables, const InputPiece& piece, absl::Span<const uint64_t> ids) {
  const auto table = static_cast<uint32_t>(spec_.slots()[piece.slot].table);
  const FrozenRows& rows = tables.rows(piece.group);
  found_.resize(ids.size());
  pointers_.resize(ids.size());
  FindRows(tables.index(static_cast<int>(table)), rows, table, ids, absl::MakeSpan(found_));
  size_t unknown = 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (found_[i] == kNoRow) {
      ++unknown;
      continue;
    }
    pointers_[i] = rows.values(found_[i]);
    __builtin_prefetch(pointers_[i]);
  }
  if (unknown == 0) return;
  const auto width = static_cast<size_t>(piece.width);
  initial_.resize(unknown * width);
  float* next = initial_.data();
  for (size_t i = 0; i < ids.size(); ++i) {
    if (found_[i] != kNoRow) continue;
    InitialRow(spec_.file().seed(), table, ids[i], tables.group(piece.group).initial_range,
               absl::MakeSpan(next, width));
    pointers_[i] = next;
    next += width;
  }
}

void InputRows::WritePooled(const FrozenTables& tables, const InputPiece& piece, int count, const RowsView& rows,
                            int to, int column) {
  const SlotIds& slot = batch_->slots[piece.slot];
  const absl::Span<const int32_t> lengths = absl::MakeConstSpan(slot.lengths).subspan(row_, count);
  size_t values = 0;
  for (const int32_t length : lengths) values += length;
  size_t& next = next_value_[piece.slot];
  Find(tables, piece, absl::MakeConstSpan(slot.ids).subspan(next, values));
  next += values;
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
    StoreColumns(pooled_.data(), piece.width, rows, to + r, column);
  }
}

void InputRows::Write(const FrozenTables& tables, const InputLayout& layout, bool context, InputColumns columns,
                      int count, const RowsView& rows, int to) {
  const RowsView from_to{rows.bfloat16 ? static_cast<void*>(rows.halves(to)) : rows.floats(to), rows.width,
                         rows.bfloat16};
  const int64_t dense_width = spec_.dense_width();
  for (const InputPiece& piece : layout.pieces) {
    if (piece.context != context) continue;
    const int column = columns == InputColumns::kAll ? piece.column : piece.side_column;
    if (piece.slot >= 0 && spec_.slots()[piece.slot].sequence) {
      WritePooled(tables, piece, count, rows, to, column);
    } else if (piece.slot >= 0) {
      Find(tables, piece, absl::MakeConstSpan(batch_->slots[piece.slot].ids).subspan(row_, count));
      GatherColumns(pointers_, piece.width, from_to, column);
    } else if (piece.dense >= 0) {
      pointers_.resize(count);
      for (int r = 0; r < count; ++r) pointers_[r] = &batch_->dense[(row_ + r) * dense_width + piece.dense];
      GatherColumns(pointers_, piece.width, from_to, column);
    }
  }
  row_ += count;
}

}  // namespace polyscene
