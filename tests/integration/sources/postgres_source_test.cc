// PostgreSQL as a source: a real database server, psql, a pipe, the real command, a real server.
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "model/spec/model_spec.h"
#include "nlohmann/json.hpp"
#include "tests/integration/server_fixture.h"
#include "tests/integration/sources/postgres.h"

namespace polyscene {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kModel[] = R"(
  name: "shop"
  features { name: "user" side: CONTEXT type: STRING personal: true encode { hash { embedding { dimension: 4 } } } }
  features { name: "item" side: CANDIDATE type: INT64 required: true encode { hash { embedding { dimension: 4 } } } }
  features { name: "price" side: CANDIDATE type: FLOAT encode { numeric {} } }
  features { name: "tags" side: CANDIDATE type: STRING sequence {} encode { hash { embedding { dimension: 4 } } } }
  scenes { name: "shop" tasks: "click" tasks: "spend" }
  scenes { name: "outlet" tasks: "click" }
  tasks { name: "click" binary {} }
  tasks { name: "spend" regression {} }
  network { shared_bottom { hidden: 4 } }
  learning { publish_interval_seconds: 0.01 }
  files { event_time_column: "at" }
)";

class PostgresSourceTest : public ServerFixture {
 protected:
  void SetUp() override {
    if (!postgres_.why_not().empty()) GTEST_SKIP() << postgres_.why_not();
    absl::StatusOr<std::shared_ptr<const ModelSpec>> model = ModelSpec::Parse(kModel, "shop.textproto");
    ASSERT_TRUE(model.ok()) << model.status();
    settings().model = *std::move(model);
    settings().config.set_max_batch_events(10'000);
    StartServer();
    // What a table of a shop has: text with commas, quotes, line breaks and other alphabets, arrays, truths, zones,
    // NULL.
    postgres_.Run(R"(
      CREATE TABLE events (id serial, scene text, "user" text, item bigint, price numeric(8, 2),
                           tags text[], click boolean, spend double precision, at timestamptz);
      INSERT INTO events (scene, "user", item, price, tags, click, spend, at)
      SELECT CASE WHEN i % 5 = 0 THEN 'outlet' ELSE 'shop' END,
             CASE i % 4 WHEN 0 THEN E'O''Neil, "Ann"\nline' WHEN 1 THEN 'Łódź' WHEN 2 THEN NULL ELSE 'u' || i END,
             9000000000000000000 + i, i / 8.0, ARRAY['new', 'x' || i % 3],
             CASE WHEN i % 3 = 0 THEN NULL ELSE i % 2 = 0 END, CASE WHEN i % 2 = 0 THEN i / 7.0 END,
             timestamptz '2026-01-01 00:00:00.25+02' + i * interval '1 second'
      FROM generate_series(1, 3000) AS i;)");
  }

  // COPY (...) TO STDOUT | polyscene stream -
  nlohmann::json Stream(const std::string& query, const std::string& flags, int expected_status) {
    const std::string out = (directory_.path() / "out").string(), error = (directory_.path() / "error").string();
    const std::string copy = postgres_.Psql(absl::StrCat("COPY (", query, ") TO STDOUT WITH (FORMAT csv, HEADER)"));
    const int status = std::system(absl::StrCat(copy, " | ", POLYSCENE_PROGRAM, " stream - --json --server ",
                                                server_->address(), " ", flags, " >", out, " 2>", error)
                                       .c_str());
    error_ = Content(error);
    EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : -1, expected_status) << error_;
    return nlohmann::json::parse(Content(out));
  }

  static std::string Content(const std::string& path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

  Postgres postgres_;
  std::string error_;
};

constexpr char kColumns[] = R"(scene, "user", item, price, array_to_string(tags, '|') AS tags, click, spend, at)";

TEST_F(PostgresSourceTest, EveryRowOfATableIsLearned) {
  const nlohmann::json summary = Stream(absl::StrCat("SELECT ", kColumns, " FROM events ORDER BY at"), "", 0);

  EXPECT_EQ(summary["rows_accepted"], 3000);
  EXPECT_EQ(summary["rows_rejected"], 0);
  EXPECT_EQ(GetStatus().events_learned(), 3000);
}

TEST_F(PostgresSourceTest, ATableOfOneSceneNeedsNoColumnOfIt) {
  const nlohmann::json summary =
      Stream("SELECT item, click, at FROM events WHERE scene = 'outlet'", "--scene outlet", 0);
  EXPECT_EQ(summary["rows_accepted"], 600);
  EXPECT_THAT(MetricsText(), HasSubstr("polyscene_events_learned_total{scene=\"outlet\"} 600\n"));
}

TEST_F(PostgresSourceTest, RowsThatDoNotFitAreKeptAsTheDatabaseWroteThem) {
  postgres_.Run("UPDATE events SET item = NULL WHERE id = 7; UPDATE events SET spend = 'NaN' WHERE id = 8;");
  const std::string rejected = (directory_.path() / "rejected.csv").string();

  const nlohmann::json summary = Stream(absl::StrCat("SELECT ", kColumns, ", id FROM events ORDER BY id"),
                                        absl::StrCat("--rejected ", rejected), 1);

  EXPECT_EQ(summary["rows_accepted"], 2998);
  EXPECT_THAT(Content(rejected),
              AllOf(HasSubstr("standard input,"), HasSubstr(",missing_value,"), HasSubstr(",not_finite,"),
                    HasSubstr("line\",9000000000000000008,1.00,new|x2,")));
}

TEST_F(PostgresSourceTest, WithoutAHeaderNothingIsSent) {
  const std::string copy = postgres_.Psql("COPY events TO STDOUT WITH (FORMAT csv)");
  const std::string error = (directory_.path() / "error").string();
  const int status = std::system(
      absl::StrCat(copy, " | ", POLYSCENE_PROGRAM, " stream - --server ", server_->address(), " 2>", error).c_str());
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_THAT(Content(error),
              AllOf(HasSubstr("standard input:1: "), HasSubstr("the header does not have"), HasSubstr("'item'")));
  EXPECT_EQ(GetStatus().events_accepted(), 0);
}

}  // namespace
}  // namespace polyscene
