#include "flowersec/record/opener.h"

#include "record/nonce.h"

namespace flowersec::record {

opener::opener(direction_keys keys, const record_limits& limits, std::uint64_t expected_sequence)
    : keys_(std::move(keys)),
      cipher_(keys_.key.view()),
      max_record_bytes_(limits.max_record_bytes),
      expected_sequence_(expected_sequence) {
  keys_.key.wipe();  // the cipher has it now
}

result<opened_record> opener::open(mutable_byte_view frame) {
  if (!cipher_) return record_errc::closed;
  auto opened = check_and_open(frame);
  if (!opened) close();
  return opened;
}

result<opened_record> opener::check_and_open(mutable_byte_view frame) {
  const auto header = check_frame(frame, expected_sequence_, max_record_bytes_);
  if (!header) return header.error();
  // Too short for a tag is one more way of not authenticating, not an error of its own.
  if (header->ciphertext_bytes < tag_bytes) return record_errc::open_failed;

  const auto plaintext = frame.subspan(header_bytes, header->ciphertext_bytes - tag_bytes);
  if (!cipher_->open(make_nonce(keys_.prefix, expected_sequence_), frame.first(header_bytes), plaintext,
                     frame.last<tag_bytes>())) {
    return record_errc::open_failed;
  }
  if (expected_sequence_ == exhausted_sequence) return record_errc::exhausted;

  if (header->kind == record_kind::rekey) cipher_->rekey(derive_next_key(keys_, expected_sequence_).view());
  ++expected_sequence_;
  return opened_record{header->kind, plaintext};
}

result<void> opener::open_server_finished(mutable_byte_view frame) {
  const bool is_first = expected_sequence_ == first_sequence;
  const auto opened = open(frame);
  if (!opened) return opened.error();
  if (is_first && opened->kind == record_kind::ping && opened->plaintext.empty()) return {};
  close();
  return record_errc::not_server_finished;
}

void opener::close() noexcept {
  cipher_.reset();
  keys_.rekey_base.wipe();
}

}  // namespace flowersec::record
