#include "flowersec/session/stream.h"

#include <boost/asio/error.hpp>
#include <boost/asio/system_executor.hpp>
#include <utility>

#include "flowersec/session/link.h"

namespace flowersec {

using session::stream_id;

stream::stream(std::shared_ptr<session::link> link, std::uint32_t id) noexcept : link_(std::move(link)), id_(id) {}

stream::stream(stream&& other) noexcept : link_(std::move(other.link_)), id_(std::exchange(other.id_, 0)) {}

stream& stream::operator=(stream&& other) noexcept {
  if (this != &other) {
    give_up();
    link_ = std::move(other.link_);
    id_ = std::exchange(other.id_, 0);
  }
  return *this;
}

stream::~stream() { give_up(); }

void stream::give_up() noexcept {
  if (const auto link = std::exchange(link_, nullptr)) link->abandon(stream_id{id_});
}

void stream::release() noexcept { link_.reset(); }

stream::executor_type stream::get_executor() const noexcept {
  return link_ ? link_->executor() : executor_type{boost::asio::system_executor{}};
}

void stream::start_read(mutable_byte_view into, session::completion<error_code, std::size_t> done) {
  if (!link_) return done.complete(boost::asio::error::bad_descriptor, 0);
  link_->read(stream_id{id_}, into, std::move(done));
}

void stream::start_write(const session::write_buffers& from, session::completion<error_code, std::size_t> done) {
  if (!link_) return done.complete(boost::asio::error::bad_descriptor, 0);
  link_->write(stream_id{id_}, from, std::move(done));
}

void stream::start_shutdown(session::completion<error_code> done) {
  if (!link_) return done.complete(boost::asio::error::bad_descriptor);
  link_->shutdown_send(stream_id{id_}, std::move(done));
}

void stream::reset() noexcept {
  if (link_) link_->reset(stream_id{id_});
}

void stream::cancel() noexcept {
  if (link_) link_->cancel(stream_id{id_});
}

}  // namespace flowersec
