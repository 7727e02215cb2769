#include "server/joiner/due_index.h"

#include <algorithm>
#include <optional>

namespace polyscene {
namespace {

// Behind every key of the kind.
std::string EndOf(DeadlineKind kind) { return std::string(1, static_cast<char>(static_cast<char>(kind) + 1)); }

int64_t TimeOf(absl::string_view key) {
  const std::optional<Deadline> deadline = ParseDeadlineKey(key);
  return deadline.has_value() ? deadline->at_micros : std::numeric_limits<int64_t>::min();
}

}  // namespace

DueIndex::DueIndex() { Abandon(); }

size_t DueIndex::IndexOf(DeadlineKind kind) {
  return static_cast<size_t>(std::find(std::begin(kDeadlineKinds), std::end(kDeadlineKinds), kind) -
                             std::begin(kDeadlineKinds));
}

void DueIndex::Added(absl::string_view key) {
  for (const DeadlineKind kind : kDeadlineKinds) {
    if (key[0] != static_cast<char>(kind)) continue;
    Kind& of = Of(kind);
    if (of.staged.empty() || key < of.staged) of.staged = std::string(key);
    if (key < of.from) of.from = std::string(key);
    of.next.store(std::min(Next(kind), TimeOf(key)), std::memory_order_relaxed);
  }
}

void DueIndex::Swept(DeadlineKind kind, absl::string_view next) {
  Kind& of = Of(kind);
  of.from = next.empty() ? EndOf(kind) : std::string(next);
  int64_t time = next.empty() ? kNever : TimeOf(next);
  if (!of.staged.empty()) {
    of.from = std::min(of.from, of.staged);
    time = std::min(time, TimeOf(of.staged));
  }
  of.next.store(time, std::memory_order_relaxed);
}

void DueIndex::Commit() {
  for (Kind& kind : kinds_) kind.staged.clear();
}

void DueIndex::Abandon() {
  for (const DeadlineKind kind : kDeadlineKinds) {
    Kind& of = Of(kind);
    of.from = std::string(1, static_cast<char>(kind));
    of.staged.clear();
    of.next.store(std::numeric_limits<int64_t>::min(), std::memory_order_relaxed);
  }
}

}  // namespace polyscene
