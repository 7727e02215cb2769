#include "model/learning/row_file.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace polyscene {
namespace {

constexpr int64_t kBlockBytes = int64_t{4} << 20;
constexpr int64_t kMaxDimension = 1 << 20;  // Far above the model file's; keeps products of sizes within 64 bits.
constexpr char kPrefix[] = "rows.";
constexpr char kUsedPrefix[] = "used_rows.";
constexpr char kLetGoPrefix[] = "let_go.";
constexpr uint64_t kUseBytes = sizeof(uint32_t) + sizeof(uint8_t);

absl::Status ParseLetGo(absl::string_view section_name, absl::string_view table, absl::string_view bytes,
                        RowBlock& block) {
  block.let_go = true;
  block.tables.resize(1);
  if (!absl::SimpleAtoi(table, &block.tables[0]) || bytes.size() % sizeof(uint32_t) != 0) {
    return absl::DataLossError(
        absl::StrCat("section '", section_name, "' of ", bytes.size(), " bytes is not of rows that were let go"));
  }
  block.rows.resize(bytes.size() / sizeof(uint32_t));
  if (!bytes.empty()) std::memcpy(block.rows.data(), bytes.data(), bytes.size());
  return absl::OkStatus();
}

}  // namespace

void RowBlock::Resize(int64_t count) {
  rows.resize(count);
  tables.resize(count);
  ids.resize(count);
  values.resize(count * dimension);
  states.resize(count * state_width);
  uses.resize(has_uses ? count : 0);
}

uint64_t RowBytes(int64_t dimension, int64_t state_width) {
  return 2 * sizeof(uint32_t) + sizeof(uint64_t) + static_cast<uint64_t>(dimension + state_width) * sizeof(float);
}

int64_t RowsOfBlock(int64_t dimension, int64_t state_width) {
  return std::max<int64_t>(1, kBlockBytes / static_cast<int64_t>(RowBytes(dimension, state_width)));
}

void WriteRowBlock(const RowBlock& block, const float* values, CheckpointWriter& writer) {
  const uint64_t count = block.rows.size();
  std::string name = absl::StrCat(block.has_uses ? kUsedPrefix : kPrefix, block.dimension);
  if (block.has_uses || block.state_width != 1) absl::StrAppend(&name, ".", block.state_width);
  const uint64_t row_bytes = RowBytes(block.dimension, block.state_width) + (block.has_uses ? kUseBytes : 0);
  writer.Begin(name, sizeof(count) + count * row_bytes);
  writer.Write(&count, sizeof(count));
  writer.Write(block.rows.data(), count * sizeof(uint32_t));
  writer.Write(block.tables.data(), count * sizeof(uint32_t));
  writer.Write(block.ids.data(), count * sizeof(uint64_t));
  writer.Write(values, count * static_cast<uint64_t>(block.dimension) * sizeof(float));
  writer.Write(block.states.data(), count * static_cast<uint64_t>(block.state_width) * sizeof(float));
  if (block.has_uses) {
    std::vector<uint32_t> last(count);
    std::string counts(count, '\0');
    for (uint64_t i = 0; i < count; ++i) {
      last[i] = block.uses[i].last;
      counts[i] = static_cast<char>(block.uses[i].count);
    }
    writer.Write(last.data(), count * sizeof(uint32_t));
    writer.Write(counts.data(), count);
  }
  writer.End();
}

void WriteLetGo(uint32_t table, const std::vector<uint32_t>& rows, CheckpointWriter& writer) {
  constexpr size_t kRowsAtOnce = kBlockBytes / sizeof(uint32_t);
  for (size_t begin = 0; begin < rows.size(); begin += kRowsAtOnce) {
    const uint64_t bytes = std::min(kRowsAtOnce, rows.size() - begin) * sizeof(uint32_t);
    writer.Begin(absl::StrCat(kLetGoPrefix, table), bytes);
    writer.Write(&rows[begin], bytes);
    writer.End();
  }
}

absl::Status ParseRowBlock(absl::string_view section_name, absl::string_view bytes, RowBlock& block) {
  const auto bad = [section_name](absl::string_view what) {
    return absl::DataLossError(absl::StrCat("section '", section_name, "' ", what));
  };
  absl::string_view sizes = section_name;
  if (absl::ConsumePrefix(&sizes, kLetGoPrefix)) return ParseLetGo(section_name, sizes, bytes, block);
  block.let_go = false;
  block.has_uses = absl::ConsumePrefix(&sizes, kUsedPrefix);
  if (!block.has_uses && !absl::ConsumePrefix(&sizes, kPrefix)) return bad("is not of rows");
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(sizes, absl::MaxSplits('.', 1));
  const auto parse = [](absl::string_view text, int64_t& size) {
    return absl::SimpleAtoi(text, &size) && size >= 1 && size <= kMaxDimension;
  };
  block.state_width = 1;
  const bool has_width = sizes.size() > parts.first.size();
  if (!parse(parts.first, block.dimension) || (has_width && !parse(parts.second, block.state_width))) {
    return bad("is not of rows");
  }
  uint64_t count = 0;
  if (bytes.size() < sizeof(count)) return bad("lacks its size");
  std::memcpy(&count, bytes.data(), sizeof(count));
  bytes.remove_prefix(sizeof(count));
  const uint64_t row_bytes = RowBytes(block.dimension, block.state_width) + (block.has_uses ? kUseBytes : 0);
  if (bytes.size() % row_bytes != 0 || count != bytes.size() / row_bytes) {
    return bad(absl::StrCat("has ", bytes.size(), " bytes for ", count, " rows"));
  }
  block.Resize(static_cast<int64_t>(count));
  const auto take = [&bytes](auto& into) {
    const size_t size = into.size() * sizeof(into[0]);
    if (size > 0) std::memcpy(into.data(), bytes.data(), size);
    bytes.remove_prefix(size);
  };
  take(block.rows);
  take(block.tables);
  take(block.ids);
  take(block.values);
  take(block.states);
  for (uint64_t i = 0; i < count && block.has_uses; ++i) {
    std::memcpy(&block.uses[i].last, &bytes[i * sizeof(uint32_t)], sizeof(uint32_t));
    block.uses[i].count = static_cast<uint8_t>(bytes[count * sizeof(uint32_t) + i]);
  }
  return absl::OkStatus();
}

}  // namespace polyscene
