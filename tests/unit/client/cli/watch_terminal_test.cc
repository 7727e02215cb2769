// `polyscene watch` on a terminal: a real one, whose other end the test holds.
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client/status/screen.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "polyscene/v1/model_service.grpc.pb.h"
#include "tests/unit/client/lib/fake_training_service.h"
#include "tests/unit/client/status/statuses.h"

namespace polyscene::cli {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Tells the later shop's status once a stream and keeps the stream open.
class FakeModelService final : public v1::ModelService::Service {
 public:
  grpc::Status WatchStatus(grpc::ServerContext* context, const v1::WatchStatusRequest*,
                           grpc::ServerWriter<v1::GetStatusResponse>* writer) override {
    writer->Write(LaterShop());
    while (!context->IsCancelled()) std::this_thread::yield();
    return grpc::Status::CANCELLED;
  }
};

// The program on a terminal of its own.
class Watch {
 public:
  Watch(const std::string& server, unsigned short columns, unsigned short rows) {
    const winsize size = {.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    pid_ = forkpty(&terminal_, nullptr, nullptr, &size);
    if (pid_ == 0) {
      execl("/usr/bin/env", "env", "TERM=xterm", "LC_ALL=C", "NO_COLOR=1", POLYSCENE_PROGRAM, "watch", "--server",
            server.c_str(), nullptr);
      _exit(127);
    }
  }
  ~Watch() {
    if (pid_ > 0) kill(pid_, SIGKILL);
    close(terminal_);
    if (pid_ > 0) waitpid(pid_, nullptr, 0);
  }

  // Everything shown so far, once `text` was shown after what was read before.
  const std::string& ReadUntil(const std::string& text) {
    const size_t from = shown_.size();
    while (shown_.find(text, from) == std::string::npos && ReadSome()) {
    }
    EXPECT_THAT(shown_.substr(from), HasSubstr(text));
    return shown_;
  }

  void Type(const std::string& keys) { EXPECT_EQ(write(terminal_, keys.data(), keys.size()), ssize_t(keys.size())); }
  void Resize(unsigned short columns, unsigned short rows) {
    const winsize size = {.ws_row = rows, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    EXPECT_EQ(ioctl(terminal_, TIOCSWINSZ, &size), 0);
  }
  void Signal(int signal) { kill(pid_, signal); }

  // Everything shown, and how the program ended: as waitpid() tells it.
  std::pair<std::string, int> End() {
    while (ReadSome()) {
    }
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return {shown_, status};
  }

 private:
  bool ReadSome() {
    char bytes[4096];
    const ssize_t count = read(terminal_, bytes, sizeof(bytes));
    if (count > 0) shown_.append(bytes, count);
    return count > 0;
  }

  int terminal_ = -1;
  pid_t pid_ = -1;
  std::string shown_;
};

class WatchTerminalTest : public ::testing::Test {
 protected:
  FakeModelService service_;
  std::unique_ptr<TestServer> server_ = std::make_unique<TestServer>(std::vector<grpc::Service*>{&service_});
};

TEST_F(WatchTerminalTest, QEndsItAndTheTerminalIsAsItWas) {
  Watch watch(server_->address(), 80, 24);
  EXPECT_THAT(watch.ReadUntil("version 18"), StartsWith(EnterScreen()));
  watch.Type("xq");
  const auto [shown, status] = watch.End();
  EXPECT_THAT(shown, EndsWith(LeaveScreen()));
  EXPECT_THAT(shown, Not(HasSubstr("\x1b[1m")));  // NO_COLOR.
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(WatchTerminalTest, SignalsEndItAndTheTerminalIsAsItWas) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    Watch watch(server_->address(), 80, 24);
    watch.ReadUntil("version 18");
    watch.Signal(signal);
    const auto [shown, status] = watch.End();
    EXPECT_THAT(shown, EndsWith(LeaveScreen()));
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), signal);
  }
}

TEST_F(WatchTerminalTest, AResizeDrawsItAnewToFit) {
  Watch watch(server_->address(), 100, 30);
  watch.ReadUntil("since the watch began");
  watch.Resize(40, 10);
  watch.ReadUntil("... ");  // "... n more", which 30 rows had no need of.
  watch.Type("q");
  watch.End();
}

TEST_F(WatchTerminalTest, ALostServerIsToldAndFoundAgainWhileTheViewStays) {
  Watch watch(server_->address(), 100, 30);
  watch.ReadUntil("version 18");
  const int port = server_->port();
  server_.reset();
  watch.ReadUntil("LOST");
  watch.ReadUntil("version 18");
  server_ = std::make_unique<TestServer>(std::vector<grpc::Service*>{&service_}, port);
  watch.ReadUntil("serving");
  watch.Type("q");
  EXPECT_EQ(watch.End().second, 0);
}

TEST_F(WatchTerminalTest, AServerThatWasNeverThereIsWaitedFor) {
  const std::string address = server_->address();
  const int port = server_->port();
  server_.reset();
  Watch watch(address, 100, 30);
  watch.ReadUntil("NOT THERE");
  server_ = std::make_unique<TestServer>(std::vector<grpc::Service*>{&service_}, port);
  watch.ReadUntil("version 18");
}

}  // namespace
}  // namespace polyscene::cli
