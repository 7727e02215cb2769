// The alert rules ask for series that the server exports, with labels that it gives them.
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/spec/model_spec.h"
#include "server/metrics/metrics.h"

namespace polyscene {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The lines of the metrics page that begin with `series`, without their values.
std::vector<std::string> LinesOf(const std::string& page, const std::string& series) {
  std::vector<std::string> lines;
  for (const absl::string_view line : absl::StrSplit(page, '\n')) {
    if (absl::StartsWith(line, series) && line.size() > series.size() &&
        (line[series.size()] == '{' || line[series.size()] == ' ')) {
      lines.emplace_back(line);
    }
  }
  return lines;
}

bool AnyContains(const std::vector<std::string>& lines, const std::string& text) {
  for (const std::string& line : lines) {
    if (absl::StrContains(line, text)) return true;
  }
  return false;
}

class PrometheusRulesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto spec = ModelSpec::Load(absl::StrCat(POLYSCENE_DEPLOY, "/models/marketplace.textproto"));
    ASSERT_TRUE(spec.ok()) << spec.status();
    page_ = Metrics(*spec).Text();
    rules_ = ReadFile(absl::StrCat(POLYSCENE_DEPLOY, "/prometheus/polyscene.rules.yml"));
  }

  std::string page_;
  std::string rules_;
};

TEST_F(PrometheusRulesTest, AskOnlyForWhatTheServerExports) {
  const std::regex selector(R"((polyscene_[a-z0-9_]+)(\{([^}]*)\})?)");
  const std::regex matcher(R"(([a-z_]+)(=~|!=|=)\"([^\"]*)\")");
  std::set<std::string> asked;
  for (std::sregex_iterator it(rules_.begin(), rules_.end(), selector), end; it != end; ++it) {
    const std::string series = (*it)[1], labels = (*it)[3];
    asked.insert(series);
    const std::vector<std::string> lines = LinesOf(page_, series);
    EXPECT_FALSE(lines.empty()) << "the server has no series " << series;
    for (std::sregex_iterator label(labels.begin(), labels.end(), matcher); label != end; ++label) {
      for (const absl::string_view value : absl::StrSplit((*label)[3].str(), '|')) {
        const std::string pair = absl::StrCat((*label)[1].str(), "=\"", value, "\"");
        EXPECT_TRUE(AnyContains(lines, pair)) << series << " never has " << pair;
      }
    }
  }
  EXPECT_GE(asked.size(), 12u);
}

TEST_F(PrometheusRulesTest, EveryAlertSaysWhatItMeansAndWhoCares) {
  int alerts = 0, expressions = 0, severities = 0, summaries = 0;
  for (const absl::string_view line : absl::StrSplit(rules_, '\n')) {
    alerts += absl::StrContains(line, "- alert: Polyscene");
    expressions += absl::StrContains(line, "expr: ");
    severities += absl::StrContains(line, "severity: page") || absl::StrContains(line, "severity: ticket");
    summaries += absl::StrContains(line, "summary: \"");
  }
  EXPECT_GE(alerts, 10);
  EXPECT_EQ(expressions, alerts);
  EXPECT_EQ(severities, alerts);
  EXPECT_EQ(summaries, alerts);
}

TEST(PrometheusConfigTest, ScrapesTheServersDefaultAddressAndFindsTheRules) {
  const std::string config = ReadFile(absl::StrCat(POLYSCENE_DEPLOY, "/prometheus/prometheus.yml"));
  EXPECT_THAT(config, ::testing::HasSubstr("127.0.0.1:9464"));
  EXPECT_THAT(config, ::testing::HasSubstr("polyscene.rules.yml"));
}

}  // namespace
}  // namespace polyscene
