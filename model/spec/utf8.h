// UTF-8, as the Unicode Standard (chapter 3, table 3-7) has it.
#pragma once

#include <cstddef>

#include "absl/strings/string_view.h"

namespace polyscene {

// Offset of the first byte that is not well-formed UTF-8; text.size() if all is.
size_t FindInvalidUtf8(absl::string_view text);

}  // namespace polyscene
