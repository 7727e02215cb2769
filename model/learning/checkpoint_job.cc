#include "model/learning/checkpoint_job.h"

#include <torch/torch.h>

#include <algorithm>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "model/fault/fault_point.h"
#include "model/tensor/catch_torch.h"

namespace polyscene {
namespace {

namespace fs = std::filesystem;

absl::Status DiskError(absl::string_view what, const fs::path& path, const std::error_code& error) {
  errno = error.value();
  return CheckpointDiskError(what, path);
}

// Writes the group's rows block after block, behind those that were let go.
void WriteGroup(const FrozenGroup& group, CheckpointWriter& writer) {
  std::vector<uint32_t> let_go;
  group.let_go.ForEach([&let_go](uint32_t row) { let_go.push_back(row); });
  WriteLetGo(static_cast<uint32_t>(group.table), let_go, writer);

  const int64_t rows_at_once = RowsOfBlock(group.dimension, group.state_width);
  const float* states = group.states.numel() > 0 ? group.states.data_ptr<float>() : nullptr;
  RowBlock block;
  block.dimension = group.dimension;
  block.state_width = group.state_width;
  block.has_uses = group.keeps_uses;
  const auto flush = [&] {
    if (block.rows.empty()) return;
    const torch::Tensor values = group.rows->Gather(block.rows).to(torch::kCPU);
    WriteRowBlock(block, values.data_ptr<float>(), writer);
    block.rows.clear();
    block.tables.clear();
    block.ids.clear();
    block.states.clear();
    block.uses.clear();
  };
  const auto add = [&](uint32_t row, uint64_t place) {  // `place`: among the states.
    const RowOwner owner = group.rows->owner(row);
    block.rows.push_back(row);
    block.tables.push_back(owner.table);
    block.ids.push_back(owner.id);
    const float* state = states + place * group.state_width;
    block.states.insert(block.states.end(), state, state + group.state_width);
    if (group.keeps_uses) block.uses.push_back(group.uses[place]);
    if (block.size() == rows_at_once) flush();
  };
  const auto is_free = [&group](uint32_t row) { return group.rows->owner(row).table == kNoTable; };
  if (group.all) {
    for (uint32_t row = 0; row < group.rows->row_count(); ++row) {
      if (!is_free(row)) add(row, row);
    }
  } else {
    uint64_t place = 0;
    group.touched.ForEach([&](uint32_t row) {
      if (!is_free(row)) add(row, place++);
    });
  }
  flush();
}

// Reads a file that was just written.
absl::Status Verify(const fs::path& path, const StoredFile& expected) {
  auto stream = SectionStream::Open(path);
  if (!stream.ok()) return stream.status();
  for (SectionStream::Section section;;) {
    const absl::StatusOr<bool> more = (*stream)->Next(section, nullptr);
    if (!more.ok()) return more.status();
    if (!*more) break;
  }
  if ((*stream)->checksum() == expected.checksum && (*stream)->file_bytes() == expected.bytes) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("checkpoint ", path.string(), ": what is read is not what was written"));
}

}  // namespace

absl::Status TorchCheckpointJob::Write(const fs::path& directory) {
  std::error_code error;
  if (fs::exists(directory, error)) {
    return absl::AlreadyExistsError(absl::StrCat("a checkpoint is at ", directory.string(), " already"));
  }
  const fs::path temporary = directory.string() + ".writing";
  fs::remove_all(temporary, error);  // What a crash left.
  if (!fs::create_directories(temporary, error)) return DiskError("create", temporary, error);
  const absl::Status written = CatchTorch("checkpoint", [&] { return WriteFiles(temporary); });
  if (!written.ok()) {
    fs::remove_all(temporary, error);
    return written;
  }
  FaultPoint("checkpoint.verified");
  fs::rename(temporary, directory, error);
  if (error) {
    const absl::Status status = DiskError("rename", temporary, error);
    fs::remove_all(temporary, error);
    return status;
  }
  FaultPoint("checkpoint.renamed");
  // From here on it is whole; only its name may not be durable yet.
  if (absl::Status status = SyncDirectory(directory.parent_path()); !status.ok()) {
    fs::remove_all(directory, error);
    return status;
  }
  directory_ = directory;
  written_ = true;
  return absl::OkStatus();
}

absl::Status TorchCheckpointJob::WriteFiles(const fs::path& directory) {
  FaultPoint("checkpoint.write");
  bytes_written_ = 0;
  row_files_.clear();
  if (absl::Status status = LinkChain(directory); !status.ok()) return status;
  if (absl::Status status = WriteRows(directory); !status.ok()) return status;
  FaultPoint("checkpoint.half");
  if (absl::Status status = WriteState(directory); !status.ok()) return status;
  if (absl::Status status = SyncDirectory(directory); !status.ok()) return status;
  FaultPoint("checkpoint.synced");
  // Read back before it counts. What the chain had before was verified when it was written.
  if (row_files_.size() > contents_.chain.size()) {
    if (absl::Status s = Verify(directory / row_files_.back().name, row_files_.back()); !s.ok()) return s;
  }
  return StoredCheckpoint::Open(directory).status();
}

absl::Status TorchCheckpointJob::LinkChain(const fs::path& directory) {
  for (const StoredFile& file : contents_.chain) {
    std::error_code error;
    fs::create_hard_link(contents_.chain_directory / file.name, directory / file.name, error);
    if (!error) continue;
    chain_broken_ = true;
    return absl::AbortedError(absl::StrCat("cannot link ", (contents_.chain_directory / file.name).string(), " into ",
                                           directory.string(), ": ", error.message(),
                                           "; the next checkpoint is a full one"));
  }
  row_files_ = contents_.chain;
  return absl::OkStatus();
}

absl::Status TorchCheckpointJob::WriteRows(const fs::path& directory) {
  const bool any = std::any_of(contents_.groups.begin(), contents_.groups.end(),
                               [](const FrozenGroup& group) { return group.count + group.let_go.count() > 0; });
  if (!any && !full()) return absl::OkStatus();
  StoredFile file;
  file.name = RowFileName(row_files_.size());
  const bool lets_go = std::any_of(contents_.groups.begin(), contents_.groups.end(), [](const FrozenGroup& group) {
    return group.keeps_uses || group.let_go.count() > 0;
  });
  CheckpointWriter writer(directory / file.name, lets_go ? kNewestCheckpointFormat : kCheckpointFormat);
  for (const FrozenGroup& group : contents_.groups) WriteGroup(group, writer);
  if (absl::Status status = writer.Close(); !status.ok()) return status;
  if (absl::Status status = writer.Sync(); !status.ok()) return status;
  file.bytes = writer.bytes();
  file.checksum = writer.checksum();
  bytes_written_ += file.bytes;
  row_files_.push_back(std::move(file));
  return absl::OkStatus();
}

absl::Status TorchCheckpointJob::WriteState(const fs::path& directory) {
  CheckpointWriter writer(directory / kStateFileName);
  for (const CheckpointContents::Section& section : contents_.sections) writer.Section(section.name, section.bytes());
  writer.Section("tables", FormatTables(contents_.tables));
  writer.Section("manifest", FormatManifest(row_files_));
  if (absl::Status status = writer.Close(); !status.ok()) return status;
  FaultPoint("checkpoint.written");
  bytes_written_ += writer.bytes();
  return writer.Sync();
}

}  // namespace polyscene
