#include "tests/support/failing_disk.h"

#include <string>
#include <utility>

namespace polyscene {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using FailureFlag = std::shared_ptr<std::atomic<FailingDisk::Failure>>;

IOStatus StatusOf(const FailureFlag& failure) {
  switch (failure->load()) {
    case FailingDisk::Failure::kNone:
      return IOStatus::OK();
    case FailingDisk::Failure::kNoSpace:
      return IOStatus::NoSpace("no space left on the test's disk");
    case FailingDisk::Failure::kIoError:
      return IOStatus::IOError("the test's disk is broken");
  }
  return IOStatus::OK();
}

class FailingFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FailingFile(std::unique_ptr<rocksdb::FSWritableFile>&& file, FailureFlag failure)
      : FSWritableFileOwnerWrapper(std::move(file)), failure_(std::move(failure)) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options, IODebugContext* context) override {
    const IOStatus status = StatusOf(failure_);
    return status.ok() ? FSWritableFileOwnerWrapper::Append(data, options, context) : status;
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* context) override {
    return Append(data, options, context);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* context) override {
    const IOStatus status = StatusOf(failure_);
    return status.ok() ? FSWritableFileOwnerWrapper::Sync(options, context) : status;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* context) override { return Sync(options, context); }

 private:
  const FailureFlag failure_;
};

class FailingFileSystem : public rocksdb::FileSystemWrapper {
 public:
  explicit FailingFileSystem(FailureFlag failure)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), failure_(std::move(failure)) {}

  const char* Name() const override { return "FailingFileSystem"; }

  IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* context) override {
    const IOStatus failing = StatusOf(failure_);
    if (!failing.ok()) return failing;
    std::unique_ptr<rocksdb::FSWritableFile> real;
    const IOStatus status = FileSystemWrapper::NewWritableFile(name, options, &real, context);
    if (status.ok()) *file = std::make_unique<FailingFile>(std::move(real), failure_);
    return status;
  }

 private:
  const FailureFlag failure_;
};

}  // namespace

FailingDisk::FailingDisk()
    : failure_(std::make_shared<std::atomic<Failure>>(Failure::kNone)),
      env_(rocksdb::NewCompositeEnv(std::make_shared<FailingFileSystem>(failure_))) {}

}  // namespace polyscene
