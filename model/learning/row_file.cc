#include "model/learning/row_file.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
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
  states.resize(count);
}

uint64_t RowBytes(int64_t dimension) {
  return 2 * sizeof(uint32_t) + sizeof(uint64_t) + static_cast<uint64_t>(dimension + 1) * sizeof(float);
}

int64_t RowsOfBlock(int64_t dimension) {
  return std::max<int64_t>(1, kBlockBytes / static_cast<int64_t>(RowBytes(dimension)));
}

void WriteRowBlock(const RowBlock& block, const float* values, CheckpointWriter& writer) {
  const uint64_t count = block.rows.size();
  writer.Begin(absl::StrCat(kPrefix, block.dimension), sizeof(count) + count * RowBytes(block.dimension));
  writer.Write(&count, sizeof(count));
  writer.Write(block.rows.data(), count * sizeof(uint32_t));
  writer.Write(block.tables.data(), count * sizeof(uint32_t));
  writer.Write(block.ids.data(), count * sizeof(uint64_t));
  writer.Write(values, count * static_cast<uint64_t>(block.dimension) * sizeof(float));
  writer.Write(block.states.data(), count * sizeof(float));
  writer.End();
}

absl::Status ParseRowBlock(absl::string_view section_name, absl::string_view bytes, RowBlock& block) {
  const auto bad = [section_name](absl::string_view what) {
    return absl::DataLossError(absl::StrCat("section '", section_name, "' ", what));
  };
  absl::string_view dimension = section_name;
  if (!absl::ConsumePrefix(&dimension, kPrefix) || !absl::SimpleAtoi(dimension, &block.dimension) ||
      block.dimension < 1 || block.dimension > kMaxDimension) {
    return bad("is not of rows");
  }
  uint64_t count = 0;
  if (bytes.size() < sizeof(count)) return bad("lacks its size");
  std::memcpy(&count, bytes.data(), sizeof(count));
  bytes.remove_prefix(sizeof(count));
  if (bytes.size() % RowBytes(block.dimension) != 0 || count != bytes.size() / RowBytes(block.dimension)) {
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
