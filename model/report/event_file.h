// Curves and histograms in a file that TensorBoard reads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace polyscene {

// Records as TFRecord frames them (length, masked CRC-32C of the length, bytes, masked CRC-32C of the bytes), each a
// tensorflow.Event. A reader may follow the file while it grows. Not thread-safe.
class EventFile {
 public:
  // A new file "events.out.tfevents.TIME.PID.N" in `directory`, which is created where it is not there: TensorBoard
  // reads all files of a directory as one run. The system's error, with the path.
  static absl::StatusOr<std::unique_ptr<EventFile>> Create(const std::filesystem::path& directory);

  // A point of the curve `tag`, at `step`. "/" in tags groups them. What is not finite is left out.
  void AddScalar(absl::string_view tag, double value, int64_t step);

  // How values are spread, those that are finite; nothing where none is. Buckets grow by a tenth from 1e-12 on, on both
  // sides of 0, as TensorFlow's own do, so that values of every size keep about two digits.
  void AddHistogram(absl::string_view tag, absl::Span<const float> values, int64_t step);

  // Hands everything to the system. The first error that there was: what came after it was not written.
  absl::Status Flush();

  const std::filesystem::path& path() const { return path_; }

 private:
  explicit EventFile(std::filesystem::path path);

  void AddRecord(absl::string_view bytes);

  const std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace polyscene
