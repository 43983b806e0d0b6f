#include "flowersec/ws/request_head.h"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <limits>
#include <string>

#include "flowersec/base/text.h"

namespace flowersec::ws {

namespace http = boost::beast::http;

namespace {

std::string_view to_view(boost::beast::string_view text) noexcept { return {text.data(), text.size()}; }

}  // namespace

std::optional<std::string_view> request_head::first(std::string_view name) const noexcept {
  for (const auto& field : fields) {
    if (ascii_iequals(field.name, name)) return field.value;
  }
  return std::nullopt;
}

bool request_head::list_contains(std::string_view name, std::string_view token) const noexcept {
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

std::string_view request_head::path() const noexcept { return target.substr(0, target.find('?')); }

struct request_head_parser::impl {
  explicit impl(std::size_t max_bytes) : left(max_bytes) {
    // Beast counts the header block itself; a body is not read here, so its size does not matter.
    parser.header_limit(static_cast<std::uint32_t>(max_bytes));
    parser.body_limit(std::numeric_limits<std::uint64_t>::max());
  }

  void publish();

  http::request_parser<http::empty_body> parser;
  std::string pending;  ///< received and not yet parsed
  std::size_t left;     ///< bytes that may still be received
  request_head head;
};

void request_head_parser::impl::publish() {
  const auto& message = parser.get();
  head.method = to_view(message.method_string());
  head.target = to_view(message.target());
  head.version = message.version();
  head.keep_alive = parser.keep_alive();
  const auto length = parser.content_length();
  head.has_body = parser.chunked() || (length && *length > 0);
  for (const auto& field : message) head.fields.push_back({to_view(field.name_string()), to_view(field.value())});
}

request_head_parser::request_head_parser(std::size_t max_bytes) : impl_(std::make_unique<impl>(max_bytes)) {}
request_head_parser::~request_head_parser() = default;
request_head_parser::request_head_parser(request_head_parser&&) noexcept = default;
request_head_parser& request_head_parser::operator=(request_head_parser&&) noexcept = default;

request_head_parser::status request_head_parser::consume(byte_view& input) {
  const auto taken = std::min(input.size(), impl_->left);
  impl_->pending.append(as_text(input.first(taken)));
  impl_->left -= taken;
  input = input.subspan(taken);

  boost::system::error_code error;
  while (!impl_->pending.empty() && !impl_->parser.is_header_done()) {
    const auto used = impl_->parser.put(boost::asio::buffer(impl_->pending), error);
    impl_->pending.erase(0, used);
    if (error == http::error::header_limit) return status::too_large;
    if (error == http::error::need_more) break;
    if (error) return status::invalid;
  }
  if (!impl_->parser.is_header_done()) return impl_->left == 0 ? status::too_large : status::need_more;
  // What was taken too much is still in front of the caller's rest, in the caller's memory.
  input = {input.data() - impl_->pending.size(), input.size() + impl_->pending.size()};
  impl_->publish();
  return status::complete;
}

const request_head& request_head_parser::head() const noexcept { return impl_->head; }

}  // namespace flowersec::ws
