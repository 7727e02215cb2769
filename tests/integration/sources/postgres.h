// A PostgreSQL server of the test's own.
#pragma once

#include <string>

#include "tests/support/temp_directory.h"

namespace polyscene {

// Debian's PostgreSQL on a fresh cluster in a temporary directory, reached by a Unix socket there alone. It refuses to
// run as root: then it runs as the user "postgres", which its package creates.
class Postgres {
 public:
  Postgres();
  ~Postgres();  // Stops it.
  Postgres(const Postgres&) = delete;
  Postgres& operator=(const Postgres&) = delete;

  // Why it does not run here, such as that it is not installed; empty: it runs.
  const std::string& why_not() const { return why_not_; }

  // The command that runs `sql` as its superuser, for a shell.
  std::string Psql(const std::string& sql) const;

  // Runs SQL; fails the test on an error.
  void Run(const std::string& sql) const;

 private:
  int Shell(const std::string& command) const;  // As the server's user.

  TempDirectory directory_;
  std::string programs_;  // Folder of initdb and pg_ctl.
  std::string as_user_;   // Put before a command.
  std::string why_not_;
  bool started_ = false;
};

}  // namespace polyscene
