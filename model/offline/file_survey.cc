#include "model/offline/file_survey.h"

#include "model/feature/label_scale.h"
#include "model/offline/row_encoder.h"

namespace polyscene {

absl::StatusOr<FileSurvey> SurveyFiles(std::shared_ptr<const ModelSpec> spec, const HashKey& key,
                                       const RowSelection& selection, RefusedRows* refused,
                                       const std::function<bool(double)>& progress) {
  FileSurvey survey;
  survey.labelled.resize(spec->tasks().size());
  survey.statistics = FeatureStatistics(spec->statistics_count());
  const absl::StatusOr<std::unique_ptr<ExampleRows>> opened = OpenRows(spec, key, selection, refused);
  if (!opened.ok()) return opened.status();
  ExampleRows& files = **opened;
  RowEncoder encoder(spec, key);
  ExampleChunk chunk;
  std::vector<TaskLabels> labels;
  for (;;) {
    const absl::StatusOr<bool> more = files.Next(&chunk);
    if (!more.ok()) return more.status();
    if (!*more) return survey;
    encoder.Observe(chunk, survey.statistics);
    encoder.Labels(chunk, labels);
    ObserveLabels(*spec, labels, survey.statistics);
    for (size_t task = 0; task < labels.size(); ++task) {
      survey.labelled[task] += static_cast<int64_t>(labels[task].labelled.size());
    }
    for (const auto& [begin, end] : chunk.ranges) survey.rows += end - begin;
    if (!progress(files.fraction_read())) return absl::CancelledError("interrupted while the files were read");
  }
}

}  // namespace polyscene
