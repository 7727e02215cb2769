#include "model/offline/train_program.h"

#include <ostream>

#include "model/offline/checkpoint_use.h"
#include "model/offline/training_run.h"

namespace polyscene {

absl::Status RunTrainProgram(const TrainFlags& flags, std::ostream& out, std::ostream& log) {
  return flags.checkpoint.empty() ? TrainingRun(flags, out, log).Run() : CheckpointUse(flags, out, log).Run();
}

}  // namespace polyscene
