#include "server/training/trainer_options.h"

namespace polyscene {

TrainerOptions MakeTrainerOptions(const v1::LearningPolicy& policy, const v1::ServerConfig& config,
                                  const std::filesystem::path& data_dir) {
  TrainerOptions options;
  options.checkpoint_directory = data_dir / "checkpoints";
  options.step_rows = policy.step_rows();
  options.step_wait = absl::Seconds(policy.step_wait_seconds());
  options.publish_interval = absl::Seconds(policy.publish_interval_seconds());
  options.checkpoint_interval = absl::Seconds(policy.checkpoint_interval_seconds());
  options.checkpoints_kept = config.checkpoints_kept();
  options.niceness = config.trainer_nice();
  return options;
}

}  // namespace polyscene
