// CSV files of a test's own, and what `polyscene model init` makes of them.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/modelfile/model_init.h"
#include "model/spec/model_spec.h"
#include "tests/support/temp_directory.h"

namespace polyscene {

class InitTest : public testing::Test {
 protected:
  // The path of a file that holds `text`.
  std::string Write(const std::string& text, const std::string& name = "events.csv") {
    const std::string path = (directory_.path() / name).string();
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  absl::StatusOr<InitResult> TryInit(const std::string& csv, const Wishes& wishes = {}) {
    InitOptions options;
    options.events = Write(csv);
    options.wishes = wishes;
    return InitModel(options);
  }

  InitResult Init(const std::string& csv, const Wishes& wishes = {}) {
    absl::StatusOr<InitResult> result = TryInit(csv, wishes);
    if (!result.ok()) throw std::runtime_error(result.status().ToString());
    return *std::move(result);
  }

  // "feature", "label", ...; what became of a column.
  static std::string RoleOf(const InitResult& result, const std::string& column) {
    for (size_t c = 0; c < result.guess.columns.size(); ++c) {
      if (result.sample.header()[c] == column) return std::string(RoleName(result.guess.columns[c].role));
    }
    return "no such column";
  }

  static const v1::Feature& FeatureOf(const InitResult& result, const std::string& column) {
    for (const v1::Feature& feature : result.proposal.file.features()) {
      if ((feature.column().empty() ? feature.name() : feature.column()) == column) return feature;
    }
    ADD_FAILURE() << "no feature of column " << column << " in\n" << result.written.text;
    return v1::Feature::default_instance();
  }

  static const v1::Task& TaskOf(const InitResult& result, const std::string& name) {
    for (const v1::Task& task : result.proposal.file.tasks()) {
      if (task.name() == name) return task;
    }
    ADD_FAILURE() << "no task " << name << " in\n" << result.written.text;
    return v1::Task::default_instance();
  }

  static bool Doubts(const InitResult& result, const std::string& part) {
    for (const Edit& edit : result.written.edits) {
      if (edit.what.find(part) != std::string::npos) return true;
    }
    return false;
  }

  TempDirectory directory_;
};

// A number below `n` that nothing else in row `i` foretells; each `salt` draws its own.
inline int Noise(int i, int salt, int n) {
  uint32_t x = static_cast<uint32_t>(i) * 2654435761u + static_cast<uint32_t>(salt) * 40503u + 12345u;
  x = (x ^ (x >> 15)) * 2246822519u;
  x = (x ^ (x >> 13)) * 3266489917u;
  return static_cast<int>((x ^ (x >> 16)) % static_cast<uint32_t>(n));
}

// `rows` lines made by `row(i)`, under a header.
template <typename Row>
std::string Csv(const std::string& header, int rows, Row row) {
  std::string text = header + "\n";
  for (int i = 0; i < rows; ++i) absl::StrAppend(&text, row(i), "\n");
  return text;
}

}  // namespace polyscene
