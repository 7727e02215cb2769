#include "tests/faults/crash_model.h"

#include "absl/strings/str_cat.h"

namespace polyscene {
namespace {

constexpr uint64_t kBadEvery = 11;

// SplitMix64: the same numbers on every machine.
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

int BadRow(const v1::EventBatch& batch) { return batch.sequence() % kBadEvery == 0 && batch.rows() > 1 ? 0 : -1; }

// Small items come often, large ones seldom.
int64_t Item(uint64_t random) {
  const uint64_t level = 8 + random % 12;
  return static_cast<int64_t>(Mix(random) % (uint64_t{1} << level));
}

}  // namespace

const char* CrashModelText() {
  return R"(
name: "crash"
features { name: "user" side: CONTEXT type: STRING personal: true encode { hash { embedding { dimension: 4 } } } }
features { name: "visits" side: CONTEXT type: FLOAT required: true encode { numeric { log1p: true } } }
features { name: "recent" side: CONTEXT type: INT64 sequence { pooling: MEAN }
  encode { hash { embedding { dimension: 4 table: "item" } } } }
features { name: "item" side: CANDIDATE type: INT64 required: true
  encode { hash { embedding { dimension: 4 table: "item" } } } }
features { name: "price" side: CANDIDATE type: FLOAT encode { numeric {} } }
scenes {
  name: "shop" tasks: "click" tasks: "spend"
  features: "user" features: "visits" features: "recent" features: "item" features: "price"
}
scenes { name: "search" tasks: "click" tasks: "buy" features: "user" features: "visits" features: "item" }
tasks { name: "click" binary {} attribution_window_seconds: 36000 }
tasks { name: "buy" binary {} }
tasks { name: "spend" regression {} attribution_window_seconds: 36000 }
network { shared_bottom { hidden: 16 hidden: 8 } }
learning {
  step_rows: 32 step_wait_seconds: 0.02 publish_interval_seconds: 0.05 checkpoint_interval_seconds: 0.5
  evaluation_window_rows: 2000
}
serving { latency_target_seconds: 10 }  # However busy the machine is, the trainer comes to its fault points.
)";
}

v1::EventBatch CrashBatch(int producer, uint64_t sequence) {
  const uint64_t seed = Mix(Mix(static_cast<uint64_t>(producer)) + sequence);
  const bool shop = seed % 3 != 0;
  v1::EventBatch batch;
  batch.set_sequence(sequence);
  batch.set_scene(shop ? "shop" : "search");
  batch.set_rows(1 + Mix(seed) % 24);
  v1::Column* user = batch.add_columns();
  user->set_name("user");
  v1::Column* visits = batch.add_columns();
  visits->set_name("visits");
  v1::Column* item = batch.add_columns();
  item->set_name("item");
  v1::Column* recent = shop ? batch.add_columns() : nullptr;
  v1::Column* price = shop ? batch.add_columns() : nullptr;
  if (shop) recent->set_name("recent");
  if (shop) price->set_name("price");
  v1::Labels* click = batch.add_labels();
  click->set_task("click");
  v1::Labels* other = batch.add_labels();
  other->set_task(shop ? "spend" : "buy");
  const int bad = BadRow(batch);
  for (uint32_t row = 0; row < batch.rows(); ++row) {
    const uint64_t random = Mix(seed + 1000 + row);
    user->add_strings(absl::StrCat("user", random % 500));
    visits->add_floats(static_cast<float>(random % 97));
    item->add_ints(Item(random));
    click->add_values(static_cast<int>(row) == bad ? 7.0f : static_cast<float>(random % 5 == 0));
    other->add_values(shop ? static_cast<float>(random % 1000) / 100 : static_cast<float>(random % 9 == 0));
    batch.add_event_times_micros(static_cast<int64_t>(1'700'000'000'000'000 + sequence * 1'000'000 + row));
    if (!shop) continue;
    recent->add_lengths(random % 3);
    for (uint64_t i = 0; i < random % 3; ++i) recent->add_ints(Item(random + i));
    price->add_floats(static_cast<float>(random % 10000) / 100);
  }
  return batch;
}

int64_t GoodRows(const v1::EventBatch& batch) { return batch.rows() - (BadRow(batch) < 0 ? 0 : 1); }

std::vector<int64_t> GoodItems(const v1::EventBatch& batch) {
  std::vector<int64_t> items(batch.columns(2).ints().begin(), batch.columns(2).ints().end());
  if (BadRow(batch) >= 0) items.erase(items.begin() + BadRow(batch));
  return items;
}

v1::PredictRequest RequestToRemember(uint64_t number) {
  const uint64_t seed = Mix(0x5eed + number);
  v1::PredictRequest request;
  request.set_scene("shop");
  request.set_request_id(RequestName(number));
  request.set_remember(true);
  request.set_wait_until_remembered(true);
  v1::Column* user = request.add_context();
  user->set_name("user");
  user->add_strings(absl::StrCat("user", seed % 500));
  v1::Column* visits = request.add_context();
  visits->set_name("visits");
  visits->add_floats(static_cast<float>(seed % 97));
  v1::Column* item = request.add_candidates();
  item->set_name("item");
  for (int row = 0; row < kRememberedRows; ++row) item->add_ints(Item(Mix(seed + row)));
  return request;
}

std::string RequestName(uint64_t number) { return absl::StrCat("request-", number); }

v1::ExposureBatch ExposuresOf(uint64_t number) {
  v1::ExposureBatch batch;
  v1::Exposure* exposure = batch.add_exposures();
  exposure->set_request_id(RequestName(number));
  for (uint32_t row = 0; row + 1 < kRememberedRows; ++row) exposure->add_rows(row);
  return batch;
}

v1::LabelBatch LabelsOf(uint64_t number, const std::string& task) {
  v1::LabelBatch batch;
  batch.add_request_ids(RequestName(number));
  v1::Labels* labels = batch.add_labels();
  labels->set_task(task);
  for (uint32_t row = 0; row < kRememberedRows; ++row) {
    batch.add_request(0);
    batch.add_row(row);
    labels->add_values(LateLabel(number, static_cast<int>(row), task));
  }
  return batch;
}

float LateLabel(uint64_t number, int row, const std::string& task) {
  const uint64_t random = Mix(number * kRememberedRows + static_cast<uint64_t>(row));
  return task == "click" ? static_cast<float>(random % 4 == 0) : static_cast<float>(random % 800) / 100;
}

std::vector<v1::PredictRequest> CrashRequests() {
  std::vector<v1::PredictRequest> requests;
  for (int number = 0; number < 6; ++number) {
    const bool shop = number % 2 == 0;
    v1::PredictRequest request;
    request.set_scene(shop ? "shop" : "search");
    v1::Column* user = request.add_context();
    user->set_name("user");
    user->add_strings(absl::StrCat("user", number));
    v1::Column* visits = request.add_context();
    visits->set_name("visits");
    visits->add_floats(static_cast<float>(number));
    if (shop) {
      v1::Column* recent = request.add_context();
      recent->set_name("recent");
      recent->add_lengths(2);
      recent->add_ints(1);
      recent->add_ints(300);
    }
    v1::Column* item = request.add_candidates();
    item->set_name("item");
    for (int64_t id = 0; id < 64; ++id) item->add_ints(id * id * (1 + number));
    if (shop) {
      v1::Column* price = request.add_candidates();
      price->set_name("price");
      for (int64_t id = 0; id < 64; ++id) price->add_floats(static_cast<float>(id));
    }
    requests.push_back(std::move(request));
  }
  return requests;
}

}  // namespace polyscene
