// The joiner's store as a group of the log sees it. Private to this folder.
#pragma once

#include <rocksdb/write_batch.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/eventlog/log_store.h"

namespace polyscene {

// Reads find what the current operation changed, then what those before it in the group did, then the disk. Not
// thread-safe.
class StagedStore {
 public:
  void Open(const LogStore& store) { store_ = &store; }

  absl::StatusOr<std::optional<std::string>> Get(LogFamily family, absl::string_view key) const;
  void Put(LogFamily family, absl::string_view key, std::string value);
  void Delete(LogFamily family, absl::string_view key);

  // Of what is on disk: what is staged is not in it.
  std::unique_ptr<rocksdb::Iterator> Iterate(LogFamily family) const { return store_->Iterate(family); }
  bool Deleted(LogFamily family, absl::string_view key) const;  // By this group.

  void Keep();  // The operation's changes become the group's.
  void Undo();  // They are gone.

  // Adds the group's changes to `batch`, after what repairs that of groups that failed; false if there are none.
  bool Stage(rocksdb::WriteBatch* batch) const;
  void PutNow(LogFamily family, absl::string_view key, const std::string& value, rocksdb::WriteBatch* batch) const {
    batch->Put(store_->family(family), ToSlice(key), value);
  }
  void Commit();   // They are on disk.
  void Abandon();  // They are not, but may come back when the store is opened again: the next group repairs that.

 private:
  // By a byte for the family, and the key. Nothing: deleted.
  using Changes = absl::flat_hash_map<std::string, std::optional<std::string>>;

  const std::optional<std::string>* Find(const std::string& name) const;  // Null: not changed.
  void StageRepair(rocksdb::WriteBatch* batch) const;

  const LogStore* store_ = nullptr;
  Changes operation_;
  Changes group_;
  absl::flat_hash_set<std::string> suspects_;  // Of groups that failed since the last that did not.
};

}  // namespace polyscene
