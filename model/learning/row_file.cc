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

}  // namespace

void RowBlock::Resize(int64_t count) {
  rows.resize(count);
  tables.resize(count);
  ids.resize(count);
  values.resize(count * dimension);
  states.resize(count * state_width);
}

uint64_t RowBytes(int64_t dimension, int64_t state_width) {
  return 2 * sizeof(uint32_t) + sizeof(uint64_t) + static_cast<uint64_t>(dimension + state_width) * sizeof(float);
}

int64_t RowsOfBlock(int64_t dimension, int64_t state_width) {
  return std::max<int64_t>(1, kBlockBytes / static_cast<int64_t>(RowBytes(dimension, state_width)));
}

void WriteRowBlock(const RowBlock& block, const float* values, CheckpointWriter& writer) {
  const uint64_t count = block.rows.size();
  std::string name = absl::StrCat(kPrefix, block.dimension);
  if (block.state_width != 1) absl::StrAppend(&name, ".", block.state_width);
  writer.Begin(name, sizeof(count) + count * RowBytes(block.dimension, block.state_width));
  writer.Write(&count, sizeof(count));
  writer.Write(block.rows.data(), count * sizeof(uint32_t));
  writer.Write(block.tables.data(), count * sizeof(uint32_t));
  writer.Write(block.ids.data(), count * sizeof(uint64_t));
  writer.Write(values, count * static_cast<uint64_t>(block.dimension) * sizeof(float));
  writer.Write(block.states.data(), count * static_cast<uint64_t>(block.state_width) * sizeof(float));
  writer.End();
}

absl::Status ParseRowBlock(absl::string_view section_name, absl::string_view bytes, RowBlock& block) {
  const auto bad = [section_name](absl::string_view what) {
    return absl::DataLossError(absl::StrCat("section '", section_name, "' ", what));
  };
  absl::string_view sizes = section_name;
  if (!absl::ConsumePrefix(&sizes, kPrefix)) return bad("is not of rows");
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
  if (bytes.size() % RowBytes(block.dimension, block.state_width) != 0 ||
      count != bytes.size() / RowBytes(block.dimension, block.state_width)) {
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
  return absl::OkStatus();
}

}  // namespace polyscene
