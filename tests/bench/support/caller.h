// A thread that has requests scored beside what a bench measures.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "model/serving/predictor.h"
#include "server/sync/mutex.h"
#include "tests/bench/learner_rows.h"
#include "tests/bench/support/machine.h"

namespace polyscene {

// Scores requests of the first scene's first task one after the other, from its making until its end.
class Caller {
 public:
  struct Tables {
    Table context;
    Table candidates;
  };

  // snapshot, next: asked for each request, on the caller's thread.
  Caller(const std::shared_ptr<const ModelSpec>& spec, std::function<std::shared_ptr<const Snapshot>()> snapshot,
         std::function<Tables()> next)
      : predictor_(Check(CreatePredictor(spec, HashKey(), "cpu"))),
        snapshot_(std::move(snapshot)),
        next_(std::move(next)) {
    thread_ = std::thread([this] { Run(); });
  }
  ~Caller() {
    stopping_ = true;
    thread_.join();
  }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  // The milliseconds of every request that ended since the last call.
  std::vector<double> Take() {
    MutexLock lock(&mu_);
    return std::exchange(milliseconds_, {});
  }

 private:
  void Run() {
    const int task = 0;
    while (!stopping_) {
      const Tables tables = next_();
      const TableView context_view = tables.context.View();
      const TableView candidates_view = tables.candidates.View();
      ScoreRequest request;
      request.context = &context_view;
      request.candidates = &candidates_view;
      request.tasks = absl::MakeConstSpan(&task, 1);
      const Stopwatch watch;
      Check(predictor_->Score(*snapshot_(), absl::MakeConstSpan(&request, 1)).status());
      const double milliseconds = 1e3 * watch.seconds();
      MutexLock lock(&mu_);
      milliseconds_.push_back(milliseconds);
    }
  }

  const std::unique_ptr<Predictor> predictor_;
  const std::function<std::shared_ptr<const Snapshot>()> snapshot_;
  const std::function<Tables()> next_;
  Mutex mu_;
  std::vector<double> milliseconds_ ABSL_GUARDED_BY(mu_);
  std::atomic<bool> stopping_{false};
  std::thread thread_;  // Last, so that everything it reads exists before it starts.
};

}  // namespace polyscene
