#include "flowersec/controlplane/error.h"

#include <boost/system/system_error.hpp>

namespace flowersec::controlplane {

const char* describe(controlplane_errc code) noexcept {
  switch (code) {
    case controlplane_errc::blank_kid:
      return "the key id is blank";
    case controlplane_errc::kid_conflict:
      return "the key id is published with another key";
    case controlplane_errc::unknown_kid:
      return "the key id is not published";
    case controlplane_errc::active_kid:
      return "the active key cannot be retired";
    case controlplane_errc::key_mismatch:
      return "the private key does not belong to the published key";
    case controlplane_errc::bad_key_file:
      return "the private key file is not valid";
    case controlplane_errc::file_too_large:
      return "the file is too large";
    case controlplane_errc::missing_tunnel_url:
      return "the tunnel URL is missing";
    case controlplane_errc::missing_audience:
      return "the audience is missing";
    case controlplane_errc::missing_issuer:
      return "the issuer id is missing";
    case controlplane_errc::missing_ws_url:
      return "the WebSocket URL is missing";
    case controlplane_errc::bad_channel_id:
      return "the channel id is not 1 to 256 bytes of text";
    case controlplane_errc::bad_token_lifetime:
      return "the token lifetime is negative";
    case controlplane_errc::bad_idle_timeout:
      return "the idle time-out is out of range";
    case controlplane_errc::bad_clock_skew:
      return "the clock skew is negative";
    case controlplane_errc::bad_suite:
      return "a suite is unknown or not allowed";
    case controlplane_errc::bad_init_window:
      return "the init window is out of range";
    case controlplane_errc::channel_init_expired:
      return "the channel's init window is over";
    case controlplane_errc::no_randomness:
      return "the system has no randomness";
  }
  return "unknown controlplane error";
}

error_code make_error_code(controlplane_errc code) noexcept {
  static constexpr errc_category<controlplane_errc> category{"flowersec.controlplane"};
  return {static_cast<int>(code), category};
}

void throw_exception_from_error(const failure& what, const boost::source_location& /*where*/) {
  throw boost::system::system_error(what.code, what.text);
}

}  // namespace flowersec::controlplane
