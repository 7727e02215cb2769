#include "model/offline/shuffle_buffer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "model/embedding/initial_row.h"

namespace polyscene {
namespace {

constexpr float kNoLabel = std::numeric_limits<float>::quiet_NaN();  // No label's weight is.

// In [0, n): the high half of a product, whose bias of n / 2^64 nobody will see.
int64_t Below(uint64_t& random, int64_t n) {
  return static_cast<int64_t>(((SplitMix64(random) >> 32) * static_cast<uint64_t>(n)) >> 32);
}

}  // namespace

ShuffleBuffer::ShuffleBuffer(const ModelSpec& spec, int64_t capacity, uint64_t seed)
    : capacity_(capacity), random_(seed), dense_width_(spec.dense_width()) {
  for (size_t slot = 0; slot < spec.slots().size(); ++slot) {
    (spec.slots()[slot].sequence ? sequences_ : singles_).push_back(static_cast<int>(slot));
  }
  for (const TaskSpec& task : spec.tasks()) {
    tasks_.push_back({task.label_width, label_width_});
    label_width_ += task.label_width;
  }
}

void ShuffleBuffer::Add(const EncodedExamples& examples, int64_t begin, int64_t end) {
  const size_t singles = singles_.size();
  // Where each row's sequences begin; walked, for lengths have no index.
  std::vector<size_t> next(sequences_.size(), 0);
  for (size_t s = 0; s < sequences_.size(); ++s) {
    for (int64_t row = 0; row < begin; ++row) next[s] += examples.inputs.slots[sequences_[s]].lengths[row];
  }
  // A task's labelled rows are a list; the flags below tell each row of the range.
  std::vector<bool> labelled(tasks_.size() * static_cast<size_t>(end - begin));
  for (size_t t = 0; t < tasks_.size(); ++t) {
    for (const int64_t row : examples.labels[t].labelled) {
      if (row >= begin && row < end) labelled[(row - begin) * tasks_.size() + t] = true;
    }
  }
  for (int64_t row = begin; row < end; ++row) {
    if (rows_ == static_cast<int64_t>(order_.size())) {
      order_.push_back(static_cast<uint32_t>(rows_));
      const size_t places = order_.size();
      scenes_.resize(places);
      times_.resize(places);
      ids_.resize(places * singles);
      dense_.resize(places * dense_width_);
      labels_.resize(places * label_width_);
      weights_.resize(places * tasks_.size());
      sequence_ids_.resize(places * sequences_.size());
    }
    const size_t place = order_[rows_++];
    Store(examples, row, place);
    for (size_t t = 0; t < tasks_.size(); ++t) {
      const bool has = labelled[(row - begin) * tasks_.size() + t];
      weights_[place * tasks_.size() + t] = has ? examples.labels[t].weights[row] : kNoLabel;
    }
    for (size_t s = 0; s < sequences_.size(); ++s) {
      const SlotIds& slot = examples.inputs.slots[sequences_[s]];
      const auto first = slot.ids.begin() + static_cast<int64_t>(next[s]);
      next[s] += slot.lengths[row];
      sequence_ids_[place * sequences_.size() + s].assign(first, first + slot.lengths[row]);
    }
  }
}

void ShuffleBuffer::Store(const EncodedExamples& examples, int64_t row, size_t place) {
  scenes_[place] = examples.inputs.scenes[row];
  times_[place] = examples.event_times_micros[row];
  for (size_t s = 0; s < singles_.size(); ++s) {
    ids_[place * singles_.size() + s] = examples.inputs.slots[singles_[s]].ids[row];
  }
  std::copy_n(examples.inputs.dense.begin() + row * dense_width_, dense_width_, dense_.begin() + place * dense_width_);
  for (size_t t = 0; t < tasks_.size(); ++t) {
    std::copy_n(examples.labels[t].values.begin() + row * tasks_[t].width, tasks_[t].width,
                labels_.begin() + place * label_width_ + tasks_[t].offset);
  }
}

void ShuffleBuffer::Take(int64_t count, EncodedExamples& step) {
  count = std::min(count, rows_);
  step.inputs.Clear();
  step.inputs.rows = count;
  step.inputs.scenes.resize(count);
  step.inputs.slots.resize(singles_.size() + sequences_.size());
  for (const int slot : singles_) step.inputs.slots[slot].ids.resize(count);
  step.inputs.dense.resize(count * dense_width_);
  step.event_times_micros.resize(count);
  step.labels.resize(tasks_.size());
  for (size_t t = 0; t < tasks_.size(); ++t) {
    step.labels[t].values.assign(count * tasks_[t].width, 0.0f);
    step.labels[t].weights.assign(count, 0.0f);
    step.labels[t].labelled.clear();
    step.labels[t].weighted = 0;
  }
  for (int64_t row = 0; row < count; ++row) {
    std::swap(order_[Below(random_, rows_)], order_[rows_ - 1]);
    Load(order_[--rows_], row, step);
  }
}

void ShuffleBuffer::Load(size_t place, int64_t row, EncodedExamples& step) const {
  step.inputs.scenes[row] = scenes_[place];
  step.event_times_micros[row] = times_[place];
  for (size_t s = 0; s < singles_.size(); ++s) {
    step.inputs.slots[singles_[s]].ids[row] = ids_[place * singles_.size() + s];
  }
  for (size_t s = 0; s < sequences_.size(); ++s) {
    const std::vector<uint64_t>& ids = sequence_ids_[place * sequences_.size() + s];
    SlotIds& slot = step.inputs.slots[sequences_[s]];
    slot.ids.insert(slot.ids.end(), ids.begin(), ids.end());
    slot.lengths.push_back(static_cast<int32_t>(ids.size()));
  }
  std::copy_n(dense_.begin() + place * dense_width_, dense_width_, step.inputs.dense.begin() + row * dense_width_);
  for (size_t t = 0; t < tasks_.size(); ++t) {
    const float weight = weights_[place * tasks_.size() + t];
    if (std::isnan(weight)) continue;
    TaskLabels& labels = step.labels[t];
    std::copy_n(labels_.begin() + place * label_width_ + tasks_[t].offset, tasks_[t].width,
                labels.values.begin() + row * tasks_[t].width);
    labels.weights[row] = weight;
    labels.labelled.push_back(row);
    if (weight != 0) ++labels.weighted;
  }
}

}  // namespace polyscene
