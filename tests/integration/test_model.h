// The model behind the server under test: the fakes in one program, LibTorch's in the other.
#pragma once

#include "server/config/settings.h"
#include "server/server.h"
#include "tests/support/fake_learner.h"
#include "tests/support/fake_predictor.h"

namespace polyscene {

// What a test may tell the fakes; LibTorch's model does not listen.
struct TestModelControls {
  FakeLearnerScript learner;
  FakePredictor* predictor = nullptr;  // The running server's.
  rocksdb::Env* log_disk = nullptr;    // To be given to the server.
};

ServerModel MakeTestModel(const ServerSettings& settings, TestModelControls& controls);

}  // namespace polyscene
