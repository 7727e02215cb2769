// A producer that streams the crash model's batches until it is told to end.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/lib/event_stream.h"

namespace polyscene {

class Producer {
 public:
  Producer(const std::string& address, int number, absl::Duration batch_interval);
  ~Producer();

  static std::string Name(int number);

  // Sends no more, and waits until everything sent is in the served weights.
  absl::Status Finish(absl::Duration timeout);

  uint64_t batches() const { return batches_; }  // Sent; after Finish(): acknowledged, as are the next.
  int64_t rows_accepted() const { return stream_.progress().rows_accepted; }
  int64_t good_rows() const { return good_rows_; }
  int64_t connections() const { return stream_.progress().connections; }
  std::string trouble() const { return stream_.progress().trouble; }

 private:
  void Run();

  const int number_;
  const absl::Duration batch_interval_;
  client::EventStream stream_;
  std::atomic<bool> ending_{false};
  std::atomic<uint64_t> batches_{0};
  std::atomic<int64_t> good_rows_{0};
  absl::Status sent_;  // thread_'s until it is joined.
  std::thread thread_;
};

}  // namespace polyscene
