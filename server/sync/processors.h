// How many processors this process may use.
#pragma once

#include <filesystem>

namespace polyscene {

// Those that the calling thread's affinity allows, or fewer where the control group that it is in, or one above it, has
// a quota of less time (cgroup v2, cpu.max: what a container is limited by); a part of a processor counts as one. At
// least 1.
int Processors();

// The quota alone, in processors, at least 1; 0 where there is none or it cannot be read. `of_process`: its
// /proc/PID/cgroup; `groups`: where cgroup v2 is mounted.
int ProcessorQuota(const std::filesystem::path& of_process, const std::filesystem::path& groups);

}  // namespace polyscene
