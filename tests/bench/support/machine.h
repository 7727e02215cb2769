// What a bench ran on, and what its processes use.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>

namespace polyscene {

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

std::string Processor();        // As the system calls it, or "unknown".
std::string InstructionSets();  // Those of which a forward's speed depends: "avx2 avx512f avx512_bf16".
bool HasInstructions(const std::string& set);
void PrintMachine();  // A line: processor, cores, instruction sets.

// Megabytes, of a field of /proc/self/status: "VmRSS".
double MemoryMb(const std::string& field);

// That the process, which runs, spent so far, its threads that ended included; to the nanosecond.
double CpuSecondsOf(pid_t process);
double CpuSecondsOfThread();  // Of the calling one, to the nanosecond.

}  // namespace polyscene
