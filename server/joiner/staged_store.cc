#include "server/joiner/staged_store.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace polyscene {
namespace {

std::string Name(LogFamily family, absl::string_view key) {
  std::string name(1, static_cast<char>(family));
  absl::StrAppend(&name, key);
  return name;
}

LogFamily FamilyOf(const std::string& name) { return static_cast<LogFamily>(name[0]); }

absl::string_view KeyOf(const std::string& name) { return absl::string_view(name).substr(1); }

void StageOne(const LogStore& store, const std::string& name, const std::optional<std::string>& value,
              rocksdb::WriteBatch* batch) {
  rocksdb::ColumnFamilyHandle* const family = store.family(FamilyOf(name));
  if (value.has_value()) {
    batch->Put(family, ToSlice(KeyOf(name)), *value);
  } else {
    batch->Delete(family, ToSlice(KeyOf(name)));
  }
}

}  // namespace

const std::optional<std::string>* StagedStore::Find(const std::string& name) const {
  for (const Changes* changes : {&operation_, &group_}) {
    if (const auto found = changes->find(name); found != changes->end()) return &found->second;
  }
  return nullptr;
}

absl::StatusOr<std::optional<std::string>> StagedStore::Get(LogFamily family, absl::string_view key) const {
  if (const std::optional<std::string>* staged = Find(Name(family, key))) return *staged;
  return store_->Get(family, key);
}

void StagedStore::Put(LogFamily family, absl::string_view key, std::string value) {
  operation_[Name(family, key)] = std::move(value);
}

void StagedStore::Delete(LogFamily family, absl::string_view key) { operation_[Name(family, key)] = std::nullopt; }

bool StagedStore::Deleted(LogFamily family, absl::string_view key) const {
  const std::optional<std::string>* staged = Find(Name(family, key));
  return staged != nullptr && !staged->has_value();
}

void StagedStore::Keep() {
  for (auto& [name, value] : operation_) group_[name] = std::move(value);
  operation_.clear();
}

void StagedStore::Undo() { operation_.clear(); }

bool StagedStore::Stage(rocksdb::WriteBatch* batch) const {
  StageRepair(batch);
  for (const auto& [name, value] : group_) StageOne(*store_, name, value, batch);
  return !group_.empty();
}

void StagedStore::StageRepair(rocksdb::WriteBatch* batch) const {
  for (const std::string& name : suspects_) {
    if (group_.contains(name)) continue;
    const absl::StatusOr<std::optional<std::string>> value = store_->Get(FamilyOf(name), KeyOf(name));
    // What cannot be read stays as it is, and is found by whoever asks for it.
    if (value.ok()) StageOne(*store_, name, *value, batch);
  }
}

void StagedStore::Commit() {
  group_.clear();
  suspects_.clear();
}

void StagedStore::Abandon() {
  for (const auto& [name, value] : group_) suspects_.insert(name);
  group_.clear();
}

}  // namespace polyscene
