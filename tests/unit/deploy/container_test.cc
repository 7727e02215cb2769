// The container files fit the programs and each other. No container engine is asked.
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "server/config/address.h"
#include "server/config/settings.h"
#include "tests/integration/marketplace/programs.h"

namespace polyscene {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

std::string ReadFile(const std::string& path) {
  std::ifstream file(absl::StrCat(POLYSCENE_SOURCE_DIR, "/", path));
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// What the pattern's group matches, every time.
std::vector<std::string> FindAll(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern, std::regex::ECMAScript | std::regex::multiline);
  std::vector<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end; ++it) found.push_back((*it)[1]);
  return found;
}

// The words of an instruction of the last stage, e.g. CMD ["a", "b"].
std::vector<std::string> Words(const std::string& dockerfile, const std::string& instruction) {
  const std::vector<std::string> lists = FindAll(dockerfile, absl::StrCat(instruction, R"( (\[.*\])$)"));
  if (lists.size() != 1) {
    ADD_FAILURE() << "one " << instruction << " expected, got " << lists.size();
    return {};
  }
  return nlohmann::json::parse(lists[0]);
}

class DockerfileTest : public ::testing::Test {
 protected:
  const std::string dockerfile_ = ReadFile("Dockerfile");
  const std::vector<std::string> ports_ = absl::StrSplit(FindAll(dockerfile_, "^EXPOSE (.*)$").at(0), ' ');
};

TEST_F(DockerfileTest, StartsTheServerWithFlagsThatItTakes) {
  std::vector<std::string> words = Words(dockerfile_, "^ENTRYPOINT");
  for (const std::string& word : Words(dockerfile_, "^CMD")) {
    words.push_back(absl::StrReplaceAll(word, {{"/usr/local/share/polyscene/", POLYSCENE_SOURCE_DIR "/deploy/"}}));
  }
  ASSERT_EQ(words[0], "polyscene-server");
  std::vector<const char*> arguments;
  for (const std::string& word : words) arguments.push_back(word.c_str());

  const auto settings = ReadSettings(static_cast<int>(arguments.size()), arguments.data());

  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->data_dir, FindAll(dockerfile_, "^VOLUME (.*)$").at(0));
  std::vector<std::string> ports;
  for (const std::string& listen : {settings->config.listen(), settings->config.metrics_listen()}) {
    const auto address = ParseHostPort(listen);
    ASSERT_TRUE(address.ok()) << address.status();
    EXPECT_FALSE(address->IsLoopback()) << "the container's loopback is not published";
    ports.push_back(absl::StrCat(address->port));
  }
  EXPECT_EQ(ports, ports_);
}

TEST_F(DockerfileTest, RunsAsNobodyInParticularAndTellsItsHealth) {
  EXPECT_THAT(FindAll(dockerfile_, "^USER (.*)$"), ::testing::ElementsAre(Not("0")));
  const std::vector<std::string> health = Words(dockerfile_, "^HEALTHCHECK.* CMD");
  ASSERT_EQ(health[0], "polyscene");
  std::vector<std::string> help = {POLYSCENE_PROGRAM};
  help.insert(help.end(), health.begin() + 1, health.end());
  help.push_back("--help");
  const ProgramResult result = RunProgram(help);
  EXPECT_EQ(result.exit_status, 0) << result.error;
  EXPECT_THAT(result.out, HasSubstr("Usage: polyscene health"));
}

TEST_F(DockerfileTest, IsGivenWhatItBuilds) {
  const std::vector<std::string> allowed = FindAll(ReadFile(".dockerignore"), "^!(.*)$");
  std::vector<std::string> needed = FindAll(ReadFile("CMakeLists.txt"), R"(^add_subdirectory\((\w+)\))");
  needed.insert(needed.end(), {"CMakeLists.txt", "CMakePresets.json", "deploy"});
  EXPECT_THAT(allowed, IsSupersetOf(needed));
  for (const std::string& path : allowed) {
    EXPECT_TRUE(std::filesystem::exists(absl::StrCat(POLYSCENE_SOURCE_DIR, "/", path))) << path;
  }
  for (const std::string& script : FindAll(dockerfile_, R"(\b(deploy/[\w/-]+\.sh)\b)")) {
    EXPECT_TRUE(std::filesystem::exists(absl::StrCat(POLYSCENE_SOURCE_DIR, "/", script))) << script;
  }
  for (const std::string& argument : FindAll(dockerfile_, "-D(POLYSCENE_[A-Z]+)=")) {
    EXPECT_THAT(ReadFile("CMakeLists.txt") + ReadFile("deploy/cmake/FindTorch.cmake"), HasSubstr(argument + " "));
  }
}

TEST(RuntimePackagesTest, AreThoseWhoseLibrariesAProgramLoads) {
  if (!std::filesystem::exists("/usr/bin/dpkg-query")) GTEST_SKIP() << "not a Debian";
  const std::string script = absl::StrCat(POLYSCENE_SOURCE_DIR, "/deploy/container/runtime-packages.sh");
  const ProgramResult result = RunProgram({"/bin/bash", script, POLYSCENE_PROGRAM});
  ASSERT_EQ(result.exit_status, 0) << result.error;
  const std::vector<std::string> packages = absl::StrSplit(result.out, '\n', absl::SkipEmpty());
  EXPECT_THAT(packages, Contains(StartsWith("libgrpc++")));
  EXPECT_THAT(packages, Contains(StartsWith("libprotobuf")));
  EXPECT_THAT(packages, Contains("libc6"));
  EXPECT_THAT(packages, Each(Not(EndsWith("-dev"))));

  EXPECT_EQ(RunProgram({"/bin/bash", script}).exit_status, 2);
  EXPECT_NE(RunProgram({"/bin/bash", script, "/nowhere/polyscene-server"}).exit_status, 0);
}

class ComposeTest : public DockerfileTest {
 protected:
  const std::string compose_ = ReadFile("deploy/compose.yaml");
  const std::vector<std::string> services_ = FindAll(compose_.substr(0, compose_.find("\nvolumes:")), "^  ([a-z]+):$");
};

TEST_F(ComposeTest, PublishesOnThisMachineAloneWhatTheImageListensOn) {
  std::vector<std::string> published;
  for (const std::string& port : FindAll(compose_, R"re(^      - "([\d.:]+)"$)re")) {
    const std::vector<std::string> parts = absl::StrSplit(port, ':');
    ASSERT_EQ(parts.size(), 3u) << port;
    EXPECT_EQ(parts[0], "127.0.0.1") << port;
    published.push_back(parts[2]);
  }
  EXPECT_THAT(published, UnorderedElementsAre(ports_[0], ports_[1], "9090"));
}

TEST_F(ComposeTest, PrometheusScrapesTheServerByItsServiceName) {
  EXPECT_THAT(services_, UnorderedElementsAre("polyscene", "prometheus"));
  const std::string config = ReadFile("deploy/prometheus/compose.yml");
  EXPECT_THAT(FindAll(config, R"re(targets: \["(.*)"\])re"),
              ::testing::ElementsAre(absl::StrCat("polyscene:", ports_[1])));
  EXPECT_THAT(compose_, HasSubstr("./prometheus:/etc/prometheus:ro"));
  EXPECT_THAT(compose_, HasSubstr("--config.file=/etc/prometheus/compose.yml"));

  // In all else it is the plain case's.
  const auto settings_of = [](const std::string& text) {
    std::vector<std::string> lines;
    for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
      if (absl::StartsWith(line, "#") || absl::StrContains(line, "targets:")) continue;
      lines.emplace_back(line.substr(0, line.find("  #")));
    }
    return lines;
  };
  EXPECT_EQ(settings_of(config), settings_of(ReadFile("deploy/prometheus/prometheus.yml")));
}

TEST_F(ComposeTest, ItsModelsAreThisFoldersAndItsDataIsTheImagesVolume) {
  EXPECT_THAT(compose_, HasSubstr("./models:/models:ro"));
  const std::vector<std::string> model = FindAll(compose_, R"(/models/\$\{POLYSCENE_MODEL:-(\w+)\}\.textproto)");
  ASSERT_EQ(model.size(), 1u);
  EXPECT_TRUE(std::filesystem::exists(absl::StrCat(POLYSCENE_SOURCE_DIR, "/deploy/models/", model[0], ".textproto")));
  EXPECT_THAT(compose_, HasSubstr("- data:" + FindAll(dockerfile_, "^VOLUME (.*)$").at(0)));
  EXPECT_THAT(dockerfile_, HasSubstr("ARG LIBTORCH_URL"));
  EXPECT_THAT(compose_, HasSubstr("LIBTORCH_URL: ${LIBTORCH_URL:-}"));
}

}  // namespace
}  // namespace polyscene
