// Both HTTP heads of the upgrade, parsed by Beast: the only file of this layer that includes it.

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <limits>
#include <string>

#include "flowersec/base/text.h"
#include "flowersec/ws/request_head.h"
#include "ws/response_head.h"

namespace flowersec::ws {

namespace http = boost::beast::http;

namespace {

std::string_view to_view(boost::beast::string_view text) noexcept { return {text.data(), text.size()}; }

/// Feeds Beast's incremental parser and gives back what lies behind the head.
template <bool IsRequest>
class head_feeder {
 public:
  explicit head_feeder(std::size_t max_bytes) : left_(max_bytes) {
    parser_.header_limit(static_cast<std::uint32_t>(max_bytes));
    // Bodies are not read here, so their announced size does not matter.
    parser_.body_limit(std::numeric_limits<std::uint64_t>::max());
  }

  head_status consume(byte_view& input) {
    const auto taken = std::min(input.size(), left_);
    pending_.append(as_text(input.first(taken)));
    left_ -= taken;
    input = input.subspan(taken);

    boost::system::error_code error;
    while (!pending_.empty() && !parser_.is_header_done()) {
      const auto used = parser_.put(boost::asio::buffer(pending_), error);
      pending_.erase(0, used);
      if (error == http::error::header_limit) return head_status::too_large;
      if (error == http::error::need_more) break;
      if (error) return head_status::invalid;
    }
    if (!parser_.is_header_done()) return left_ == 0 ? head_status::too_large : head_status::need_more;
    // Whatever is pending now came with this call: an earlier one would have completed the head.
    input = {input.data() - pending_.size(), input.size() + pending_.size()};
    pending_.clear();
    return head_status::complete;
  }

  [[nodiscard]] const http::parser<IsRequest, http::empty_body>& parser() const noexcept { return parser_; }

  void list_fields(header_list& into) const {
    for (const auto& field : parser_.get()) {
      into.fields.push_back({to_view(field.name_string()), to_view(field.value())});
    }
  }

 private:
  http::parser<IsRequest, http::empty_body> parser_;
  std::string pending_;  ///< received and not yet parsed
  std::size_t left_;     ///< bytes that may still be received
};

}  // namespace

std::optional<std::string_view> header_list::first(std::string_view name) const noexcept {
  for (const auto& field : fields) {
    if (ascii_iequals(field.name, name)) return field.value;
  }
  return std::nullopt;
}

bool header_list::list_contains(std::string_view name, std::string_view token) const noexcept {
  for (const auto& field : fields) {
    if (!ascii_iequals(field.name, name)) continue;
    auto rest = field.value;
    while (true) {
      const auto comma = rest.find(',');
      if (ascii_iequals(trim(rest.substr(0, comma)), token)) return true;
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return false;
}

std::string_view request_head::path() const noexcept {
  const auto path = target.substr(0, target.find('?'));
  constexpr std::string_view separator = "://";
  const auto scheme_end = path.find(separator);
  if (path.starts_with('/') || scheme_end == std::string_view::npos) return path;
  const auto begin = path.find('/', scheme_end + separator.size());
  return begin == std::string_view::npos ? "/" : path.substr(begin);
}

std::string_view request_head::query() const noexcept {
  return target.substr(std::min(target.find('?'), target.size()));
}

struct request_head_parser::impl {
  explicit impl(std::size_t max_bytes) : feeder(max_bytes) {}
  head_feeder<true> feeder;
  request_head head;
};

request_head_parser::request_head_parser(std::size_t max_bytes) : impl_(std::make_unique<impl>(max_bytes)) {}
request_head_parser::~request_head_parser() = default;
request_head_parser::request_head_parser(request_head_parser&&) noexcept = default;
request_head_parser& request_head_parser::operator=(request_head_parser&&) noexcept = default;

head_status request_head_parser::consume(byte_view& input) {
  const auto status = impl_->feeder.consume(input);
  if (status != head_status::complete) return status;
  const auto& parser = impl_->feeder.parser();
  // RFC 9112, 6.3: where such a body ends cannot be told, whatever length stands beside it.
  const bool is_coded = parser.get().find(http::field::transfer_encoding) != parser.get().end();
  if (is_coded && !parser.chunked()) return head_status::invalid;
  const auto length = parser.content_length();
  auto& head = impl_->head;
  head.method = to_view(parser.get().method_string());
  head.target = to_view(parser.get().target());
  head.version = parser.get().version();
  head.keep_alive = parser.keep_alive();
  head.has_body = parser.chunked() || (length && *length > 0);
  impl_->feeder.list_fields(head);
  return status;
}

const request_head& request_head_parser::head() const noexcept { return impl_->head; }

struct response_head_parser::impl {
  explicit impl(std::size_t max_bytes) : feeder(max_bytes) {}
  head_feeder<false> feeder;
  response_head head;
};

response_head_parser::response_head_parser(std::size_t max_bytes) : impl_(std::make_unique<impl>(max_bytes)) {}
response_head_parser::~response_head_parser() = default;

head_status response_head_parser::consume(byte_view& input) {
  const auto status = impl_->feeder.consume(input);
  if (status != head_status::complete) return status;
  impl_->head.status = impl_->feeder.parser().get().result_int();
  impl_->feeder.list_fields(impl_->head);
  return status;
}

const response_head& response_head_parser::head() const noexcept { return impl_->head; }

}  // namespace flowersec::ws
