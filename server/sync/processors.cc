#include "server/sync/processors.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <thread>

namespace polyscene {
namespace {

namespace fs = std::filesystem;

// The group's path below the mount, without a slash in front; as /proc/PID/cgroup has it: "0::/PATH".
std::string GroupOf(const fs::path& of_process) {
  std::ifstream file(of_process);
  for (std::string line; std::getline(file, line);) {
    constexpr char kPrefix[] = "0::/";
    if (line.rfind(kPrefix, 0) == 0) return line.substr(sizeof(kPrefix) - 1);
  }
  return "";
}

// In processors; infinity: none. cpu.max is "QUOTA PERIOD", both in microseconds, or "max PERIOD".
double QuotaOf(const fs::path& group) {
  std::ifstream file(group / "cpu.max");
  double quota = 0;
  double period = 0;
  return file >> quota >> period && quota > 0 && period > 0 ? quota / period : HUGE_VAL;
}

// As many as the affinity of the calling thread has; std::thread::hardware_concurrency() counts those that are online.
int AllowedProcessors() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0) return CPU_COUNT(&allowed);
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));  // More than the set has places for.
}

}  // namespace

int ProcessorQuota(const fs::path& of_process, const fs::path& groups) {
  double least = QuotaOf(groups);
  fs::path group = groups;
  for (const fs::path& part : fs::path(GroupOf(of_process))) {
    if (part == "..") break;  // The process is in a group beside the mounted one, whose quota nobody sees from here.
    group /= part;
    least = std::min(least, QuotaOf(group));
  }
  constexpr double kMost = 1e6;
  return least < kMost ? std::max(1, static_cast<int>(std::ceil(least))) : 0;
}

int Processors() {
  const int allowed = AllowedProcessors();
  const int quota = ProcessorQuota("/proc/self/cgroup", "/sys/fs/cgroup");
  return quota > 0 ? std::min(quota, allowed) : allowed;
}

}  // namespace polyscene
