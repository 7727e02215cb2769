#include "client/modelfile/compact_text.h"

#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "google/protobuf/descriptor.h"

namespace polyscene {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// The shortest text that reads back as the same number.
std::string Number(double value) {
  for (int digits = 6; digits < 17; ++digits) {
    std::string text = absl::StrFormat("%.*g", digits, value);
    if (std::strtod(text.c_str(), nullptr) == value) return text;
  }
  return absl::StrFormat("%.17g", value);
}

// `index` -1: the field is not repeated.
std::string Scalar(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& read = *message.GetReflection();
  const bool one = index < 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(one ? read.GetInt32(message, &field) : read.GetRepeatedInt32(message, &field, index));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(one ? read.GetInt64(message, &field) : read.GetRepeatedInt64(message, &field, index));
    case FieldDescriptor::CPPTYPE_UINT32:
      return absl::StrCat(one ? read.GetUInt32(message, &field) : read.GetRepeatedUInt32(message, &field, index));
    case FieldDescriptor::CPPTYPE_UINT64:
      return absl::StrCat(one ? read.GetUInt64(message, &field) : read.GetRepeatedUInt64(message, &field, index));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return Number(one ? read.GetDouble(message, &field) : read.GetRepeatedDouble(message, &field, index));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return Number(one ? read.GetFloat(message, &field) : read.GetRepeatedFloat(message, &field, index));
    case FieldDescriptor::CPPTYPE_BOOL:
      return (one ? read.GetBool(message, &field) : read.GetRepeatedBool(message, &field, index)) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return (one ? read.GetEnum(message, &field) : read.GetRepeatedEnum(message, &field, index))->name();
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string text = one ? read.GetString(message, &field) : read.GetRepeatedString(message, &field, index);
      return absl::StrCat("\"", absl::Utf8SafeCEscape(text), "\"");
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  return "";
}

std::string Nested(const Message& message) {
  const std::string inside = CompactText(message);
  return inside.empty() ? "{}" : absl::StrCat("{ ", inside, " }");
}

}  // namespace

std::string CompactText(const Message& message) {
  const Reflection& read = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  read.ListFields(message, &fields);
  std::string text;
  const auto add = [&text](absl::string_view part) { absl::StrAppend(&text, text.empty() ? "" : " ", part); };
  for (const FieldDescriptor* field : fields) {
    const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (!field->is_repeated()) {
      add(is_message ? absl::StrCat(field->name(), " ", Nested(read.GetMessage(message, field)))
                     : absl::StrCat(field->name(), ": ", Scalar(message, *field, -1)));
      continue;
    }
    std::string list;
    for (int i = 0; i < read.FieldSize(message, field); ++i) {
      if (is_message) {
        add(absl::StrCat(field->name(), " ", Nested(read.GetRepeatedMessage(message, field, i))));
      } else {
        absl::StrAppend(&list, i > 0 ? ", " : "", Scalar(message, *field, i));
      }
    }
    if (!is_message) add(absl::StrCat(field->name(), ": [", list, "]"));
  }
  return text;
}

}  // namespace polyscene
