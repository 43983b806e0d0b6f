// One client on its way in: upgrade, open message or credential, handshake, commit; one deadline over all of it.
// Layer endpoint, private. Runs on a strand of its own.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>

#include "flowersec/endpoint/accept.h"
#include "flowersec/endpoint/direct_listener.h"
#include "flowersec/session/link.h"
#include "flowersec/ws/accept.h"

namespace flowersec::endpoint {

/// What the clients of one listener share.
struct admission_settings {
  boost::asio::any_io_executor executor;
  detail::any_credential credential;
  common_options common;

  /// Checks both; for sealed_credentials, `common` gets what they say of it.
  /// Errors   validate/invalid_option, missing_channel_id, invalid_input, missing_init_exp, invalid_suite.
  [[nodiscard]] static result<std::shared_ptr<const admission_settings>> make(boost::asio::any_io_executor executor,
                                                                              detail::any_credential credential,
                                                                              common_options common);
};

using admission_done = std::function<void(error_code, session)>;

/// A client whose `upgrade` is busy is answered 503, and that is all. `done` is called once, on any thread.
void admit(std::shared_ptr<const admission_settings> settings, ::flowersec::session::strand serial,
           boost::asio::ip::tcp::socket client, ws::accept_options upgrade, admission_done done);

}  // namespace flowersec::endpoint
