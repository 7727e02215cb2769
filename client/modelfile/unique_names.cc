#include "client/modelfile/unique_names.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "model/spec/names.h"

namespace polyscene {

std::string UniqueNames::Make(absl::string_view wanted, absl::string_view fallback) {
  std::string name;
  if (IsName(wanted)) {
    name = std::string(wanted.data(), wanted.size());
  } else {
    bool gap = false;
    for (const char c : wanted) {
      const bool kept = absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '-';
      if (kept && gap && !name.empty() && name.back() != '_') name.push_back('_');
      if (kept) name.push_back(c);
      gap = !kept;
    }
    if (name.empty()) name = std::string(fallback.data(), fallback.size());
  }
  std::string unique = name;
  for (int n = 2; !taken_.insert(unique).second; ++n) unique = absl::StrCat(name, "_", n);
  return unique;
}

}  // namespace polyscene
