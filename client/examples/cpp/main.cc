// Ranks three items for one user, tells the server what the user did, and waits until that is learned. For a server
// that runs deploy/models/marketplace.textproto:   rank_and_learn [HOST:PORT]
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "polyscene/client/client.h"
#include "polyscene/client/event_stream.h"

namespace v1 = polyscene::v1;
using namespace polyscene::client;

const std::vector<int64_t> kItems = {500013, 500221, 500007};
const std::vector<float> kPrices = {19.9f, 4.5f, 240.0f};

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return EXIT_FAILURE;
}

// The items' columns: one a feature, with a value for every row.
void AddItems(google::protobuf::RepeatedPtrField<v1::Column>* columns) {
  v1::Column* const item = columns->Add();
  item->set_name("item_id");
  item->mutable_ints()->Add(kItems.begin(), kItems.end());
  v1::Column* const price = columns->Add();
  price->set_name("price");
  price->mutable_floats()->Add(kPrices.begin(), kPrices.end());
}

int main(int argc, char** argv) {
  const std::string server = argc > 1 ? argv[1] : "127.0.0.1:50051";
  ClientOptions client_options;
  client_options.server = server;
  client_options.timeout = absl::Seconds(10);  // Of a call with all its tries, should the server be starting or full.
  Client client(client_options);
  v1::PredictRequest request;
  request.set_scene("recommendation");
  v1::Column* const user = request.add_context();  // One row of context; the candidates have a row each.
  user->set_name("user_id");
  user->add_ints(17);
  AddItems(request.mutable_candidates());
  const absl::StatusOr<v1::PredictResponse> answer = client.Predict(request);
  if (!answer.ok()) return Fail(answer.status());
  std::vector<int> rows = {0, 1, 2};
  std::sort(rows.begin(), rows.end(), [&](int a, int b) { return answer->ranking(a) > answer->ranking(b); });
  for (const int row : rows) std::printf("item %ld ranking %.6f\n", kItems[row], answer->ranking(row));

  // The best item was clicked, the others were not. The stream reconnects and resumes by itself; a producer that keeps
  // its name gives the same batches again after a restart. These events are new ones, so their producer is, too.
  EventStreamOptions stream_options;
  stream_options.server = server;
  stream_options.producer_id = "example-" + std::to_string(absl::ToUnixMicros(absl::Now()));
  EventStream stream(stream_options);
  v1::EventBatch events;
  events.set_scene("recommendation");
  events.set_rows(3);
  v1::Column* const users = events.add_columns();
  users->set_name("user_id");
  users->mutable_ints()->Resize(3, 17);
  AddItems(events.mutable_columns());
  v1::Labels* const click = events.add_labels();
  click->set_task("click");
  click->mutable_values()->Resize(3, 0);
  click->set_values(rows[0], 1);
  if (const auto sequence = stream.Send(std::move(events)); !sequence.ok()) return Fail(sequence.status());
  const absl::Status learned = stream.Finish(Milestone::kLearned, absl::Now() + absl::Seconds(60));
  if (!learned.ok()) return Fail(learned);
  std::printf("learned %ld rows\n", stream.progress().rows_accepted);
  for (const RejectedEvent& row : stream.TakeRejected())
    std::printf("refused row %u: %s\n", row.row, row.message.c_str());
  return EXIT_SUCCESS;
}
