// The series that tell how tasks and scenes share the network.
#pragma once

#include <cstddef>
#include <vector>

#include "model/balance/balance_figures.h"
#include "model/spec/model_spec.h"
#include "server/metrics/series_builder.h"

namespace polyscene {

// Any thread may call any method; what it makes belongs to the builder's registry, which outlives it.
class BalanceSeries {
 public:
  BalanceSeries(SeriesBuilder& build, const ModelSpec& spec);

  void Set(const BalanceFigures& figures);

 private:
  struct GradientSeries {
    struct Pair {
      size_t place = 0;  // In GradientFigures::cosines.
      prometheus::Gauge* gauge = nullptr;
    };
    std::vector<prometheus::Gauge*> norms;
    std::vector<Pair> cosines;  // Each pair once, the one that the model file has first as the label before `other`.

    void Set(const GradientFigures& figures);
  };

  static GradientSeries MakeGradients(SeriesBuilder& build, SeriesId norm, SeriesId cosine, const char* label,
                                      const std::vector<std::string>& names);

  std::vector<prometheus::Gauge*> weights_;  // [tasks]
  GradientSeries tasks_;
  GradientSeries scenes_;
};

}  // namespace polyscene
