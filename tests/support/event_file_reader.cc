#include "tests/support/event_file_reader.h"

#include <cstring>
#include <stdexcept>

namespace polyscene {
namespace {

// CRC-32C bit by bit, as its definition has it.
uint32_t SlowCrc(const std::string& bytes) {
  uint32_t crc = 0xffffffff;
  for (const char c : bytes) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
  }
  return ~crc;
}

uint32_t Masked(uint32_t crc) { return (crc >> 15 | crc << 17) + 0xa282ead8; }

// The Protobuf wire format: tags, varints, fixed numbers, lengths.
class Wire {
 public:
  explicit Wire(std::string bytes) : bytes_(std::move(bytes)) {}

  bool Done() const { return at_ == bytes_.size(); }

  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<uint8_t>(Take(1)[0]);
      value |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    throw std::runtime_error("a varint without end");
  }

  template <typename T>
  T Fixed() {
    T value;
    const std::string bytes = Take(sizeof(T));
    std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }

  std::string Take(size_t count) {
    if (count > bytes_.size() - at_) throw std::runtime_error("cut at byte " + std::to_string(at_));
    at_ += count;
    return bytes_.substr(at_ - count, count);
  }

  std::string Piece() { return Take(Varint()); }

 private:
  const std::string bytes_;
  size_t at_ = 0;
};

// Field numbers with their wire types: number * 8 + type.
constexpr uint64_t kFixed64 = 1, kPiece = 2, kFixed32 = 5;

std::vector<double> Doubles(const std::string& packed) {
  Wire wire(packed);
  std::vector<double> values;
  while (!wire.Done()) values.push_back(wire.Fixed<double>());
  return values;
}

ReadHistogram Histogram(const std::string& bytes) {
  Wire wire(bytes);
  ReadHistogram histogram;
  double* const numbers[] = {&histogram.min, &histogram.max, &histogram.num, &histogram.sum, &histogram.sum_squares};
  while (!wire.Done()) {
    const uint64_t tag = wire.Varint();
    if (tag % 8 == kFixed64 && tag / 8 >= 1 && tag / 8 <= 5) {
      *numbers[tag / 8 - 1] = wire.Fixed<double>();
    } else if (tag == 6 * 8 + kPiece) {
      histogram.limits = Doubles(wire.Piece());
    } else if (tag == 7 * 8 + kPiece) {
      histogram.counts = Doubles(wire.Piece());
    } else {
      throw std::runtime_error("a histogram's field of tag " + std::to_string(tag));
    }
  }
  return histogram;
}

void ReadValue(const std::string& bytes, int64_t step, ReadEvents& events) {
  Wire wire(bytes);
  std::string name;
  while (!wire.Done()) {
    const uint64_t tag = wire.Varint();
    if (tag == 1 * 8 + kPiece) {
      name = wire.Piece();
    } else if (tag == 2 * 8 + kFixed32) {
      events.scalars[name].emplace_back(step, wire.Fixed<float>());
    } else if (tag == 5 * 8 + kPiece) {
      events.histograms[name].emplace_back(step, Histogram(wire.Piece()));
    } else {
      throw std::runtime_error("a value's field of tag " + std::to_string(tag));
    }
  }
}

void ReadEvent(const std::string& bytes, ReadEvents& events) {
  Wire wire(bytes);
  int64_t step = 0;
  double wall_time = 0;
  while (!wire.Done()) {
    const uint64_t tag = wire.Varint();
    if (tag == 1 * 8 + kFixed64) {
      wall_time = wire.Fixed<double>();
    } else if (tag == 2 * 8) {
      step = static_cast<int64_t>(wire.Varint());
    } else if (tag == 3 * 8 + kPiece) {
      events.file_version = wire.Piece();
    } else if (tag == 5 * 8 + kPiece) {
      Wire summary(wire.Piece());
      while (!summary.Done()) {
        if (summary.Varint() != 1 * 8 + kPiece) throw std::runtime_error("a summary of something else than values");
        ReadValue(summary.Piece(), step, events);
      }
    } else {
      throw std::runtime_error("an event's field of tag " + std::to_string(tag));
    }
  }
  if (wall_time < 1e9) throw std::runtime_error("an event without a time");
}

}  // namespace

ReadEvents ReadEventFile(const std::string& bytes) {
  ReadEvents events;
  Wire wire(bytes);
  try {
    while (!wire.Done()) {
      const std::string length = wire.Take(8);
      if (wire.Fixed<uint32_t>() != Masked(SlowCrc(length))) throw std::runtime_error("a length's checksum");
      const std::string record = wire.Take(Wire(length).Fixed<uint64_t>());
      if (wire.Fixed<uint32_t>() != Masked(SlowCrc(record))) throw std::runtime_error("a record's checksum");
      ReadEvent(record, events);
    }
  } catch (const std::runtime_error& error) {
    events.error = error.what();
  }
  return events;
}

}  // namespace polyscene
