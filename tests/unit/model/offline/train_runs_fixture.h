// polyscene-train's runs in this process, on a small shop.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "model/offline/train_flags.h"
#include "model/offline/train_program.h"
#include "nlohmann/json.hpp"
#include "tests/support/temp_directory.h"

namespace polyscene {

inline constexpr char kShopModel[] = R"(
name: "shop"
features { name: "user" side: CONTEXT type: INT64 encode { hash { embedding { dimension: 4 } } } }
features { name: "price" side: CANDIDATE type: FLOAT required: true encode { numeric {} } }
scenes { name: "shop" tasks: ["click", "spend"] rank_by { factors { task: "click" } } }
scenes { name: "search" tasks: ["click"] }
tasks { name: "click" binary {} }
tasks { name: "spend" regression {} weight: 0.5 }
network { shared_bottom { hidden: [8] } tower: [4] }
learning { step_rows: 32 }
files { event_time_column: "time" request_id_column: "request" }
)";

class TrainRunsTest : public testing::Test {
 protected:
  struct Result {
    absl::Status status;
    std::string out;
    std::string log;
    nlohmann::json json() const { return nlohmann::json::parse(out); }
  };

  std::string Path(const std::string& name) const { return (directory_.path() / name).string(); }
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name)) << text;
    return Path(name);
  }
  // The shop's model with each first text replaced by the second.
  std::string WriteModel(const std::string& name,
                         std::vector<std::pair<absl::string_view, absl::string_view>> changes = {}) const {
    return Write(name, absl::StrReplaceAll(kShopModel, changes));
  }

  // Days from 2024-01-01 on, 20 rows a day, requests of 5 rows. The click follows the user, the spending the price.
  std::string WriteRows(const std::string& name, int rows) const {
    std::string text = "request,scene,time,user,price,click,spend\n";
    for (int r = 0; r < rows; ++r) {
      const int user = r * 7 % 11, price = r * 5 % 9, day = 1 + r / 20;
      const bool search = r / 5 % 4 == 0;
      absl::StrAppend(&text, "q", r / 5, ",", search ? "search" : "shop", ",2024-01-", day < 10 ? "0" : "", day, ",",
                      user, ",", price, ",", user % 2, ",", search ? "" : absl::StrCat(price * 0.25), "\n");
    }
    return Write(name, text);
  }

  // As the program, but for signals and exit status.
  Result Train(std::vector<std::string> words) const {
    std::vector<const char*> argv = {"polyscene-train"};
    for (const std::string& word : words) argv.push_back(word.c_str());
    const absl::StatusOr<TrainFlags> flags = ReadTrainFlags(static_cast<int>(argv.size()), argv.data());
    if (!flags.ok()) return {flags.status()};
    std::ostringstream out, log;
    const absl::Status status = RunTrainProgram(*flags, TrainSources{}, out, log);
    return {status, out.str(), log.str()};
  }

  TempDirectory directory_;
};

}  // namespace polyscene
