// How good the order of one request's rows is.
#pragma once

#include "absl/types/span.h"

namespace polyscene {

// Normalized discounted cumulative gain of the first `k` rows by descending score (Järvelin and Kekäläinen, "Cumulated
// gain-based evaluation of IR techniques", ACM TOIS 20(4), 2002, with b = 2): the sum of gain / log2(1 + rank), over
// the largest sum that any order reaches. Gains count as they are; one below 0 or NaN counts as 0. Rows of one score
// count with the mean over their orders (McSherry and Najork, "Computing Information Retrieval Performance Measures
// Efficiently in the Presence of Tied Scores", ECIR 2008), so that all scores equal gives what a random order does. NaN
// where there is no gain. A NaN score comes last. k is at least 1.
double Ndcg(absl::Span<const float> scores, absl::Span<const float> gains, int k);

// 1 / the rank of the first row with a gain above 0; ties and NaN as above. NaN where there is none.
double ReciprocalRank(absl::Span<const float> scores, absl::Span<const float> gains);

}  // namespace polyscene
