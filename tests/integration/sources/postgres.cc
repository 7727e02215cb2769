#include "tests/integration/sources/postgres.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"

namespace polyscene {
namespace {

namespace fs = std::filesystem;

// Debian keeps the server's programs of each version in a folder of its own, none of them on the path.
std::string FindPrograms() {
  std::error_code ignored;
  for (const fs::directory_entry& version : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    if (fs::exists(version.path() / "bin" / "initdb", ignored)) return (version.path() / "bin").string();
  }
  return "";
}

std::string ForShell(const std::string& text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"'", "'\\''"}}), "'");
}

}  // namespace

Postgres::Postgres() : programs_(FindPrograms()) {
  if (programs_.empty()) {
    why_not_ = "PostgreSQL is not installed";
    return;
  }
  if (geteuid() == 0) {
    const passwd* const user = getpwnam("postgres");
    if (user == nullptr || chown(directory_.path().c_str(), user->pw_uid, user->pw_gid) != 0) {
      why_not_ = "PostgreSQL does not run as root, and there is no user 'postgres'";
      return;
    }
    as_user_ = "runuser -u postgres -- ";
  }
  const std::string database = (directory_.path() / "db").string();
  const std::string log = (directory_.path() / "log").string();
  if (Shell(absl::StrCat(programs_, "/initdb -D ", database, " -U postgres -A trust -E UTF8 --locale=C --no-sync >",
                         log, ".initdb 2>&1")) != 0) {
    ADD_FAILURE() << "initdb failed, see " << log << ".initdb";
    return;
  }
  // Waits until it takes connections. No port: neither another server nor another user is in the way.
  const std::string options = absl::StrCat("-c listen_addresses= -k ", directory_.path().string(), " -F");
  started_ = Shell(absl::StrCat(programs_, "/pg_ctl -D ", database, " -l ", log, " -o ", ForShell(options),
                                " -w -t 60 start >/dev/null")) == 0;
  EXPECT_TRUE(started_) << std::ifstream(log).rdbuf();
}

Postgres::~Postgres() {
  if (started_) {
    Shell(absl::StrCat(programs_, "/pg_ctl -D ", (directory_.path() / "db").string(),
                       " -m immediate -w stop >/dev/null"));
  }
}

int Postgres::Shell(const std::string& command) const {
  // From a folder that the server's user may enter.
  return std::system(absl::StrCat("cd / && ", as_user_, "sh -c ", ForShell(command)).c_str());
}

std::string Postgres::Psql(const std::string& sql) const {
  return absl::StrCat("psql -X -q -v ON_ERROR_STOP=1 -h ", directory_.path().string(), " -U postgres -d postgres -c ",
                      ForShell(sql));
}

void Postgres::Run(const std::string& sql) const { EXPECT_EQ(std::system(Psql(sql).c_str()), 0) << sql; }

}  // namespace polyscene
