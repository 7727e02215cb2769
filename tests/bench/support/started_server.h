// Server programs that a bench starts, in a directory of its own.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "model/spec/model_spec.h"
#include "tests/faults/server_process.h"

namespace polyscene {

// Ended by the destructor.
class StartedServer {
 public:
  // Starts `program` with what `arguments` makes of the address that it is to listen on, and waits until it says that
  // it serves. Ends this program, and prints what that one said, where it does not.
  StartedServer(const std::filesystem::path& directory, const std::string& program,
                const std::function<std::vector<std::string>(const std::string& address)>& arguments);

  const std::string& address() const { return address_; }
  pid_t process() const { return process_->process(); }

 private:
  std::string address_;
  std::unique_ptr<ServerProcess> process_;
};

// polyscene-server with the model, which begins with the checkpoint where one is named. Its data is in
// `directory`/`name`.
StartedServer StartModelServer(const std::filesystem::path& directory, const std::string& name, const ModelSpec& spec,
                               const std::filesystem::path& checkpoint = {});

}  // namespace polyscene
