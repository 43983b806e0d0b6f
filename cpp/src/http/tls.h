// TLS contexts of the HTTP server and client.
// Layer http, private.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <memory>
#include <optional>
#include <string>

#include "flowersec/http/error.h"

namespace flowersec::http {

/// Verifies servers against `ca_pem`, or the system's certificates.
[[nodiscard]] result<std::shared_ptr<boost::asio::ssl::context>> make_client_tls(
    const std::optional<std::string>& ca_pem);

/// A context object that shares the OpenSSL context of somebody else.
[[nodiscard]] std::shared_ptr<boost::asio::ssl::context> share_context(ssl_ctx_st& native);

}  // namespace flowersec::http
