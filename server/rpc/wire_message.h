// A stream's messages, as bytes and back.
//
// Streams take bytes from gRPC and decode them themselves: where gRPC decodes, a message it cannot decode looks like
// the end of the stream, and the stream would end as if all were well.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/proto_buffer_writer.h"

namespace polyscene {

// Uses `bytes` up.  kInvalidArgument: they are no such message; names its type.
template <typename Message>
absl::Status FromBytes(grpc::ByteBuffer* bytes, Message* message) {
  bool decoded;
  {
    grpc::ProtoBufferReader reader(bytes);
    decoded = reader.status().ok() && message->ParseFromZeroCopyStream(&reader);
  }
  bytes->Clear();
  if (decoded) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("got a message that cannot be decoded, expected a ", message->GetTypeName()));
}

template <typename Message>
grpc::ByteBuffer ToBytes(const Message& message) {
  constexpr int kBlockBytes = 1 << 20;  // A larger message is cut into slices of so many.
  grpc::ByteBuffer bytes;
  grpc::ProtoBufferWriter writer(&bytes, kBlockBytes, static_cast<int>(message.ByteSizeLong()));
  message.SerializeToZeroCopyStream(&writer);  // False only beyond 2 GiB, which no answer of ours comes near.
  return bytes;
}

}  // namespace polyscene
