// The bytes of a replay journal: a header, then one record per used token, all of one size.
// Layer tunnel. Pure: no file, no clock. PROTOCOL, "Replay protection". Any thread, one reader at a time.
//
//   header   0  8  "FSREPLAY"           record    0  32  SHA-256 of the key
//            8  2  version, 1                    32   8  remember_until, Unix seconds
//           10  2  bytes of a record             40   8  how much of the file was durable when this was written
//           12  4  CRC-32 of the above           48   4  CRC-32 of the above
//
// A crash may leave the records of the last unfinished group in any state: none, some, zeros, with good ones behind
// bad ones. None of them was ever answered. The third field tells them from damage: what some good record says was
// durable must still be there.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "flowersec/base/bytes.h"
#include "tunnel/used_tokens.h"

namespace flowersec::tunnel {

inline constexpr std::size_t journal_header_bytes = 16;
inline constexpr std::size_t journal_record_bytes = 52;
inline constexpr std::uint16_t journal_version = 1;

struct journal_record {
  token_digest token{};
  std::int64_t remember_until = 0;
  std::uint64_t durable_bytes = 0;  ///< at least the header, at most the offset of the record

  [[nodiscard]] bool operator==(const journal_record&) const noexcept = default;
};

void append_journal_header(byte_buffer& to);
void append_journal_record(byte_buffer& to, const journal_record& record);

/// Reads a journal that comes in pieces, of any sizes.
class journal_reader {
 public:
  /// Gets every record before the first bad one, in order.
  using record_sink = std::function<void(const journal_record&)>;

  explicit journal_reader(record_sink sink) : sink_(std::move(sink)) {}

  void feed(byte_view bytes);

  struct verdict {
    std::uint64_t good_bytes = 0;       ///< header and records before the first bad one; what may be cut is behind
    std::uint64_t total_bytes = 0;      ///< fed
    std::optional<std::string> damage;  ///< why the file must not be used, with the offset
  };
  /// After the last piece. An empty file is a journal without records.
  [[nodiscard]] verdict finish() const;

 private:
  void read_header();
  void read_record();

  record_sink sink_;
  byte_buffer unit_;           ///< the header or record under way
  std::uint64_t offset_ = 0;   ///< where it begins
  std::uint64_t durable_ = 0;  ///< the most that a good record promises
  std::optional<std::uint64_t> first_bad_;
  std::optional<std::string> bad_header_;
};

}  // namespace flowersec::tunnel
