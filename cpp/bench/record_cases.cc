// Encrypted records inside WebSocket frames over a real socket, against the least that moves as many protected bytes:
// AES-256-GCM straight from OpenSSL and one send per 64 KiB. Sender and receiver are threads, each on its own CPU.
// Part of flowersec-bench.
#include <openssl/evp.h>
#include <sys/socket.h>

#include <functional>
#include <future>
#include <memory>

#include "flowersec/record/opener.h"
#include "flowersec/record/sealer.h"
#include "flowersec/ws/mask.h"
#include "flowersec/ws/message_reader.h"
#include "workbench.h"

namespace flowersec::bench {
namespace {

constexpr double cpu_goal = 1.15;
/// Records are gathered to about this much for one send.
constexpr std::size_t batch_bytes = 64 * 1024;

byte_buffer some_plaintext(std::size_t size) {
  byte_buffer plaintext(size);
  for (std::size_t i = 0; i < size; ++i) plaintext[i] = static_cast<std::byte>(i ^ (i >> 8));
  return plaintext;
}

/// Fills a buffer with protected bytes, ready to be sent.
class sending_side {
 public:
  virtual ~sending_side() = default;
  virtual byte_view next_batch() = 0;
};

/// Takes bytes as they arrive and opens every record that is complete.
class receiving_side {
 public:
  virtual ~receiving_side() = default;
  virtual mutable_byte_view room() = 0;
  virtual std::size_t received(std::size_t bytes) = 0;  ///< plaintext bytes opened
};

// --- the floor -------------------------------------------------------------------------------------------------

constexpr std::size_t floor_header_bytes = 18;
constexpr std::size_t floor_tag_bytes = 16;

class bare_cipher {
 public:
  explicit bare_cipher(bool seal) : context_(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free) {
    constexpr std::array<unsigned char, 32> key{1, 2, 3};
    EVP_CipherInit_ex(context_.get(), EVP_aes_256_gcm(), nullptr, key.data(), nullptr, seal ? 1 : 0);
  }

 protected:
  void begin(const unsigned char* header) {
    store_be(nonce_.data() + 4, sequence_++);
    int ignored = 0;
    EVP_CipherInit_ex(context_.get(), nullptr, nullptr, nullptr, reinterpret_cast<const unsigned char*>(nonce_.data()),
                      -1);
    EVP_CipherUpdate(context_.get(), nullptr, &ignored, header, floor_header_bytes);
  }

  std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context_;

 private:
  std::array<std::byte, 12> nonce_{};
  std::uint64_t sequence_ = 1;
};

unsigned char* raw(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }

class bare_sender final : public sending_side, bare_cipher {
 public:
  explicit bare_sender(std::size_t record_bytes)
      : bare_cipher(true), plaintext_(some_plaintext(record_bytes)), records_(batch_bytes / record_bytes) {
    output_.resize(records_ * (floor_header_bytes + record_bytes + floor_tag_bytes));
  }

  byte_view next_batch() override {
    auto* to = output_.data();
    for (std::size_t i = 0; i < records_; ++i) {
      begin(raw(to));
      to += floor_header_bytes;
      int length = 0;
      EVP_EncryptUpdate(context_.get(), raw(to), &length, raw(plaintext_.data()), static_cast<int>(plaintext_.size()));
      to += length;
      EVP_EncryptFinal_ex(context_.get(), raw(to), &length);
      EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, floor_tag_bytes, to);
      to += floor_tag_bytes;
    }
    return output_;
  }

 private:
  byte_buffer plaintext_;
  std::size_t records_;
  byte_buffer output_;
};

class bare_receiver final : public receiving_side, bare_cipher {
 public:
  explicit bare_receiver(std::size_t record_bytes) : bare_cipher(false), record_bytes_(record_bytes) {}

  mutable_byte_view room() override { return std::span{input_}.subspan(held_); }

  std::size_t received(std::size_t bytes) override {
    held_ += bytes;
    const auto frame_bytes = floor_header_bytes + record_bytes_ + floor_tag_bytes;
    std::size_t at = 0;
    for (; held_ - at >= frame_bytes; at += frame_bytes) open(input_.data() + at);
    std::memmove(input_.data(), input_.data() + at, held_ - at);
    held_ -= at;
    return at / frame_bytes * record_bytes_;
  }

 private:
  void open(std::byte* frame) {
    begin(raw(frame));
    auto* body = frame + floor_header_bytes;
    int length = 0;
    EVP_DecryptUpdate(context_.get(), raw(body), &length, raw(body), static_cast<int>(record_bytes_));
    EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG, floor_tag_bytes, body + record_bytes_);
    if (EVP_DecryptFinal_ex(context_.get(), raw(body), &length) != 1) throw bench_error("a bare record did not open");
  }

  std::size_t record_bytes_;
  byte_buffer input_ = byte_buffer(relay_block_bytes);
  std::size_t held_ = 0;
};

// --- the product -----------------------------------------------------------------------------------------------

record::direction_keys some_keys() {
  return {.way = record::direction::client_to_server, .key = {}, .prefix = {}, .rekey_base = {}, .transcript_hash = {}};
}

class record_sender final : public sending_side {
 public:
  explicit record_sender(std::size_t record_bytes)
      : plaintext_(some_plaintext(record_bytes)), sealer_(some_keys(), record::record_limits{}) {
    const auto sealed = record::sealed_bytes(record_bytes);
    frame_bytes_ = ws::frame_header_bytes(sealed, true) + sealed;
    output_.resize(batch_bytes / record_bytes * frame_bytes_);
  }

  byte_view next_batch() override {
    const auto sealed = record::sealed_bytes(plaintext_.size());
    for (std::size_t at = 0; at < output_.size(); at += frame_bytes_) {
      const auto frame = std::span{output_}.subspan(at, frame_bytes_);
      if (!sealer_.seal_app(plaintext_, frame.last(sealed))) throw bench_error("a record was not sealed");
      ws::finish_frame_in_place(frame, {.op = ws::opcode::binary, .mask = masks_.next(), .payload_bytes = sealed});
    }
    return output_;
  }

 private:
  byte_buffer plaintext_;
  record::sealer sealer_;
  ws::mask_key_source masks_{system_random()};
  std::size_t frame_bytes_ = 0;
  byte_buffer output_;
};

class record_receiver final : public receiving_side {
 public:
  mutable_byte_view room() override { return reader_.prepare(); }

  std::size_t received(std::size_t bytes) override {
    reader_.commit(bytes);
    for (std::size_t opened = 0;;) {
      auto event = reader_.next();
      if (std::holds_alternative<ws::message_reader::need_more>(event)) return opened;
      const auto* message = std::get_if<ws::message_reader::message>(&event);
      if (message == nullptr) throw bench_error("a frame was refused");
      opened += opener_.open(message->payload).value().plaintext.size();
    }
  }

 private:
  ws::message_reader reader_{ws::role::server, ws::reader_limits{}};
  record::opener opener_{some_keys(), record::record_limits{}};
};

// --- the run ---------------------------------------------------------------------------------------------------

struct transfer {
  double sender_cpu_per_byte = 0;
  double receiver_cpu_per_byte = 0;
};

double send_for(std::chrono::nanoseconds time, int fd, sending_side& from) {
  pin_to_cpu(generator_cpu);
  const auto before = thread_cpu_time();
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) write_all(fd, from.next_batch());
  ::shutdown(fd, SHUT_WR);
  return std::chrono::duration<double>(thread_cpu_time() - before).count();
}

struct received_share {
  std::size_t plaintext_bytes = 0;
  double cpu = 0;
};

received_share receive_all(int fd, receiving_side& to) {
  pin_to_cpu(relay_cpu);
  const auto before = thread_cpu_time();
  std::size_t opened = 0;
  for (;;) {
    const auto room = to.room();
    const auto count = ::recv(fd, room.data(), room.size(), 0);
    if (count < 0) fail_with_errno("recv");
    if (count == 0) break;
    opened += to.received(static_cast<std::size_t>(count));
  }
  return {opened, std::chrono::duration<double>(thread_cpu_time() - before).count()};
}

/// Both ends give up after seconds without progress, so that a failure of one ends the other.
transfer run_transfer(std::chrono::nanoseconds time, sending_side& from, receiving_side& to) {
  const auto listener = listen_on_loopback();
  const auto sender = connect_to(local_port(listener.get()));
  const auto receiver = accept_from(listener.get());
  set_timeout(sender.get(), std::chrono::seconds{5});
  set_timeout(receiver.get(), std::chrono::seconds{5});
  auto sending = std::async(std::launch::async, [&] { return send_for(time, sender.get(), from); });
  auto receiving = std::async(std::launch::async, [&] { return receive_all(receiver.get(), to); });
  const auto received = receiving.get();
  const auto bytes = static_cast<double>(received.plaintext_bytes);
  return {sending.get() / bytes, received.cpu / bytes};
}

struct sides {
  std::function<std::unique_ptr<sending_side>()> sender;
  std::function<std::unique_ptr<receiving_side>()> receiver;
};

void measure_records(workbench& bench, std::size_t record_bytes, const std::string& size) {
  const std::array<sides, 2> contenders{sides{[=] { return std::make_unique<bare_sender>(record_bytes); },
                                              [=] { return std::make_unique<bare_receiver>(record_bytes); }},
                                        sides{[=] { return std::make_unique<record_sender>(record_bytes); },
                                              [] { return std::make_unique<record_receiver>(); }}};
  std::vector<std::function<reading()>> probes;
  for (const auto& each : contenders) {
    probes.emplace_back([&] {
      const auto sent = run_transfer(bench.options().round_time, *each.sender(), *each.receiver());
      return reading{.value = sent.sender_cpu_per_byte, .other = sent.receiver_cpu_per_byte};
    });
  }
  const auto taken = take_turns(probes, bench.options().rounds);
  const auto report = [&](const char* who, double reading::*figure) {
    bench.results().add({.id = "record." + size + '.' + who,
                         .title = "Records of " + size + ", " + who + " against TCP + bare GCM",
                         .unit = "x",
                         .figure = ratio(taken[1], taken[0], figure),
                         .target = goal{.limit = cpu_goal},
                         .detail = absolute_figures(taken[1], taken[0], 1e9, "CPU s/GB", "floor", figure)});
  };
  report("sender", &reading::value);
  report("receiver", &reading::other);
}

}  // namespace

std::vector<bench_case> record_cases() {
  return {{"record.16KiB", false, [](workbench& bench) { measure_records(bench, 16 * 1024, "16KiB"); }},
          {"record.64KiB", false, [](workbench& bench) { measure_records(bench, 64 * 1024, "64KiB"); }}};
}

}  // namespace flowersec::bench
