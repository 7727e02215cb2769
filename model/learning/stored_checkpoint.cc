#include "model/learning/stored_checkpoint.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <system_error>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace polyscene {
namespace {

constexpr char kRowsPrefix[] = "rows.";
constexpr char kIdsSuffix[] = ".ids";

absl::Status Broken(const std::filesystem::path& path, absl::string_view what) {
  return absl::DataLossError(absl::StrCat("checkpoint ", path.string(), ": ", what));
}

}  // namespace

std::string RowFileName(uint64_t number) { return absl::StrFormat("rows.%06d", number); }

std::string FormatTables(const std::vector<StoredTable>& tables) {
  std::string text;
  for (const StoredTable& table : tables) {
    absl::StrAppend(&text, table.name, " ", table.dimension, " ", table.rows, "\n");
  }
  return text;
}

std::string FormatManifest(const std::vector<StoredFile>& files) {
  std::string text;
  for (const StoredFile& file : files) {
    absl::StrAppend(&text, file.name, " ", file.bytes, " ", absl::Hex(file.checksum, absl::kZeroPad8), "\n");
  }
  return text;
}

absl::StatusOr<std::unique_ptr<StoredCheckpoint>> StoredCheckpoint::Open(const std::filesystem::path& directory) {
  auto state = CheckpointReader::Open(directory / kStateFileName);
  // A checkpoint folder without its file is as broken as one with half of it.
  if (absl::IsNotFound(state.status())) return absl::DataLossError(state.status().message());
  if (!state.ok()) return state.status();
  std::unique_ptr<StoredCheckpoint> checkpoint(new StoredCheckpoint(directory, *std::move(state)));
  if (absl::Status status = checkpoint->ReadState(); !status.ok()) return status;
  if (absl::Status status = checkpoint->CheckRowFiles(); !status.ok()) return status;
  return checkpoint;
}

absl::Status StoredCheckpoint::ReadState() {
  const auto meta = state_->Read("meta");
  if (!meta.ok()) return meta.status();
  for (const absl::string_view line : absl::StrSplit(*meta, '\n', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> pair = absl::StrSplit(line, absl::MaxSplits(' ', 1));
    meta_[std::string(pair.first)] = std::string(pair.second);
  }
  if (format() == 1) return absl::OkStatus();
  const auto tables = state_->Read("tables");
  if (!tables.ok()) return tables.status();
  for (const absl::string_view line : absl::StrSplit(*tables, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    StoredTable table;
    if (words.size() != 3 || !absl::SimpleAtoi(words[1], &table.dimension) ||
        !absl::SimpleAtoi(words[2], &table.rows)) {
      return Broken(state_->path(), "section 'tables' cannot be read");
    }
    table.name = words[0];
    tables_.push_back(std::move(table));
  }
  const auto manifest = state_->Read("manifest");
  if (!manifest.ok()) return manifest.status();
  for (const absl::string_view line : absl::StrSplit(*manifest, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    StoredFile file;
    if (words.size() != 3 || !absl::SimpleAtoi(words[1], &file.bytes) ||
        !absl::SimpleHexAtoi(words[2], &file.checksum) ||
        words[0] != RowFileName(row_files_.size())) {  // Nothing else, so no path that leads elsewhere.
      return Broken(state_->path(), "section 'manifest' cannot be read");
    }
    file.name = words[0];
    row_files_.push_back(std::move(file));
  }
  return absl::OkStatus();
}

absl::Status StoredCheckpoint::CheckRowFiles() const {
  for (const StoredFile& file : row_files_) {
    const std::filesystem::path path = directory_ / file.name;
    std::error_code error;
    const uint64_t bytes = std::filesystem::file_size(path, error);
    if (error) return Broken(path, absl::StrCat("cannot be read: ", error.message()));
    if (bytes != file.bytes) return Broken(path, absl::StrCat("has ", bytes, " bytes, expected ", file.bytes));
  }
  return absl::OkStatus();
}

std::string StoredCheckpoint::Meta(const std::string& name) const {
  const auto it = meta_.find(name);
  return it == meta_.end() ? "" : it->second;
}

absl::StatusOr<uint64_t> StoredCheckpoint::MetaNumber(const std::string& name) const {
  uint64_t number = 0;
  if (absl::SimpleAtoi(Meta(name), &number)) return number;
  int64_t signed_number = 0;  // Times may lie before 1970.
  if (absl::SimpleAtoi(Meta(name), &signed_number)) return static_cast<uint64_t>(signed_number);
  return Broken(state_->path(), absl::StrCat("section 'meta' lacks the number ", name));
}

absl::Status StoredCheckpoint::VisitRows(Order order, const BlockVisitor& visit, const SectionVisitor& section) const {
  if (format() == 1) return VisitFormat1(visit);
  for (size_t i = 0; i < row_files_.size(); ++i) {
    const size_t at = order == Order::kOldestFirst ? i : row_files_.size() - 1 - i;
    if (absl::Status status = VisitFile(at, visit, section); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status StoredCheckpoint::VisitFile(size_t at, const BlockVisitor& visit, const SectionVisitor& tell) const {
  const StoredFile& file = row_files_[at];
  const std::filesystem::path path = directory_ / file.name;
  auto stream = SectionStream::Open(path);
  if (!stream.ok()) return absl::DataLossError(stream.status().message());
  RowBlock block;
  block.file = at;
  std::string bytes;
  for (SectionStream::Section section;;) {
    const absl::StatusOr<bool> more = (*stream)->Next(section, &bytes);
    if (!more.ok()) return more.status();
    if (!*more) break;
    absl::Status status = ParseRowBlock(section.name, bytes, block);
    if (status.ok()) status = visit(block);
    if (!status.ok())
      return absl::Status(status.code(), absl::StrCat("checkpoint ", path.string(), ": ", status.message()));
    if (tell != nullptr) tell(file, section);
  }
  if ((*stream)->checksum() == file.checksum) return absl::OkStatus();
  return Broken(path, absl::StrCat("is another file than the checkpoint's: its checksum is ",
                                   absl::Hex((*stream)->checksum(), absl::kZeroPad8), ", expected ",
                                   absl::Hex(file.checksum, absl::kZeroPad8)));
}

absl::Status StoredCheckpoint::VisitFormat1(const BlockVisitor& visit) const {
  for (const SectionStream::Section& section : state_->Sections()) {
    absl::string_view dimension = section.name;
    RowBlock block;
    if (!absl::ConsumePrefix(&dimension, kRowsPrefix) || !absl::ConsumeSuffix(&dimension, kIdsSuffix) ||
        !absl::SimpleAtoi(dimension, &block.dimension)) {
      continue;
    }
    const std::string prefix = absl::StrCat(kRowsPrefix, block.dimension, ".");
    const int64_t count = static_cast<int64_t>(section.size / sizeof(uint64_t));
    const int64_t rows_at_once = RowsOfBlock(block.dimension, block.state_width);
    for (int64_t begin = 0; begin < count; begin += rows_at_once) {
      block.Resize(std::min(rows_at_once, count - begin));
      std::iota(block.rows.begin(), block.rows.end(), static_cast<uint32_t>(begin));
      const auto read = [&](const char* name, int64_t width, auto& into) {
        const uint64_t row_bytes = width * sizeof(into[0]);
        return state_->ReadInto(prefix + name, begin * row_bytes, into.data(), into.size() * sizeof(into[0]));
      };
      if (absl::Status s = read("tables", 1, block.tables); !s.ok()) return s;
      if (absl::Status s = read("ids", 1, block.ids); !s.ok()) return s;
      if (absl::Status s = read("values", block.dimension, block.values); !s.ok()) return s;
      if (absl::Status s = read("states", 1, block.states); !s.ok()) return s;
      if (absl::Status s = visit(block); !s.ok()) return s;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const ModelSpec>> StoredModel(const StoredCheckpoint& stored) {
  const auto text = stored.state().Read("model.textproto");
  if (!text.ok()) return text.status();
  return ModelSpec::Parse(*text, stored.state().path().string() + ":model.textproto");
}

}  // namespace polyscene
