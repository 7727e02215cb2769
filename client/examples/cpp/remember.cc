// Ranks three items for one user and lets the server remember exactly what it scored; says which two were shown; and
// sends the labels later, without any feature. For a server that runs deploy/models/marketplace.textproto:
//   remember_and_label [HOST:PORT]
#include <algorithm>
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

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return EXIT_FAILURE;
}

int main(int argc, char** argv) {
  const std::string server = argc > 1 ? argv[1] : "127.0.0.1:50051";
  // An id of a request is given once; this producer and its requests are new ones each time.
  const std::string producer = "example-" + std::to_string(absl::ToUnixMicros(absl::Now()));
  v1::PredictRequest request;
  request.set_scene("recommendation");
  request.set_request_id(producer + "/1");
  request.set_remember(true);
  v1::Column* const user = request.add_context();
  user->set_name("user_id");
  user->add_ints(17);
  v1::Column* const item = request.add_candidates();
  item->set_name("item_id");
  for (const int64_t id : {500013, 500221, 500007}) item->add_ints(id);
  v1::Column* const price = request.add_candidates();
  price->set_name("price");
  for (const float euros : {19.9f, 4.5f, 240.0f}) price->add_floats(euros);
  ClientOptions client_options;
  client_options.server = server;
  Client client(client_options);
  const absl::StatusOr<v1::PredictResponse> answer = client.Predict(request);
  if (!answer.ok()) return Fail(answer.status());
  std::vector<uint32_t> rows = {0, 1, 2};
  std::sort(rows.begin(), rows.end(), [&](int a, int b) { return answer->ranking(a) > answer->ranking(b); });

  EventStreamOptions stream_options;
  stream_options.server = server;
  stream_options.producer_id = producer;
  EventStream stream(stream_options);
  v1::ExposureBatch exposures;  // The best two fitted on the page: only these wait for labels from now on.
  v1::Exposure* const shown = exposures.add_exposures();
  shown->set_request_id(request.request_id());
  for (uint32_t position = 1; position <= 2; ++position) {
    shown->add_rows(rows[position - 1]);
    shown->add_positions(position);
  }
  if (const auto sent = stream.Send(std::move(exposures)); !sent.ok()) return Fail(sent.status());

  v1::LabelBatch labels;  // Perhaps days later: what became of each, by request and row.
  labels.add_request_ids(request.request_id());
  v1::Labels* const click = labels.add_labels();
  click->set_task("click");
  for (int shown_as = 0; shown_as < 2; ++shown_as) {
    labels.add_request(0);
    labels.add_row(rows[shown_as]);
    click->add_values(shown_as == 0 ? 1.0f : 0.0f);
  }
  if (const auto sent = stream.Send(std::move(labels)); !sent.ok()) return Fail(sent.status());
  const absl::Status learned = stream.Finish(Milestone::kLearned, absl::Now() + absl::Seconds(60));
  if (!learned.ok()) return Fail(learned);
  std::printf("accepted %ld rows\n", stream.progress().rows_accepted);  // Two exposures and two labels.
  for (const RejectedEvent& row : stream.TakeRejected()) {
    std::printf("refused row %u of batch %lu: %s\n", row.row, row.sequence, row.message.c_str());
  }
  return EXIT_SUCCESS;
}
