#include "tests/unit/model/spec/model_text.h"

#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace polyscene {

const char kGoodModel[] = R"(name: "shop"
features {
  name: "user_id" side: CONTEXT type: INT64
  encode { hash { embedding { dimension: 4 } } }
}
features {
  name: "recent" side: CONTEXT type: STRING
  sequence { max_length: 20 }
  encode { hash { embedding { dimension: 4 table: "item" } } }
}
features {
  name: "item" side: CANDIDATE type: STRING
  encode { hash { embedding { dimension: 4 } } }
}
features {
  name: "price" side: CANDIDATE type: FLOAT
  encode { numeric { scaling: STANDARD } }
  encode { bucketize { boundaries: [10, 20, 50] embedding { dimension: 2 } } }
}
features {
  name: "colour" side: CANDIDATE type: STRING
  encode { one_hot { values: ["red", "blue"] } }
  encode { vocabulary { values: ["red", "blue"] embedding { dimension: 2 } } }
}
scenes {
  name: "search"
  tasks: ["click", "aisle"]
  rank_by { factors { task: "click" } }
}
scenes {
  name: "home"
  tasks: ["click", "spend", "demand"]
  features: ["user_id", "item", "price"]
}
tasks { name: "click" binary { } }
tasks { name: "aisle" multi_class { classes: 3 } }
tasks {
  name: "spend"
  regression { loss { huber { delta: 2 } } transform { log1p: true scale: 2 } }
  missing_outside { min: 0 max: 1000 }
}
tasks { name: "demand" forecast { horizon: 2 } columns: ["d1", "d2"] }
network { mmoe { experts: 2 hidden: [8, 4] } tower: [4] }
dense_optimizer { adam { learning_rate: 0.01 } }
row_optimizer { adagrad { learning_rate: 0.1 } }
learning { step_rows: 64 }
files { event_time_column: "day" }
)";

std::string Changed(absl::string_view from, absl::string_view to) {
  std::string text = kGoodModel;
  const size_t at = text.find(std::string(from));
  if (at == std::string::npos || text.find(std::string(from), at + 1) != std::string::npos) {
    ADD_FAILURE() << "'" << std::string(from) << "' is not in the model just once";
    return text;
  }
  return text.replace(at, from.size(), std::string(to));
}

Told Tell(absl::string_view marked, absl::string_view whats_text) {
  const std::vector<std::string> whats = absl::StrSplit(whats_text, '\n');
  std::string text;
  std::vector<std::string> wanted;
  int line = 1;
  int column = 1;
  for (const char c : marked) {
    if (c == '^') {
      const size_t i = wanted.size();
      wanted.push_back(absl::StrCat("m.textproto:", line, ":", column, ": ", i < whats.size() ? whats[i] : "?"));
      continue;
    }
    text += c;
    column = c == '\n' ? 1 : column + 1;
    if (c == '\n') ++line;
  }
  EXPECT_EQ(wanted.size(), whats.size()) << "a mark for each mistake";
  const auto spec = ModelSpec::Parse(text, "m.textproto");
  return {std::string(spec.status().message()), absl::StrJoin(wanted, "\n")};
}

std::shared_ptr<const ModelSpec> Good(absl::string_view text) {
  auto spec = ModelSpec::Parse(text, "m.textproto");
  EXPECT_TRUE(spec.ok()) << spec.status();
  return spec.ok() ? *spec : nullptr;
}

}  // namespace polyscene
