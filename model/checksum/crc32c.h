// The checksum of checkpoint files and of event files.
#pragma once

#include <cstdint>

namespace polyscene {

// CRC-32C (Castagnoli; RFC 3720, appendix B.4) of what `crc` is the checksum of, followed by `bytes`; 0 begins. By the
// processor's instruction where it has one, which costs a tenth of reading the bytes from memory.
uint32_t Crc32c(uint32_t crc, const void* bytes, uint64_t size);

// The same by table, for processors without; public so that a test can hold the two against each other.
uint32_t Crc32cByTable(uint32_t crc, const void* bytes, uint64_t size);

}  // namespace polyscene
