#include "one_stream.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "failure.h"
#include "session_state.h"

namespace flowersec::endpoint {
namespace {

using ::flowersec::session::link;
using ::flowersec::session::link_end;

void refuse_next(const std::shared_ptr<link>& of) {
  of->accept({[of](error_code failed, incoming_stream opened) {
                if (failed) return;
                opened.stream.reset();
                refuse_next(of);
              },
              of->executor()});
}

}  // namespace

void refuse_streams(const session& of) { refuse_next(of.state()->link); }

void ask_draining(const session& of, boost::asio::any_io_executor where, std::function<void(bool)> answer) {
  const auto& over = of.state()->link;
  const auto serial = over->next_serial();
  over->watch_end(serial, [where = std::move(where), answer = std::move(answer)](const link_end* end) {
    const bool draining = end != nullptr && is_draining(*end);
    boost::asio::post(where, [answer, draining] { answer(draining); });
  });
  over->stop_watching(serial);
}

}  // namespace flowersec::endpoint
