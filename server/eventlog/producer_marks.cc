#include "server/eventlog/producer_marks.h"

#include <algorithm>

namespace polyscene {
namespace {

using Mark = ProducerMarks::Mark;

// The last mark that ends at or before `offset`, or zeros.
Mark LastBefore(const std::deque<Mark>& marks, uint64_t offset) {
  const auto beyond = std::upper_bound(marks.begin(), marks.end(), offset,
                                       [](uint64_t offset, const Mark& mark) { return offset < mark.end_offset; });
  return beyond == marks.begin() ? Mark() : *(beyond - 1);
}

// Every other mark, the last one among them.
std::deque<Mark> Thinned(const std::deque<Mark>& marks) {
  std::deque<Mark> kept;
  for (size_t i = (marks.size() - 1) % 2; i < marks.size(); i += 2) kept.push_back(marks[i]);
  return kept;
}

}  // namespace

Mark ProducerMarks::Last(const std::string& producer) const {
  const auto found = marks_.find(producer);
  return found == marks_.end() ? Mark() : found->second.back();
}

void ProducerMarks::Add(const std::string& producer, Mark mark) {
  std::deque<Mark>& marks = marks_[producer];
  marks.push_back(mark);
  if (marks.size() > kMaxMarks) marks = Thinned(marks);
}

v1::Watermark ProducerMarks::WatermarkOf(const std::string& producer, uint64_t learned_offset, uint64_t served_offset) {
  v1::Watermark watermark;
  const auto found = marks_.find(producer);
  if (found == marks_.end()) return watermark;
  std::deque<Mark>& marks = found->second;
  watermark.set_logged(marks.back().sequence);
  watermark.set_learned(LastBefore(marks, learned_offset).sequence);
  watermark.set_served(LastBefore(marks, served_offset).sequence);
  const uint64_t done = std::min(learned_offset, served_offset);
  while (marks.size() > 1 && marks[1].end_offset <= done) marks.pop_front();
  return watermark;
}

}  // namespace polyscene
