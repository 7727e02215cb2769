// What training tells people and programs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/offline/epoch_trainer.h"
#include "model/offline/file_evaluation.h"
#include "model/report/figure_json.h"
#include "model/spec/model_spec.h"

namespace polyscene {

// "epoch 2/4  loss 2.1345  y_continue 0.6123  y_next 0.9021  131,485 rows  27,312 rows/s".
std::string EpochLine(const ModelSpec& spec, const EpochReport& report, int epoch, int epochs);

// The table of figures, then the losses: "weighted test loss 2.2031  (y_continue 0.6201, ...)  33,989 rows".
std::string EvaluationText(const ModelSpec& spec, const FileEvaluation& evaluation);

// {"epoch": 2, "loss": .., "task_losses": {"y_continue": ..}, "rows": .., "seconds": .., "rows_per_second": ..}
Json EpochJson(const ModelSpec& spec, const EpochReport& report, int epoch);

// Sets "test_rows", "test_loss", "test_task_losses" and "evaluation" (of no row: an empty list).
void SetEvaluation(const ModelSpec& spec, const std::optional<FileEvaluation>& evaluation, Json& json);

}  // namespace polyscene
