// Where in the family `deadlines` the next one of each kind lies. Private to this folder.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <string>

#include "absl/strings/string_view.h"
#include "server/joiner/deadlines.h"

namespace polyscene {

// So that a sweep need not step over what earlier ones deleted, and nobody sweeps in vain.
//
// Threads: Next() from any, the rest from the log's writer.
class DueIndex {
 public:
  DueIndex();

  void Added(absl::string_view key);                                   // A deadline is staged.
  std::string From(DeadlineKind kind) const { return Of(kind).from; }  // No deadline on disk lies before it.
  void Swept(DeadlineKind kind,
             absl::string_view next);  // Nothing is left on disk before `next`; empty: nothing at all.
  void Commit();                       // What was staged is on disk.
  void Abandon();                      // It is not: look everywhere.

  int64_t Next(DeadlineKind kind) const { return Of(kind).next.load(std::memory_order_relaxed); }  // No later than it.

 private:
  struct Kind {
    std::string from;
    std::string staged;  // The lowest staged key; empty: none.
    std::atomic<int64_t> next{std::numeric_limits<int64_t>::min()};
  };
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  static size_t IndexOf(DeadlineKind kind);
  const Kind& Of(DeadlineKind kind) const { return kinds_[IndexOf(kind)]; }
  Kind& Of(DeadlineKind kind) { return kinds_[IndexOf(kind)]; }

  std::array<Kind, 3> kinds_;
};

}  // namespace polyscene
