// A small model and files for tests of offline training.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "model/spec/model_spec.h"
#include "tests/support/temp_directory.h"

namespace polyscene {

inline std::shared_ptr<const ModelSpec> OfflineModel() {
  auto spec = ModelSpec::Parse(R"(
    name: "offline"
    features { name: "user" side: CONTEXT type: STRING personal: true encode { hash { embedding { dimension: 4 } } } }
    features { name: "tags" side: CONTEXT type: INT64 sequence {} encode { hash { embedding { dimension: 4 } } } }
    features { name: "price" side: CANDIDATE type: FLOAT required: true encode { numeric {} } }
    scenes { name: "shop" tasks: ["click", "kind"] }
    scenes { name: "search" tasks: ["click"] }
    tasks { name: "click" binary {} }
    tasks { name: "kind" multi_class { classes: 3 } weight: 0.5 }
    network { shared_bottom { hidden: [4] } }
    files { event_time_column: "time" }
  )",
                               "offline.textproto");
  if (!spec.ok()) ADD_FAILURE() << spec.status();
  return *spec;
}

class OfflineTest : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = (directory_.path() / name).string();
    std::ofstream(path) << text;
    return path;
  }

  // A row a day from 2024-01-01 on, with price 1, 2, ...
  std::string WriteRows(const std::string& name, int rows) {
    std::string text = "scene,time,user,tags,price,click,kind\n";
    for (int r = 1; r <= rows; ++r) {
      absl::StrAppend(&text, r % 3 == 0 ? "search" : "shop", ",2024-01-", r < 10 ? "0" : "", r, ",u", r % 4, ",",
                      r % 2 == 0 ? "" : "1|2", ",", r, ",", r % 2, ",", r % 3 == 0 ? "" : absl::StrCat(r % 3), "\n");
    }
    return Write(name, text);
  }

  TempDirectory directory_;
  const std::shared_ptr<const ModelSpec> spec_ = OfflineModel();
};

}  // namespace polyscene
