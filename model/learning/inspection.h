// What a checkpoint holds, for people and for tools that compare states.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "model/evaluation/evaluation.h"
#include "model/feature/statistics.h"
#include "model/learning/stored_checkpoint.h"
#include "model/spec/model_spec.h"

namespace polyscene {

struct InspectedSection {
  std::string file;
  std::string name;
  uint64_t bytes = 0;
  uint32_t checksum = 0;  // As stored: CRC-32C; in format 1 the CRC-32 of zlib.
};

struct InspectedTable {
  std::string name;
  int64_t dimension = 0;
  int64_t state_width = 1;
  uint64_t rows = 0;
  uint64_t bytes() const { return rows * RowBytes(dimension, state_width); }  // In a file that holds each row once.
};

struct CheckpointInspection {
  std::filesystem::path directory;
  absl::Status damage;  // OK: every checksum holds, and all below is filled in. Else as far as it could be read.
  uint32_t format = 0;
  std::shared_ptr<const ModelSpec> spec;  // Null where it could not be read.
  std::string model_fingerprint;
  std::string hash_key_fingerprint;
  uint64_t log_offset = 0;
  uint64_t step = 0;
  uint64_t rows_learned = 0;
  int64_t learned_up_to_micros = 0;
  std::vector<StoredFile> files;  // state.ckpt, then the chain's row files, oldest first.
  std::vector<InspectedSection> sections;
  std::vector<InspectedTable> tables;
  std::vector<std::pair<std::string, RunningStatistics>>
      statistics;  // "feature" (others of it "feature.1"), "label task".
  std::vector<EvaluationFigure> recent;
  std::map<std::string, std::vector<EvaluationFigure>> opened;  // By producer.

  // 32 hexadecimal digits over the logical state: counters, dense weights, optimizer, statistics, evaluations and each
  // row (table, id, values, optimizer state). Equal states have equal digests, however rows are numbered and a chain is
  // cut into files; the log offset is no part of it. Not for adversaries.
  std::string state_digest;
};

// Reads the whole checkpoint, every file once; memory follows the state file and a bit a row.
CheckpointInspection InspectCheckpoint(const std::filesystem::path& directory);

}  // namespace polyscene
