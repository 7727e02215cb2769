// The streams of one service that are open, so that a stop of the server reaches them.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "server/sync/mutex.h"

namespace polyscene {

// Keeps each stream until it is removed, which is when gRPC lets go of it. `Stream` has a Stop(), which is called once
// and under no lock. Any thread may call any method; it outlives the gRPC server.
template <typename Stream>
class LiveStreams {
 public:
  ~LiveStreams() {
    // gRPC's server is gone, and with it every stream; the lock shows that to ThreadSanitizer, which cannot see into
    // gRPC.
    MutexLock lock(&mu_);
  }

  // False: the service is stopping, and the stream was stopped at once.
  bool Add(std::shared_ptr<Stream> stream) {
    {
      MutexLock lock(&mu_);
      streams_.emplace(stream.get(), stream);
      if (!stopping_) return true;
    }
    stream->Stop();
    return false;
  }

  void Remove(Stream* stream) {
    std::shared_ptr<Stream> last;  // Let go of after the lock.
    MutexLock lock(&mu_);
    const auto it = streams_.find(stream);
    last = std::move(it->second);
    streams_.erase(it);
  }

  std::vector<std::shared_ptr<Stream>> All() const {
    MutexLock lock(&mu_);
    std::vector<std::shared_ptr<Stream>> streams;
    streams.reserve(streams_.size());
    for (const auto& entry : streams_) streams.push_back(entry.second);
    return streams;
  }

  // Stops every stream, and every later one as it is added. Waits for none.
  void Stop() {
    {
      MutexLock lock(&mu_);
      stopping_ = true;
    }
    for (const std::shared_ptr<Stream>& stream : All()) stream->Stop();
  }

 private:
  mutable Mutex mu_;
  absl::flat_hash_map<Stream*, std::shared_ptr<Stream>> streams_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace polyscene
