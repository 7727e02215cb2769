#include "tests/support/failing_disk.h"

#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/time/clock.h"

namespace polyscene {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using StatePtr = std::shared_ptr<FailingDisk::State>;
using Failure = FailingDisk::Failure;
using Files = FailingDisk::Files;

IOStatus NoSpace() { return IOStatus::NoSpace("no space left on the test's disk"); }
IOStatus Broken() { return IOStatus::IOError("the test's disk is broken"); }

Files KindOf(const std::string& name) {
  if (absl::EndsWith(name, ".log")) return Files::kWriteAheadLogs;
  if (absl::EndsWith(name, ".sst") || absl::EndsWith(name, ".blob")) return Files::kTables;
  if (absl::StrContains(name, "/MANIFEST-")) return Files::kManifest;
  return Files::kAll;
}

// What fails of files of that kind now.
Failure FailureOf(Files kind, const FailingDisk::State& state) {
  const Files failing = state.files;
  return failing == Files::kAll || failing == kind ? state.failure.load() : Failure::kNone;
}

class FailingFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FailingFile(std::unique_ptr<rocksdb::FSWritableFile>&& file, Files kind, StatePtr state)
      : FSWritableFileOwnerWrapper(std::move(file)), kind_(kind), state_(std::move(state)) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options, IODebugContext* context) override {
    switch (FailureOf(kind_, *state_)) {
      case Failure::kNoSpace:
        return NoSpace();
      case Failure::kIoError:
        return Broken();
      case Failure::kHalfThenNoSpace:
        Half(data, options, context);
        return NoSpace();
      case Failure::kHalfThenIoError:
        Half(data, options, context);
        return Broken();
      case Failure::kNone:
      case Failure::kIoErrorOnSync:
        break;
    }
    return FSWritableFileOwnerWrapper::Append(data, options, context);
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* context) override {
    return Append(data, options, context);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* context) override {
    ++state_->syncs;
    if (const int64_t micros = state_->sync_micros; micros > 0) absl::SleepFor(absl::Microseconds(micros));
    switch (FailureOf(kind_, *state_)) {
      case Failure::kNoSpace:
      case Failure::kHalfThenNoSpace:
        return NoSpace();
      case Failure::kIoError:
      case Failure::kIoErrorOnSync:
      case Failure::kHalfThenIoError:
        return Broken();
      case Failure::kNone:
        break;
    }
    return FSWritableFileOwnerWrapper::Sync(options, context);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* context) override { return Sync(options, context); }

 private:
  void Half(const rocksdb::Slice& data, const IOOptions& options, IODebugContext* context) {
    FSWritableFileOwnerWrapper::Append(rocksdb::Slice(data.data(), data.size() / 2), options, context)
        .PermitUncheckedError();
  }

  const Files kind_;
  const StatePtr state_;
};

class FailingFileSystem : public rocksdb::FileSystemWrapper {
 public:
  explicit FailingFileSystem(StatePtr state)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), state_(std::move(state)) {}

  const char* Name() const override { return "FailingFileSystem"; }

  IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* context) override {
    const Failure failure = FailureOf(KindOf(name), *state_);
    if (failure == Failure::kNoSpace) return NoSpace();
    if (failure == Failure::kIoError) return Broken();
    std::unique_ptr<rocksdb::FSWritableFile> real;
    const IOStatus status = FileSystemWrapper::NewWritableFile(name, options, &real, context);
    if (status.ok()) *file = std::make_unique<FailingFile>(std::move(real), KindOf(name), state_);
    return status;
  }

  IOStatus GetFreeSpace(const std::string& path, const IOOptions& options, uint64_t* free,
                        IODebugContext* context) override {
    const IOStatus status = FileSystemWrapper::GetFreeSpace(path, options, free, context);
    if (const uint64_t bytes = state_->free_bytes; bytes != ~uint64_t{0}) *free = bytes;
    return status;
  }

 private:
  const StatePtr state_;
};

}  // namespace

FailingDisk::FailingDisk()
    : state_(std::make_shared<State>()), env_(rocksdb::NewCompositeEnv(std::make_shared<FailingFileSystem>(state_))) {}

}  // namespace polyscene
