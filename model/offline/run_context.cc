#include "model/offline/run_context.h"

#include <unistd.h>

#include "absl/strings/str_cat.h"

namespace polyscene {

RunContext::RunContext(const TrainFlags& flags, std::ostream& log)
    : flags_(flags),
      progress_(ProgressOptions{.terminal = isatty(STDERR_FILENO) != 0}, log),
      refused_(flags.max_rejected, [this](const std::string& line) { Tell(line); }) {}

absl::StatusOr<LearnerOptions> RunContext::Prepare(const ModelSpec& spec) {
  LearnerOptions options;
  options.serves = false;
  options.threads = flags_.threads;
  const absl::StatusOr<std::string> device = ResolveDevice(flags_.device);
  if (!device.ok()) return device.status();
  options.device = *device;
  if (!flags_.hash_key.empty()) {
    const absl::StatusOr<HashKey> key = HashKey::Load(flags_.hash_key);
    if (!key.ok()) return key.status();
    options.key = *key;
  }
  Tell(absl::StrCat("model '", spec.file().name(), "', fingerprint ", spec.fingerprint_hex(), ", device ",
                    options.device, "; ", DescribeBackend()));
  return options;
}

}  // namespace polyscene
