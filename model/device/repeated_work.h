// The WorkRecorder of a device without graphs.
#pragma once

#include <utility>

#include "model/device/work_recorder.h"

namespace polyscene {

class RepeatedWork : public WorkRecorder {
 public:
  std::function<void()> Record(std::function<void()> work) override { return work; }
};

}  // namespace polyscene
