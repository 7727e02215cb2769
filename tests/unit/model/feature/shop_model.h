// A small model file with every kind of encoding, and tables for it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "model/data/columns.h"
#include "model/spec/model_spec.h"

namespace polyscene {

inline constexpr absl::string_view kShopModel = R"(
  name: "shop"
  features {
    name: "user" side: CONTEXT type: STRING personal: true
    encode { hash { embedding { dimension: 4 } } }
  }
  features {
    name: "age" side: CONTEXT type: INT64
    encode { numeric { scaling: MIN_MAX } }
    encode { bucketize { boundaries: [18, 30, 65] embedding { dimension: 2 } } }
  }
  features {
    name: "recent" side: CONTEXT type: INT64
    sequence { max_length: 3 }
    encode { hash { embedding { dimension: 4 table: "item" } } }
  }
  features {
    name: "words" side: CONTEXT type: STRING
    sequence {}
    encode { vocabulary { values: ["red", "blue"] embedding { dimension: 2 } } }
  }
  features {
    name: "item" side: CANDIDATE type: INT64 required: true
    encode { hash { embedding { dimension: 4 } } }
  }
  features {
    name: "brand" side: CANDIDATE type: STRING
    encode { hash { embedding { dimension: 4 } } }
  }
  features {
    name: "kind" side: CANDIDATE type: STRING
    encode { vocabulary { values: ["shoe", "hat"] embedding { dimension: 2 } } }
    encode { one_hot { values: ["shoe", "hat", "bag"] } }
  }
  features {
    name: "colour" side: CANDIDATE type: INT64
    encode { vocabulary { values: ["7", "-1"] embedding { dimension: 2 } } }
    encode { one_hot { values: ["7", "-1"] } }
  }
  features {
    name: "price" side: CANDIDATE type: FLOAT
    encode { numeric {} }
    encode { numeric { log1p: true scaling: NONE } }
    encode { bucketize { boundaries: [10.5] embedding { dimension: 2 } } }
  }
  features {
    name: "quality" side: CANDIDATE type: FLOAT required: true
    encode { numeric { scaling: NONE } }
  }
  scenes { name: "feed" tasks: ["click", "group", "spend", "demand", "visits"] }
  scenes { name: "search" tasks: ["click"] features: ["user", "words", "item", "price"] }
  scenes { name: "behaviour" tasks: ["visits"] features: ["user", "age", "recent", "words"] }
  tasks { name: "click" binary {} }
  tasks { name: "group" multi_class { classes: 3 } }
  tasks { name: "spend" regression { transform { log1p: true } } }
  tasks { name: "demand" forecast { horizon: 2 } }
  tasks { name: "visits" regression { transform { log1p: true } } missing_outside { min: 0 max: 100 } }
  network { shared_bottom { hidden: [4] } }
)";

inline constexpr int kFeedScene = 0;
inline constexpr int kSearchScene = 1;
inline constexpr int kBehaviourScene = 2;

inline std::shared_ptr<const ModelSpec> ShopSpec() {
  absl::StatusOr<std::shared_ptr<const ModelSpec>> spec = ModelSpec::Parse(kShopModel, "shop.textproto");
  if (!spec.ok()) {
    ADD_FAILURE() << spec.status();
    abort();
  }
  return *std::move(spec);
}

// Adds columns to a table, whose number of rows follows them.
class TableBuilder {
 public:
  TableBuilder& Ints(absl::string_view name, std::vector<int64_t> values, std::vector<uint32_t> missing = {}) {
    table_.rows = static_cast<int64_t>(values.size());
    Column& column = Add(name, ValueType::kInt64, std::move(missing));
    column.ints = std::move(values);
    return *this;
  }
  TableBuilder& Floats(absl::string_view name, std::vector<float> values, std::vector<uint32_t> missing = {}) {
    table_.rows = static_cast<int64_t>(values.size());
    Column& column = Add(name, ValueType::kFloat, std::move(missing));
    column.floats = std::move(values);
    return *this;
  }
  TableBuilder& Strings(absl::string_view name, std::vector<std::string> values, std::vector<uint32_t> missing = {}) {
    table_.rows = static_cast<int64_t>(values.size());
    Column& column = Add(name, ValueType::kString, std::move(missing));
    column.strings = std::move(values);
    return *this;
  }
  TableBuilder& IntLists(absl::string_view name, std::vector<std::vector<int64_t>> rows,
                         std::vector<uint32_t> missing = {}) {
    table_.rows = static_cast<int64_t>(rows.size());
    Column& column = Add(name, ValueType::kInt64, std::move(missing));
    for (const auto& row : rows) {
      column.ints.insert(column.ints.end(), row.begin(), row.end());
      column.lengths.push_back(static_cast<uint32_t>(row.size()));
    }
    return *this;
  }
  TableBuilder& StringLists(absl::string_view name, std::vector<std::vector<std::string>> rows,
                            std::vector<uint32_t> missing = {}) {
    table_.rows = static_cast<int64_t>(rows.size());
    Column& column = Add(name, ValueType::kString, std::move(missing));
    for (const auto& row : rows) {
      column.strings.insert(column.strings.end(), row.begin(), row.end());
      column.lengths.push_back(static_cast<uint32_t>(row.size()));
    }
    return *this;
  }
  TableBuilder& Rows(int64_t rows) {
    table_.rows = rows;
    return *this;
  }

  Column& column(absl::string_view name) {
    for (Column& column : table_.columns) {
      if (column.name == name) return column;
    }
    ADD_FAILURE() << "no column " << name;
    abort();
  }

  // Valid until this builder changes.
  TableView View() const { return table_.View(); }

 private:
  Column& Add(absl::string_view name, ValueType type, std::vector<uint32_t> missing) {
    Column& column = table_.Add(name, type);
    column.missing = std::move(missing);
    return column;
  }

  Table table_;
};

}  // namespace polyscene
