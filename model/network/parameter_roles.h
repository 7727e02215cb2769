// Whose a parameter is, by how the networks declare it.
#pragma once

#include "model/network/parameters.h"

namespace polyscene {

// Part of the towers and heads, which lead from what tasks share to their logits: named "tower." or "head." and more.
bool IsOfTower(const ParameterSpec& parameter);

// Learned by more than one task: it is before the towers and has no places of single tasks, as the gates of experts
// have.
bool IsShared(const ParameterSpec& parameter);

}  // namespace polyscene
