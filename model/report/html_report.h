// A run of training as one page to read, send and print.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "model/evaluation/evaluation.h"
#include "model/report/comparison.h"

namespace polyscene {

// A value as training went on: (epochs done, value).
using Curve = std::vector<std::pair<double, double>>;

struct LossCurves {
  std::string name;  // A task's, or "joint".
  Curve train;       // Of the rows learned since the point before, each scored before it was learned.
  Curve test;        // Of the test rows.
};

struct TaskReliability {
  std::string task;
  std::vector<ReliabilityBin> bins;
};

// One model of the page.
struct ReportedModel {
  std::string path;
  std::string label;  // What pictures call it.
  std::string name;
  std::string text;  // The model file.
  std::string fingerprint;
  std::vector<LossCurves> losses;                                             // The joint one first.
  std::vector<std::pair<double, std::vector<EvaluationFigure>>> evaluations;  // By epochs done; the last one counts.
  std::vector<TaskReliability> reliability;                                   // Of the last.
};

struct ReportedFile {
  std::string use;  // "training rows", "test rows".
  std::string path;
  int64_t bytes = -1;  // -1: unknown.
};

// Everything a page tells. Nothing of it is trusted to be harmless as HTML.
struct HtmlReport {
  std::string title;
  std::string subtitle;                                    // When, with what.
  std::vector<std::pair<std::string, std::string>> facts;  // "rows learned", "525,940": the page's head.
  std::string command;
  std::vector<ReportedFile> files;
  std::vector<std::string> refused;  // A line each, of those that were told.
  int64_t refused_rows = 0;          // All of them.
  std::vector<ReportedModel> models;
  std::vector<ComparedModel> comparison;  // Empty: there is one model.
};

// A whole page that needs nothing from elsewhere and runs no script (its own policy forbids both), readable on a phone
// and on paper, in light and dark.
std::string RenderReport(const HtmlReport& report);

}  // namespace polyscene
