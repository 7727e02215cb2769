// The simulated rows as lines of a CSV file that `polyscene stream` and `polyscene-train` read.
#pragma once

#include <string>

#include "client/simulator/simulated_row.h"

namespace polyscene::simulator {

struct CsvRowsOptions {
  bool labels = true;  // Without them a file is one of requests to be ranked.
  bool truth = false;  // Also p_click, p_purchase, p_churn: the probabilities that the binary labels were drawn with.
};

// event_time, scene, request_id, the features, the labels, the truth. No field needs quotes. Lines end with LF.
void AppendCsvHeader(const CsvRowsOptions& options, std::string& out);
void AppendCsvRow(const CsvRowsOptions& options, const SimulatedRow& row, std::string& out);

}  // namespace polyscene::simulator
