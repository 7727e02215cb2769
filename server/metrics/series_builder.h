// Makes the series that series_table.h declares.
#pragma once

#include <limits>

#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"
#include "server/metrics/series_table.h"

namespace polyscene {

inline constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

// The registry owns what is made.
class SeriesBuilder {
 public:
  explicit SeriesBuilder(prometheus::Registry& registry) : registry_(registry) {}

  prometheus::Counter& Counter(SeriesId id, const prometheus::Labels& labels) {
    const SeriesDeclaration& series = SeriesTable()[id];
    return prometheus::BuildCounter().Name(series.name).Help(series.help).Register(registry_).Add(labels);
  }
  prometheus::Gauge& Gauge(SeriesId id, const prometheus::Labels& labels, double value = 0) {
    const SeriesDeclaration& series = SeriesTable()[id];
    prometheus::Gauge& gauge =
        prometheus::BuildGauge().Name(series.name).Help(series.help).Register(registry_).Add(labels);
    gauge.Set(value);
    return gauge;
  }
  prometheus::Histogram& Histogram(SeriesId id, const prometheus::Labels& labels) {
    const SeriesDeclaration& series = SeriesTable()[id];
    return prometheus::BuildHistogram()
        .Name(series.name)
        .Help(series.help)
        .Register(registry_)
        .Add(labels, *series.buckets);
  }

 private:
  prometheus::Registry& registry_;
};

}  // namespace polyscene
