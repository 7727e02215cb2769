#include "model/offline/train_program.h"

#include <ostream>

#include "model/offline/checkpoint_use.h"
#include "model/offline/comparison_run.h"
#include "model/offline/inspect_program.h"
#include "model/offline/training_run.h"

namespace polyscene {

absl::Status RunTrainProgram(const TrainFlags& flags, const TrainSources& sources, std::ostream& out,
                             std::ostream& log) {
  if (!flags.inspect.empty()) return RunInspectProgram(flags, out);
  if (!flags.compare.empty()) return ComparisonRun(flags, sources, out, log).Run();
  return flags.checkpoint.empty() ? TrainingRun(flags, sources, out, log).Run() : CheckpointUse(flags, out, log).Run();
}

}  // namespace polyscene
