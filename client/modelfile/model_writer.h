// A proposed model file as its text, with the reasons beside what they are for.
#pragma once

#include <string>
#include <vector>

#include "client/modelfile/proposal.h"

namespace polyscene {

// What only the user can know, against the text: "in line 34 write ...".
struct Edit {
  struct Line {
    int number = 0;  // Of the text, from 1.
    std::string text;
  };
  std::string what;
  std::vector<Line> now;             // The lines that it is about; none: the answer is no change of a line.
  std::vector<std::string> instead;  // The lines to put in their place; none: see `what`.
};

struct WrittenModel {
  std::string text;
  std::vector<Edit> edits;
};

// `events`: the table's path, as a user would type it; for the commands in the text.
WrittenModel WriteModel(const Proposal& proposal, const TableSample& sample, const TableGuess& guess,
                        const std::string& events);

}  // namespace polyscene
