// A body of Beast whose memory follows what arrived. Beast's own string_body takes the announced Content-Length at
// once. Layer http, private.
#pragma once

#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/optional/optional.hpp>
#include <cstdint>
#include <string>

#include "flowersec/base/error.h"

namespace flowersec::http {

/// Meets the requirements of Beast's Body and BodyReader; the parser's body_limit bounds it.
struct arriving_body {
  using value_type = std::string;

  class reader {
   public:
    template <bool IsRequest, class Fields>
    reader(boost::beast::http::header<IsRequest, Fields>& /*head*/, value_type& body) : body_(body) {}

    void init(const boost::optional<std::uint64_t>& /*announced*/, error_code& error) { error = {}; }

    template <class Buffers>
    std::size_t put(const Buffers& arrived, error_code& error) {
      const auto before = body_.size();
      for (const auto piece : boost::beast::buffers_range_ref(arrived)) {
        body_.append(static_cast<const char*>(piece.data()), piece.size());
      }
      error = {};
      return body_.size() - before;
    }

    void finish(error_code& error) { error = {}; }

   private:
    value_type& body_;
  };
};

}  // namespace flowersec::http
