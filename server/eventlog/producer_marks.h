// How far each producer's batches are logged, and where in the log each of them ended. Private to this folder.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "polyscene/v1/training.pb.h"

namespace polyscene {

// Not thread-safe.
class ProducerMarks {
 public:
  struct Mark {
    uint64_t sequence = 0;
    uint64_t end_offset = 0;  // Of the record with this sequence.
  };

  Mark Last(const std::string& producer) const;  // Zeros for one never seen.
  void Add(const std::string& producer, Mark mark);

  // logged: the last sequence. learned, served: the last known sequence whose record ends at or before the offset.
  // Forgets what lies before both: positions only grow.
  v1::Watermark WatermarkOf(const std::string& producer, uint64_t learned_offset, uint64_t served_offset);

 private:
  // A backlog of a day in batches of 100 rows: 512 KiB a producer. Beyond it every other mark goes, which makes a
  // position only appear later than it is.
  static constexpr size_t kMaxMarks = 32768;

  absl::flat_hash_map<std::string, std::deque<Mark>> marks_;  // Ascending, never empty.
};

}  // namespace polyscene
