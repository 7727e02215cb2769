// The one table of everything on /metrics.
#pragma once

#include <vector>

#include "absl/strings/string_view.h"

namespace polyscene {

enum SeriesId {
  kPredictTotal,
  kPredictSeconds,
  kPredictRowsTotal,
  kPredictTargetSeconds,
  kQueueRows,
  kQueueBytes,
  kBatchRows,
  kBatchRowLimit,
  kEventsAcceptedTotal,
  kEventsRejectedTotal,
  kEventsLearnedTotal,
  kLogEndOffset,
  kLogBytes,
  kLogFull,
  kLogBroken,
  kLearnedOffset,
  kJoinerRequests,
  kJoinerBytes,
  kJoinerWaitingRows,
  kJoinerRememberTotal,
  kJoinerJoinedTotal,
  kJoinerRepeatedTotal,
  kJoinerCorrectedTotal,
  kJoinerAssumedTotal,
  kJoinerExpiredTotal,
  kFreshnessSeconds,
  kPublishTotal,
  kPublishSeconds,
  kModelVersion,
  kCheckpointTotal,
  kCheckpointSeconds,
  kCheckpointCorruptTotal,
  kTrainerHealthy,
  kLearningPaused,
  kTrainerShare,
  kTrainerStoodBackSecondsTotal,
  kTrainerSeenP99Seconds,
  kTaskAuc,
  kTaskLoss,
  kTaskFadingLoss,
  kTaskCalibration,
  kTaskLossWeight,
  kTaskGradientNorm,
  kTaskGradientCosine,
  kSceneGradientNorm,
  kSceneGradientCosine,
  kTaskDrift,
  kTaskDriftAlarmsTotal,
  kEmbeddingRows,
  kEmbeddingWaitingIds,
  kEmbeddingExpiredTotal,
  kEmbeddingEvictedTotal,
  kMemoryBytes,
  kUptimeSeconds,
  kBuildInfo,
  kSeriesCount,
};

enum class SeriesKind { kCounter, kGauge, kHistogram };

struct SeriesDeclaration {
  SeriesId id;
  SeriesKind kind;
  const char* name;
  const char* help;
  const std::vector<double>* buckets;  // Upper bounds of a histogram; null for the others.
};

// [kSeriesCount], in the order of SeriesId.
const std::vector<SeriesDeclaration>& SeriesTable();

}  // namespace polyscene
