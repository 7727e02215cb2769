#include "tests/support/tiny_model.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_replace.h"

namespace polyscene {
namespace {

std::shared_ptr<const ModelSpec> ParseModel(const std::string& text) {
  absl::StatusOr<std::shared_ptr<const ModelSpec>> spec = ModelSpec::Parse(text, "tiny.textproto");
  EXPECT_TRUE(spec.ok()) << spec.status();
  return *std::move(spec);
}

}  // namespace

const char* TinyModelText() {
  return R"(
name: "tiny"
features { name: "user" side: CONTEXT type: STRING personal: true encode { hash { embedding { dimension: 4 } } } }
features { name: "visits" side: CONTEXT type: FLOAT required: true encode { numeric {} } }
features { name: "item" side: CANDIDATE type: INT64 required: true encode { hash { embedding { dimension: 4 } } } }
features { name: "price" side: CANDIDATE type: FLOAT encode { numeric {} } }
features {
  name: "tags" side: CANDIDATE type: STRING sequence { pooling: MEAN } encode { hash { embedding { dimension: 4 } } }
}
scenes {
  name: "shop" tasks: "click" tasks: "spend" features: "user" features: "item" features: "price" features: "tags"
  rank_by { factors { task: "click" } factors { task: "spend" } }
}
scenes { name: "churn" tasks: "click" features: "user" features: "visits" }
tasks { name: "click" binary {} }
tasks { name: "spend" regression {} }
network { shared_bottom { hidden: 4 } }
learning { step_rows: 4 step_wait_seconds: 0.01 publish_interval_seconds: 0.01 }
)";
}

std::shared_ptr<const ModelSpec> TinyModel() { return ParseModel(TinyModelText()); }

std::shared_ptr<const ModelSpec> AnotherTinyModel() {
  return ParseModel(absl::StrReplaceAll(TinyModelText(), {{"dimension: 4", "dimension: 8"}}));
}

}  // namespace polyscene
