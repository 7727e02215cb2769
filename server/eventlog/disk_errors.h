// Which errors of the disk RocksDB gets over by itself. Private to this folder.
#pragma once

#include <rocksdb/listener.h>
#include <rocksdb/status.h>

#include "absl/base/thread_annotations.h"
#include "server/sync/mutex.h"

namespace polyscene {

// Listens to what stops RocksDB, and judges it: want of space, wherever it was met, lasts until there is space, and any
// other error until the database is opened anew. RocksDB itself takes some of the former for the latter: a write-ahead
// log that cannot be created, and one that refuses to be left because a write to it failed before.
//
// Threads: any.
class DiskErrors : public rocksdb::EventListener {
 public:
  // RocksDB has stopped: it refuses writes until it is told to resume. Since Forget().
  bool stopped() const;
  rocksdb::Status error() const;  // Why; OK while it has not.
  bool broken() const;            // It is not to be told to.
  void Forget();                  // It is told to now. Broken it stays.

  // Of rocksdb::EventListener.
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) override;
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason reason, rocksdb::Status error, bool* auto_recovery) override;

 private:
  mutable Mutex mu_;
  rocksdb::Status error_ ABSL_GUARDED_BY(mu_);
  bool broken_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace polyscene
