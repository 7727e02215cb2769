#include "model/spec/text_file.h"

#include <errno.h>
#include <stdio.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "model/spec/text_survey.h"

namespace polyscene {
namespace {

constexpr size_t kMaxBytes = size_t{16} << 20;

// What the parser still finds after the survey. Its positions are those of the text: blanking kept them.
class ParserErrors : public google::protobuf::io::ErrorCollector {
 public:
  explicit ParserErrors(Mistakes& mistakes) : mistakes_(mistakes) {}
  void AddError(int line, int column, const std::string& message) override {
    mistakes_.Add(TextPosition{line + 1, column + 1}, message);
  }

 private:
  Mistakes& mistakes_;
};

}  // namespace

TextFile ParseTextFile(absl::string_view text, google::protobuf::Message& message, Mistakes& mistakes) {
  TextFile file;
  message.Clear();
  TextSurvey survey = SurveyText(text, *message.GetDescriptor(), mistakes);
  file.root = std::move(survey.root);
  if (survey.broken) return file;
  ParserErrors errors(mistakes);
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  file.readable = parser.ParseFromString(survey.fitting_text, &message);
  return file;
}

absl::StatusOr<std::string> ReadTextFile(const std::string& path) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(fopen(path.c_str(), "rbe"), &fclose);
  if (file == nullptr) return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
  std::string bytes;
  char buffer[1 << 16];
  while (const size_t count = fread(buffer, 1, sizeof(buffer), file.get())) {
    bytes.append(buffer, count);
    if (bytes.size() > kMaxBytes) {
      return absl::InvalidArgumentError(absl::StrCat(path, " is larger than 16 MiB, expected a configuration file"));
    }
  }
  if (ferror(file.get())) return absl::ErrnoToStatus(errno, absl::StrCat("cannot read ", path));
  return bytes;
}

}  // namespace polyscene
