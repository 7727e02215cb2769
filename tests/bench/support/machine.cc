#include "tests/bench/support/machine.h"

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>
#include <thread>

namespace polyscene {
namespace {

// The first processor's; empty if there is no such field.
std::string CpuField(const std::string& name) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(": ");
    if (line.rfind(name, 0) == 0 && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "";
}

double Read(clockid_t clock) {
  timespec now = {};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

std::string Processor() {
  const std::string name = CpuField("model name");
  return name.empty() ? "unknown" : name + " (family " + CpuField("cpu family") + " model " + CpuField("model\t") + ")";
}

bool HasInstructions(const std::string& set) {
  std::istringstream flags(CpuField("flags"));
  for (std::string flag; flags >> flag;) {
    if (flag == set) return true;
  }
  return false;
}

std::string InstructionSets() {
  std::string sets;
  for (const char* set : {"avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16"}) {
    if (HasInstructions(set)) sets += (sets.empty() ? "" : " ") + std::string(set);
  }
  return sets.empty() ? "none beyond the base" : sets;
}

void PrintMachine() {
  std::printf("%s, %u processors, %s\n", Processor().c_str(), std::thread::hardware_concurrency(),
              InstructionSets().c_str());
  std::fflush(stdout);
}

double MemoryMb(const std::string& field) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(field + ":", 0) == 0) return std::strtod(line.c_str() + field.size() + 1, nullptr) / 1024;
  }
  return 0;
}

double CpuSecondsOf(pid_t process) {
  clockid_t clock;
  return clock_getcpuclockid(process, &clock) == 0 ? Read(clock) : 0;
}

double CpuSecondsOfThread() { return Read(CLOCK_THREAD_CPUTIME_ID); }

}  // namespace polyscene
