// Protos to columns and back. The views borrow the proto; keep both together.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/data/columns.h"
#include "model/data/examples.h"
#include "model/feature/hash_key.h"
#include "model/feature/validation.h"
#include "model/spec/model_spec.h"
#include "polyscene/v1/features.pb.h"
#include "polyscene/v1/record.pb.h"
#include "polyscene/v1/training.pb.h"

namespace polyscene {

// Views over protobuf columns, with the string views they need. Movable; the views stay valid then.
class DecodedTable {
 public:
  TableView view;

  // Without columns. Keeps memory for as many as tables usually have.
  void Clear();

 private:
  friend absl::Status DecodeTable(const google::protobuf::RepeatedPtrField<v1::Column>&, int64_t, DecodedTable*);
  friend void HashPersonal(const ModelSpec&, const HashKey&, DecodedTable*);
  std::vector<std::unique_ptr<std::vector<absl::string_view>>> strings_;
  std::vector<std::unique_ptr<std::vector<int64_t>>> ids_;  // What HashPersonal() made.
};

// Views `columns` as a table. rows < 0: taken from the first column (0 without one). Checks only what makes a column
// unreadable (two value arrays filled); whether it fits the model file is validation's question.
absl::StatusOr<DecodedTable> DecodeTable(const google::protobuf::RepeatedPtrField<v1::Column>& columns, int64_t rows);

// The same into `table`, whose views are replaced and whose memory is used again.
absl::Status DecodeTable(const google::protobuf::RepeatedPtrField<v1::Column>& columns, int64_t rows,
                         DecodedTable* table);

// Copies a table's columns into `columns`, value by value as they are, what stands in missing rows too.
void EncodeTable(const TableView& table, google::protobuf::RepeatedPtrField<v1::Column>* columns);

// Leaves of each row of a sequence what is scored and learned: its last `max_length` values. `columns` fit the model
// file.
void CutSequences(const ModelSpec& spec, google::protobuf::RepeatedPtrField<v1::Column>* columns);

struct DecodedExamples {
  DecodedTable table;
  ExamplesView view;  // Into `table` and the batch.
};

// Views a batch that was validated before.
absl::StatusOr<DecodedExamples> DecodeEvents(const v1::EventBatch& batch);

// Views the events of a record, as the trainer reads it from the log, with what callers were served where the joiner
// made it.
absl::StatusOr<DecodedExamples> DecodeRecord(const v1::LogRecord& record);

// Replaces the values of personal features by their ids (PersonalId), as INT64 columns. Only after validation.
void HashPersonal(const ModelSpec& spec, const HashKey& key, google::protobuf::RepeatedPtrField<v1::Column>* columns);

// The same in a view, which keeps the ids; what it borrows stays as it is.
void HashPersonal(const ModelSpec& spec, const HashKey& key, DecodedTable* table);

// Validates `batch`, takes its bad rows out and hashes personal values: what is left, perhaps no row, may be logged.
// Returns why rows were refused, numbered as they came; one error of row 0 for a batch of no or more than max_rows
// rows.
std::vector<RowError> AcceptEvents(const ModelSpec& spec, const HashKey& key, int64_t max_rows, v1::EventBatch* batch);

}  // namespace polyscene
