// Named places where a test may end the process as a crash would.
#pragma once

#include "absl/strings/string_view.h"

namespace polyscene {

// Every fault point there is, for a harness that wants to reach each.
inline constexpr const char* kFaultPoints[] = {
    "log.write",            // Before a group of records is written and synced,
    "log.written",          // and after, before anybody is told.
    "journal.write",        // Before a step's range is journaled,
    "journal.written",      // and after, before it is learned.
    "step.learned",         // After a step, before anything tells of it.
    "checkpoint.write",     // Before a checkpoint's first byte,
    "checkpoint.half",      // with some of it written,
    "checkpoint.written",   // before its files are synced,
    "checkpoint.synced",    // before it is read back,
    "checkpoint.verified",  // before it is renamed,
    "checkpoint.renamed",   // before the name is durable,
    "checkpoint.retire",    // before old checkpoints and records go,
    "checkpoint.retired",   // and after.
    "publish.reserve",      // Before version numbers are reserved,
    "publish.swap",         // before the snapshot is served,
    "publish.swapped",      // and after.
    "joiner.sweep",         // Before closed windows are looked for,
    "joiner.swept",         // and after what they gave is durable.
};

// Ends the process with SIGKILL where the environment variable POLYSCENE_FAULT is "NAME@COUNT" and this is the COUNT-th
// time that the point NAME is passed. Otherwise does nothing, at the price of one load. Any thread. `name`: of the list
// above.
void FaultPoint(absl::string_view name);

}  // namespace polyscene
