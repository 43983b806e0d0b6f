#include "flowersec/record/sealer.h"

#include "record/nonce.h"

namespace flowersec::record {
namespace {

std::size_t total_bytes(std::span<const byte_view> pieces) noexcept {
  std::size_t total = 0;
  for (const auto& piece : pieces) total += piece.size();
  return total;
}

}  // namespace

sealer::sealer(direction_keys keys, const record_limits& limits, std::uint64_t next_sequence)
    : keys_(std::move(keys)),
      cipher_(keys_.key.view()),
      chunk_bytes_(std::min(limits.outbound_record_chunk_bytes, limits.max_plaintext_bytes())),
      next_sequence_(next_sequence) {
  keys_.key.wipe();  // the cipher has it now
}

result<std::size_t> sealer::seal_app(std::span<const byte_view> pieces, mutable_byte_view out) {
  const auto plaintext_bytes = total_bytes(pieces);
  // Peers exist that take an empty app record for the end of the stream.
  if (plaintext_bytes == 0) return record_errc::empty_app_record;
  if (plaintext_bytes > chunk_bytes_) return record_errc::chunk_too_large;
  return seal(record_kind::app, pieces, plaintext_bytes, out);
}

result<std::size_t> sealer::seal_ping(mutable_byte_view out) { return seal(record_kind::ping, {}, 0, out); }

result<std::size_t> sealer::seal_rekey(mutable_byte_view out) {
  const auto sequence = next_sequence_;
  const auto sealed = seal(record_kind::rekey, {}, 0, out);
  if (sealed) cipher_->rekey(derive_next_key(keys_, sequence).view());
  return sealed;
}

result<std::size_t> sealer::seal(record_kind kind, std::span<const byte_view> pieces, std::size_t plaintext_bytes,
                                 mutable_byte_view out) {
  if (!cipher_) return record_errc::closed;
  if (next_sequence_ == exhausted_sequence) {
    close();
    return record_errc::exhausted;
  }
  if (out.size() < sealed_bytes(plaintext_bytes)) return record_errc::no_room;

  const auto header = out.first<header_bytes>();
  encode_header({kind, next_sequence_, static_cast<std::uint32_t>(plaintext_bytes + tag_bytes)}, header);
  cipher_->begin(make_nonce(keys_.prefix, next_sequence_), header);
  auto rest = out.subspan(header_bytes);
  for (const auto& piece : pieces) {
    cipher_->update(piece, rest.first(piece.size()));
    rest = rest.subspan(piece.size());
  }
  cipher_->finish(rest.first<tag_bytes>());
  ++next_sequence_;
  return sealed_bytes(plaintext_bytes);
}

void sealer::close() noexcept {
  cipher_.reset();
  keys_.rekey_base.wipe();
}

}  // namespace flowersec::record
