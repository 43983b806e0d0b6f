#include "rpc_serving.h"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

namespace flowersec::session {

void rpc_serving::start(rpc_router_factory make_router) {
  boost::asio::post(executor_, [self = self(), make = std::move(make_router)] {
    std::shared_ptr<const rpc::router> router;
    try {
      router = std::make_shared<const rpc::router>(make(rpc_peer{self}));
    } catch (...) {
      // As when a handler of streams throws: the stream is reset.
    }
    boost::asio::dispatch(self->serial_, [self, router = std::move(router)] {
      self->router_ = router;
      router ? self->begin_reading() : self->end_stream();
      self->kick_owner();
    });
  });
}

result<void> rpc_serving::notify(std::uint32_t type_id, std::string_view payload) {
  if (gone()) return make_error_code(session_errc::rpc_gone);
  auto queued = server_.notify(type_id, payload);
  write_ready_output();
  return queued;
}

void rpc_serving::post_notification(std::uint32_t type_id, std::string payload) {
  boost::asio::dispatch(serial_, [self = self(), type_id, payload = std::move(payload)] {
    static_cast<void>(self->notify(type_id, payload));
    self->kick_owner();
  });
}

void rpc_serving::finish(rpc::request_key key, rpc::reply answer) noexcept {
  boost::asio::dispatch(serial_, [self = self(), key, answer = std::move(answer)]() mutable {
    self->server_.finish(key, std::move(answer));
    self->write_ready_output();
    self->drain();
    self->kick_owner();
  });
}

void rpc_serving::kick_owner() {
  if (!gone()) owner().kick();
}

void rpc_serving::consume(byte_view bytes, moment) {
  while (!bytes.empty()) {
    server_.receive(bytes);
    drain();
  }
  write_ready_output();
  // Taking responses frees slots, so queued requests may start.
  drain();
}

void rpc_serving::on_end_of_input(moment) {
  server_.end_of_input();
  drain();
}

void rpc_serving::on_stream_gone(moment) {
  server_.end(rpc::rpc_errc::stream_reset);
  drain();
}

void rpc_serving::drain() {
  while (auto happened = server_.poll_event()) {
    if (auto* request = std::get_if<rpc::start_request>(&*happened)) {
      dispatch(request->key, {.type_id = request->type_id, .payload = std::move(request->payload)}, false);
    } else if (auto* notification = std::get_if<rpc::start_notification>(&*happened)) {
      dispatch(notification->key, {.type_id = notification->type_id, .payload = std::move(notification->payload)},
               true);
    } else {
      stop_.request_stop();
      const auto why = std::get<rpc::server_ended>(*happened).why;
      const bool with_the_peer = why == rpc::rpc_errc::stream_closed || why == rpc::rpc_errc::truncated_frame;
      with_the_peer ? close_stream() : end_stream();
    }
  }
}

// Handlers are the application's: never on the strand, so that a slow one delays nobody else.
void rpc_serving::dispatch(rpc::request_key key, rpc::request request, bool is_notification) {
  request.stop = stop_.get_token();
  boost::asio::post(executor_, [router = router_, request = std::move(request), is_notification,
                                answer = rpc::responder{self(), key}]() mutable {
    if (is_notification) {
      router->dispatch_notification(std::move(request), std::move(answer));
    } else {
      router->dispatch(std::move(request), std::move(answer));
    }
  });
}

void rpc_peer::notify(std::uint32_t type_id, std::string payload) const {
  if (const auto serving = serving_.lock()) serving->post_notification(type_id, std::move(payload));
}

}  // namespace flowersec::session
