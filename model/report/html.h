// Text in HTML.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace polyscene {

// `text` as it is safe between tags and within quoted attributes, whatever somebody named a task or a file: markup is
// escaped, what is no UTF-8 or no character of HTML becomes U+FFFD.
std::string EscapeHtml(absl::string_view text);

}  // namespace polyscene
