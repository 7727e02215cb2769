// A model of everything that a replay meets, and files of it.
#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/replay/replay_rows.h"
#include "gtest/gtest.h"
#include "model/spec/model_spec.h"

namespace polyscene::replay {

// "search" ranks items for a user, "visits" scores users.
inline std::shared_ptr<const ModelSpec> Shop() {
  auto spec = ModelSpec::Parse(R"(
    name: "shop"
    features { name: "user" side: CONTEXT type: STRING encode { hash { embedding { dimension: 2 } } } }
    features { name: "item" side: CANDIDATE type: INT64 required: true encode { hash { embedding { dimension: 2 } } } }
    features { name: "tags" side: CANDIDATE type: STRING sequence {} encode { hash { embedding { dimension: 2 } } } }
    scenes { name: "search" tasks: "click" tasks: "spend" rank_by { factors { task: "click" } } }
    scenes { name: "visits" tasks: "churn" tasks: "next" features: "user" }
    tasks { name: "click" binary {} attribution_window_seconds: 1000 }
    tasks { name: "spend" regression { transform { log1p: true } } missing_outside { min: 0 max: 100 } }
    tasks { name: "churn" binary {} }
    tasks { name: "next" forecast { horizon: 2 } }
    network { shared_bottom { hidden: 4 } }
    files { event_time_column: "at" label_time_column: "known" request_id_column: "request" weight_column: "weight" })",
                               "shop");
  EXPECT_TRUE(spec.ok()) << spec.status();
  return *spec;
}

inline constexpr char kShopHeader[] =
    "scene,at,known,request,weight,user,item,tags,click,spend,churn,next_1,next_2,booked\n";

// A file of the test's own.
inline std::string ShopFile(const std::string& lines, const std::string& name = "shop.csv") {
  const std::string folder =
      absl::StrCat(::testing::TempDir(), "/", ::testing::UnitTest::GetInstance()->current_test_info()->name());
  std::filesystem::create_directories(folder);
  std::ofstream(absl::StrCat(folder, "/", name)) << kShopHeader << lines;
  return absl::StrCat(folder, "/", name);
}

inline std::unique_ptr<ReplayRows> OpenRows(const std::vector<std::string>& files, ReplayRowsOptions options = {}) {
  auto rows = ReplayRows::Open(files, Shop()->file(), std::move(options));
  EXPECT_TRUE(rows.ok()) << rows.status();
  return rows.ok() ? *std::move(rows) : nullptr;
}

inline std::vector<ReplayRow> AllRows(ReplayRows& rows) {
  std::vector<ReplayRow> all;
  for (ReplayRow row; *rows.Next(&row);) all.push_back(row);
  return all;
}

}  // namespace polyscene::replay
