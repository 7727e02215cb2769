#include "model/feature/encode_column.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "absl/types/span.h"

namespace polyscene {
namespace {

// Calls fn with the column's values.
template <typename Fn>
void WithValues(const ColumnView& column, Fn&& fn) {
  switch (column.type) {
    case ValueType::kInt64:
      return fn(column.ints);
    case ValueType::kFloat:
      return fn(column.floats);
    case ValueType::kString:
      return fn(column.strings);
  }
}

// Calls fn(row - begin) for each missing row within [begin, end).
template <typename Fn>
void ForEachMissing(const ColumnView& column, int64_t begin, int64_t end, Fn&& fn) {
  auto it = std::lower_bound(column.missing.begin(), column.missing.end(), begin);
  for (; it != column.missing.end() && *it < end; ++it) fn(*it - begin);
}

// How values turn into ids. The model file allows no ids of floats but by buckets, and no buckets of strings.
struct HashIds {
  const HashKey& key;
  uint64_t operator()(int64_t value) const { return static_cast<uint64_t>(value); }
  uint64_t operator()(absl::string_view value) const { return StringId(key, value); }
  uint64_t operator()(float) const { return kMissingId; }
};

struct ListedIds {
  const EncodingPlan& plan;
  int Find(int64_t value, int other) const {
    const auto it = plan.ints.find(value);
    return it == plan.ints.end() ? other : it->second;
  }
  int Find(absl::string_view value, int other) const {
    const auto it = plan.strings.find(value);
    return it == plan.strings.end() ? other : it->second;
  }
  int Find(float, int other) const { return other; }

  template <typename Value>
  uint64_t operator()(Value value) const {
    return static_cast<uint64_t>(Find(value, 0));
  }
};

struct BucketIds {
  const std::vector<double>& boundaries;
  uint64_t operator()(double value) const {
    return std::upper_bound(boundaries.begin(), boundaries.end(), value) - boundaries.begin();
  }
  uint64_t operator()(absl::string_view) const { return kMissingId; }
};

// A single-valued column: one id a row.
template <typename ToId>
void AppendSingles(const ColumnView& column, int64_t begin, int64_t end, ToId to_id, SlotIds& slot) {
  const size_t first = slot.ids.size();
  slot.ids.resize(first + (end - begin));
  uint64_t* ids = slot.ids.data() + first;
  WithValues(column, [&](auto values) {
    for (int64_t row = begin; row < end; ++row) ids[row - begin] = to_id(values[row]);
  });
  ForEachMissing(column, begin, end, [&](int64_t row) { ids[row] = kMissingId; });
}

// A sequence: the ids of each row's last max_length values, none for a missing row.
template <typename ToId>
void AppendSequences(const ColumnView& column, int64_t begin, int64_t end, size_t max_length, ToId to_id,
                     SlotIds& slot) {
  const size_t start = std::accumulate(column.lengths.begin(), column.lengths.begin() + begin, size_t{0});
  WithValues(column, [&](auto values) {
    size_t next = start;
    auto missing = std::lower_bound(column.missing.begin(), column.missing.end(), begin);
    for (int64_t row = begin; row < end; ++row) {
      const size_t length = column.lengths[row];
      size_t kept = std::min(length, max_length);
      if (missing != column.missing.end() && *missing == row) {
        kept = 0;
        ++missing;
      }
      next += length;
      for (size_t i = next - kept; i < next; ++i) slot.ids.push_back(to_id(values[i]));
      slot.lengths.push_back(static_cast<int32_t>(kept));
    }
  });
}

template <typename ToId>
void AppendColumn(const FeatureSpec& feature, const ColumnView& column, int64_t begin, int64_t end, ToId to_id,
                  SlotIds& slot) {
  if (feature.sequence) {
    AppendSequences(column, begin, end, static_cast<size_t>(feature.max_length), to_id, slot);
  } else {
    AppendSingles(column, begin, end, to_id, slot);
  }
}

constexpr double kMaxUnscaled = 1e6;  // One absurd value must not be able to drown all other inputs.

// (x - shift) / divisor, cut off at low and high.
struct Scaling {
  double shift = 0;
  double divisor = 1;
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();

  double operator()(double x) const { return std::clamp((x - shift) / divisor, low, high); }
};

Scaling ScalingOf(const EncodingSpec& encoding, const FeatureStatistics& statistics) {
  if (encoding.scaling == v1::Numeric::NONE) return {0, 1, -kMaxUnscaled, kMaxUnscaled};
  const RunningStatistics& seen = statistics.entries[encoding.statistics];
  if (encoding.scaling == v1::Numeric::MIN_MAX) {
    if (!(seen.max > seen.min)) return {0, 1, 0, 0};  // Nothing to scale by yet: every value is 0.
    return {seen.min, seen.max - seen.min, 0, 1};
  }
  const double deviation = seen.deviation();
  if (deviation == 0) return {0, 1, 0, 0};
  return {seen.mean, deviation, -8, 8};
}

double Log1p(double x) { return std::log1p(std::max(x, 0.0)); }

template <typename Value>
double NumberOf(Value value, bool log1p) {
  return log1p ? Log1p(static_cast<double>(value)) : static_cast<double>(value);
}

double NumberOf(absl::string_view, bool) { return 0; }  // The model file allows no numeric encoding of strings.

void WriteNumeric(const EncodingSpec& encoding, const FeatureStatistics& statistics, const ColumnView& column,
                  int64_t begin, int64_t end, int64_t stride, float* dense) {
  const Scaling scale = ScalingOf(encoding, statistics);
  WithValues(column, [&](auto values) {
    float* out = dense;
    for (int64_t row = begin; row < end; ++row, out += stride) {
      *out = static_cast<float>(scale(NumberOf(values[row], encoding.log1p)));
    }
  });
  ForEachMissing(column, begin, end, [&](int64_t row) {
    dense[row * stride] = 0;
    if (encoding.dense_width > 1) dense[row * stride + 1] = 1;
  });
}

constexpr float kMaxVectorValue = 1000;  // As kMaxUnscaled; made elsewhere, they are about 1.

// Rows without exactly a vector's values are without any.
void WriteVector(const EncodingPlan& plan, const ColumnView& column, int64_t begin, int64_t end, int64_t stride,
                 float* dense) {
  const size_t length = static_cast<size_t>(plan.feature->vector_length);
  const bool tells_missing = plan.encoding->dense_width > plan.feature->vector_length;
  size_t next = std::accumulate(column.lengths.begin(), column.lengths.begin() + begin, size_t{0});
  auto missing = std::lower_bound(column.missing.begin(), column.missing.end(), begin);
  for (int64_t row = begin; row < end; ++row, dense += stride) {
    bool none = column.lengths[row] != length;
    if (missing != column.missing.end() && *missing == row) {
      none = true;
      ++missing;
    }
    for (size_t i = 0; i < length && !none; ++i) {
      dense[i] = std::clamp(column.floats[next + i], -kMaxVectorValue, kMaxVectorValue);
    }
    if (none && tells_missing) dense[length] = 1;
    next += column.lengths[row];
  }
}

void WriteOneHot(const EncodingPlan& plan, const ColumnView& column, int64_t begin, int64_t end, int64_t stride,
                 float* dense) {
  const ListedIds listed{plan};
  WithValues(column, [&](auto values) {
    float* out = dense;
    for (int64_t row = begin; row < end; ++row, out += stride) {
      const int index = listed.Find(values[row], -1);
      if (index >= 0) out[index] = 1;
    }
  });
  ForEachMissing(column, begin, end,
                 [&](int64_t row) { std::fill_n(dense + row * stride, plan.encoding->dense_width, 0.0f); });
}

}  // namespace

EncodingPlan::EncodingPlan(const ModelSpec& spec, const FeatureSpec& feature, const EncodingSpec& encoding)
    : feature(&feature), encoding(&encoding), candidate(feature.candidate) {
  for (const int other : encoding.with) candidate = candidate || spec.features()[other].candidate;
  int next = encoding.kind == EncodingSpec::Kind::kVocabulary ? 1 : 0;
  for (const std::string& value : encoding.values) strings.emplace(value, next++);
  for (const int64_t value : encoding.int_values) ints.emplace(value, next++);
}

uint64_t StringId(const HashKey& key, absl::string_view value) {
  const uint64_t id = key.Hash(value);
  return id == kMissingId ? id + 1 : id;
}

void AppendCrossedIds(const HashKey& key, absl::Span<const CrossedColumn> columns, int64_t begin, int64_t end,
                      SlotIds& slot) {
  const size_t first = slot.ids.size();
  slot.ids.resize(first + (end - begin), 0);
  uint64_t* ids = slot.ids.data() + first;
  for (const CrossedColumn& part : columns) {
    if (part.column == nullptr) return (void)std::fill(ids, ids + (end - begin), kMissingId);
    WithValues(*part.column, [&](auto values) {
      for (int64_t row = begin; row < end; ++row) {
        // Chained, so that (a, b) is not (b, a); of strings their keyed hash goes in, as everywhere.
        const uint64_t value = HashIds{key}(values[part.one_row ? 0 : row]);
        ids[row - begin] = key.Hash(static_cast<int64_t>(ids[row - begin] + key.Hash(static_cast<int64_t>(value))));
      }
    });
  }
  for (int64_t i = 0; i < end - begin; ++i) ids[i] += ids[i] == kMissingId;
  for (const CrossedColumn& part : columns) {
    if (!part.one_row) {
      ForEachMissing(*part.column, begin, end, [&](int64_t row) { ids[row] = kMissingId; });
    } else if (!part.column->missing.empty() && part.column->missing[0] == 0) {
      std::fill(ids, ids + (end - begin), kMissingId);
    }
  }
}

void AppendIds(const EncodingPlan& plan, const HashKey& key, const ColumnView* column, int64_t begin, int64_t end,
               SlotIds& slot) {
  const FeatureSpec& feature = *plan.feature;
  if (column == nullptr) {
    if (feature.sequence) {
      slot.lengths.insert(slot.lengths.end(), end - begin, 0);
    } else {
      slot.ids.insert(slot.ids.end(), end - begin, kMissingId);
    }
    return;
  }
  switch (plan.encoding->kind) {
    case EncodingSpec::Kind::kHash:
      return AppendColumn(feature, *column, begin, end, HashIds{key}, slot);
    case EncodingSpec::Kind::kVocabulary:
      return AppendColumn(feature, *column, begin, end, ListedIds{plan}, slot);
    case EncodingSpec::Kind::kBucketize:
      return AppendColumn(feature, *column, begin, end, BucketIds{plan.encoding->boundaries}, slot);
    case EncodingSpec::Kind::kOneHot:
    case EncodingSpec::Kind::kNumeric:
    case EncodingSpec::Kind::kCrossed:
    case EncodingSpec::Kind::kVector:
      return;
  }
}

void WriteDense(const EncodingPlan& plan, const FeatureStatistics& statistics, const ColumnView* column, int64_t begin,
                int64_t end, int64_t stride, float* dense) {
  const EncodingSpec& encoding = *plan.encoding;
  if (encoding.kind == EncodingSpec::Kind::kOneHot) {
    if (column != nullptr) WriteOneHot(plan, *column, begin, end, stride, dense);
  } else if (encoding.kind == EncodingSpec::Kind::kVector) {
    if (column != nullptr) return WriteVector(plan, *column, begin, end, stride, dense);
    for (int64_t row = 0; row < end - begin && encoding.dense_width > plan.feature->vector_length; ++row) {
      dense[row * stride + plan.feature->vector_length] = 1;
    }
  } else if (column != nullptr) {
    WriteNumeric(encoding, statistics, *column, begin, end, stride, dense);
  } else if (encoding.dense_width > 1) {
    for (int64_t row = 0; row < end - begin; ++row) dense[row * stride + 1] = 1;
  }
}

void ObserveColumn(const EncodingSpec& encoding, const ColumnView& column, int64_t begin, int64_t end,
                   RunningStatistics& statistics) {
  auto missing = std::lower_bound(column.missing.begin(), column.missing.end(), begin);
  WithValues(column, [&](auto values) {
    for (int64_t row = begin; row < end; ++row) {
      if (missing != column.missing.end() && *missing == row) {
        ++missing;
        continue;
      }
      statistics.Add(NumberOf(values[row], encoding.log1p));
    }
  });
}

}  // namespace polyscene
