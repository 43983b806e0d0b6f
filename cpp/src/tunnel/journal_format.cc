// See journal_format.h.
#include "tunnel/journal_format.h"

#include <algorithm>
#include <boost/crc.hpp>
#include <string_view>

namespace flowersec::tunnel {

namespace {

constexpr std::string_view magic = "FSREPLAY";
constexpr std::size_t crc_bytes = 4;

std::uint32_t crc_of(byte_view bytes) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

bool crc_fits(byte_view unit) {
  const auto body = unit.first(unit.size() - crc_bytes);
  return load_be<std::uint32_t>(unit.data() + body.size()) == crc_of(body);
}

/// Closes the unit that began at `begin` bytes of the buffer.
void append_crc(byte_buffer& to, std::size_t begin) { append_be(to, crc_of(byte_view{to}.subspan(begin))); }

}  // namespace

void append_journal_header(byte_buffer& to) {
  const auto begin = to.size();
  append(to, magic);
  append_be(to, journal_version);
  append_be(to, static_cast<std::uint16_t>(journal_record_bytes));
  append_crc(to, begin);
}

void append_journal_record(byte_buffer& to, const journal_record& record) {
  const auto begin = to.size();
  append(to, record.token);
  append_be(to, static_cast<std::uint64_t>(record.remember_until));
  append_be(to, record.durable_bytes);
  append_crc(to, begin);
}

void journal_reader::feed(byte_view bytes) {
  while (!bytes.empty()) {
    const auto whole = offset_ == 0 ? journal_header_bytes : journal_record_bytes;
    const auto piece = bytes.first(std::min(bytes.size(), whole - unit_.size()));
    append(unit_, piece);
    bytes = bytes.subspan(piece.size());
    if (unit_.size() < whole) return;
    offset_ == 0 ? read_header() : read_record();
    offset_ += whole;
    unit_.clear();
  }
}

void journal_reader::read_header() {
  if (as_text(byte_view{unit_}.first(magic.size())) != magic) {
    bad_header_ = "this is not a replay journal";
  } else if (!crc_fits(unit_)) {
    bad_header_ = "the header is damaged";
  } else if (const auto version = load_be<std::uint16_t>(&unit_[magic.size()]); version != journal_version) {
    bad_header_ = "the journal has version " + std::to_string(version) + ", this program reads version " +
                  std::to_string(journal_version);
  } else if (load_be<std::uint16_t>(&unit_[magic.size() + 2]) != journal_record_bytes) {
    bad_header_ = "the header names another size of records";
  }
}

void journal_reader::read_record() {
  if (bad_header_) return;
  journal_record record;
  std::copy_n(unit_.begin(), record.token.size(), record.token.begin());
  record.remember_until = static_cast<std::int64_t>(load_be<std::uint64_t>(&unit_[32]));
  record.durable_bytes = load_be<std::uint64_t>(&unit_[40]);
  const bool sane = record.durable_bytes >= journal_header_bytes && record.durable_bytes <= offset_;
  if (!sane || !crc_fits(unit_)) {
    if (!first_bad_) first_bad_ = offset_;
    return;
  }
  durable_ = std::max(durable_, record.durable_bytes);
  if (!first_bad_) sink_(record);
}

journal_reader::verdict journal_reader::finish() const {
  verdict found;
  found.total_bytes = offset_ + unit_.size();
  found.good_bytes = first_bad_.value_or(offset_);
  found.damage = bad_header_;
  if (offset_ == 0 && !unit_.empty()) found.damage = "this is not a replay journal";
  if (first_bad_ && *first_bad_ < durable_) {
    found.damage = "the record at offset " + std::to_string(*first_bad_) +
                   " is damaged, though a later one says that it was written to the end";
  }
  return found;
}

}  // namespace flowersec::tunnel
