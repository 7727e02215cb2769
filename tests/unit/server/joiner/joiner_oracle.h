// What the joiner is to do, said in the simplest way: everything in memory, looked at from the front each time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/unit/server/joiner/joiner_fixture.h"

namespace polyscene {

// Of scene "shop" of JoinerModel(), tasks click, buy and spend. Times in seconds.
class JoinerOracle {
 public:
  struct LabelRow {
    std::string request;
    uint32_t row = 0;
    std::map<std::string, float> labels;
    std::optional<int64_t> time;
    float weight = 1;
  };
  struct ExposureRows {
    std::string request;
    std::vector<uint32_t> rows;
    std::optional<int64_t> time;
  };
  struct Outcome {
    std::vector<std::pair<uint32_t, std::string>> refused;
    std::vector<LoggedRow> logged;
  };

  explicit JoinerOracle(int64_t label_wait) : label_wait_(label_wait) {}

  void SetClock(int64_t now) { now_ = std::max(now_, now); }
  void SetLabelWait(int64_t label_wait) { label_wait_ = label_wait; }  // Of what begins to wait from now on.
  Outcome Remember(const std::string& id, uint32_t rows, int64_t event, bool replayed);
  Outcome Labels(const std::vector<LabelRow>& rows);
  Outcome Expose(const ExposureRows& exposure);
  Outcome Sweep();  // Rows in no particular order.

  size_t requests() const { return requests_.size(); }
  size_t waiting_rows() const;
  uint64_t repeated = 0, corrected = 0, assumed = 0, expired = 0;
  uint64_t waited_again = 0;  // Requests that were waited for, joined, forgotten and waited for again.

 private:
  struct Known {
    float value = 0;
    float weight = 1;
  };
  struct Request {
    uint32_t rows = 0;
    int64_t event = 0;
    int64_t begins = 0;  // Its window for being kept: of a replay, when that stood further already.
    bool replayed = false;
    std::vector<uint32_t> exposed;
    std::map<std::pair<uint32_t, std::string>, Known> labels;
  };
  // One batch's rows for one request, or an exposure.
  struct Waiting {
    int64_t until = 0;
    std::vector<LabelRow> labels;
    std::optional<ExposureRows> exposure;
  };

  void Wait(const std::string& id, Waiting waiting);
  // The reason why the row is refused; empty: it is not.
  std::string LabelOne(Request& request, const LabelRow& row, std::vector<LoggedRow>* logged);
  std::vector<std::pair<uint32_t, std::string>> ExposeOne(Request& request, const ExposureRows& exposure);

  int64_t label_wait_;
  int64_t now_ = 0;
  int64_t replay_ = 0;
  std::map<std::string, Request> requests_;
  std::map<std::string, std::vector<Waiting>> waiting_;
  std::map<std::string, int64_t> joined_until_;  // Until when what was joined would have waited, by request.
};

}  // namespace polyscene
