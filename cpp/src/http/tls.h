// TLS contexts in the form of Asio's streams.
// Layer http, private.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <memory>

namespace flowersec::http {

/// A context object that shares the OpenSSL context of somebody else.
[[nodiscard]] std::shared_ptr<boost::asio::ssl::context> share_context(ssl_ctx_st& native);

}  // namespace flowersec::http
