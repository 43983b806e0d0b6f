#include "flowersec/token/artifact.h"

#include <array>

#include "flowersec/messages/codec.h"
#include "token/artifact_rules.h"

namespace flowersec::token {
namespace {

namespace wire = messages::controlplane::v1;
using messages::decode_error;
using messages::decoded;
using messages::messages_errc;
using messages::sensitive_text;
using messages::direct::v1::direct_connect_info;
using wire::channel_init_grant;
using failure = std::optional<decode_error>;

decode_error not_an_artifact() { return {messages_errc::not_an_object, std::string{artifact_name}, {}}; }

/// The members of one kind of artifact, as text; empty when absent.
struct artifact_text {
  std::string_view body;
  std::string_view scoped;
  std::string_view correlation;
};

/// Version and transport, which decide what else may be there.
decoded<artifact_kind> read_kind(std::string_view text) {
  constexpr std::array<std::string_view, 2> keys{"v", "transport"};
  std::array<std::string_view, 2> raw{};
  if (auto bad = messages::find_members({.name = artifact_name, .keys = keys, .max_depth = json_scan_max_depth - 1},
                                        text, raw)) {
    return *std::move(bad);
  }
  if (decode_json_unsigned(raw[0], 1) != 1U) return bad_artifact(artifact_name, "v");
  const auto transport = decode_json_string(raw[1]);
  for (const auto& kind : {tunnel_kind, direct_kind}) {
    if (transport == kind.transport) return kind;
  }
  return bad_artifact(artifact_name, "transport");
}

/// Keys of the other kind are as unknown as any other.
decoded<artifact_text> read_members(const artifact_kind& kind, std::string_view text) {
  const std::array<std::string_view, 5> keys{"v", "transport", kind.body_key, "scoped", "correlation"};
  std::array<std::string_view, 5> raw{};
  if (auto bad = messages::find_members(
          {.name = kind.message, .keys = keys, .strict = true, .max_depth = json_scan_max_depth - 1}, text, raw)) {
    return *std::move(bad);
  }
  return artifact_text{raw[2], raw[3], raw[4]};
}

failure read_body(std::string_view raw, channel_init_grant& into) {
  auto grant = wire::decode_channel_init_grant(raw);
  if (!grant) return bad_body(tunnel_kind, grant.error());
  into = std::move(*grant);
  return check_body(into);
}

failure read_body(std::string_view raw, direct_connect_info& into) {
  auto info = messages::direct::v1::decode_direct_connect_info(raw);
  if (!info) return bad_body(direct_kind, info.error());
  into = std::move(*info);
  return std::nullopt;
}

failure read_scopes(std::string_view raw, std::vector<wire::scope_metadata_entry>& into) {
  if (raw.empty()) return std::nullopt;
  failure bad;
  std::size_t count = 0;
  const bool is_array = scan_json_array(raw, [&](std::string_view entry) {
    if (++count > max_artifact_scopes || bad) return;
    if (!entry.starts_with('{')) {
      bad = bad_artifact(artifact_name, "scoped");
      return;
    }
    auto read = wire::decode_scope_metadata_entry(entry);
    if (!read) {
      bad = read.error();
    } else {
      into.push_back(*std::move(read));
    }
  });
  if (!is_array || count > max_artifact_scopes) return bad_artifact(artifact_name, "scoped");
  return bad ? bad : check_scopes(into);
}

failure read_correlation(std::string_view raw, std::optional<wire::correlation_context>& into) {
  if (raw.empty()) return std::nullopt;
  if (!raw.starts_with('{')) return bad_artifact(artifact_name, "correlation");
  auto read = wire::decode_correlation_context(raw);
  if (!read) return read.error();
  if (auto bad = check_correlation(*read)) return bad;
  into = normalized(*std::move(read));
  return std::nullopt;
}

template <class Body>
decoded<connect_artifact> read_artifact(const artifact_kind& kind, std::string_view text) {
  const auto members = read_members(kind, text);
  if (!members) return members.error();
  if (!members->body.starts_with('{')) return bad_artifact(kind.message, kind.body_key);
  connect_artifact artifact;
  auto bad = read_body(members->body, artifact.body.emplace<Body>());
  if (!bad) bad = read_scopes(members->scoped, artifact.scoped);
  if (!bad) bad = read_correlation(members->correlation, artifact.correlation);
  if (bad) return *std::move(bad);
  return artifact;
}

// ---- writing

/// The text of a part, or why no reader would take it.
template <class Part>
decoded<sensitive_text> part_text(const Part& part) {
  auto text = try_encode(part);
  if (!text) return text.error();
  return sensitive_text{*std::move(text)};
}

decoded<sensitive_text> body_text(const channel_init_grant& grant) {
  if (auto bad = check_body(grant)) return *std::move(bad);
  auto text = part_text(grant);
  if (!text) return bad_body(tunnel_kind, text.error());
  return text;
}

decoded<sensitive_text> body_text(const direct_connect_info& info) {
  auto text = part_text(info);
  if (!text) return bad_body(direct_kind, text.error());
  return text;
}

failure write_scopes(messages::text_writer& out, const std::vector<wire::scope_metadata_entry>& scoped) {
  if (scoped.empty()) return std::nullopt;
  if (auto bad = check_scopes(scoped)) return bad;
  out.begin_item();
  out.key("scoped");
  out.open('[');
  for (const auto& entry : scoped) {
    const auto text = part_text(entry);
    if (!text) return text.error();
    out.begin_item();
    out.verbatim(text->view());
  }
  out.close(']');
  return std::nullopt;
}

failure write_correlation(messages::text_writer& out, const std::optional<wire::correlation_context>& correlation) {
  if (!correlation) return std::nullopt;
  if (auto bad = check_correlation(*correlation)) return bad;
  const auto text = part_text(normalized(*correlation));
  if (!text) return text.error();
  out.begin_item();
  out.key("correlation");
  out.verbatim(text->view());
  return std::nullopt;
}

}  // namespace

connect_artifact connect_artifact::clone() const {
  return {.body = std::visit([](const auto& each) -> decltype(body) { return each.clone(); }, body),
          .scoped = scoped,
          .correlation = correlation};
}

decoded<connect_artifact> decode_connect_artifact(std::string_view text) {
  if (text.size() > messages::max_text_bytes) return not_an_artifact();
  const auto kind = read_kind(text);
  if (!kind) return kind.error();
  return kind->transport == tunnel_kind.transport ? read_artifact<channel_init_grant>(tunnel_kind, text)
                                                  : read_artifact<direct_connect_info>(direct_kind, text);
}

decoded<sensitive_text> encode_connect_artifact(const connect_artifact& artifact) {
  const auto& kind = std::holds_alternative<channel_init_grant>(artifact.body) ? tunnel_kind : direct_kind;
  const auto body = std::visit([](const auto& each) { return body_text(each); }, artifact.body);
  if (!body) return body.error();
  messages::text_writer out{{.indented = false, .secret = true, .checked = true}};
  out.open('{');
  out.begin_item();
  out.key("v");
  out.verbatim("1");
  out.begin_item();
  out.key("transport");
  out.string(kind.transport);
  out.begin_item();
  out.key(kind.body_key);
  out.verbatim(body->view());
  if (auto bad = write_scopes(out, artifact.scoped)) return *std::move(bad);
  if (auto bad = write_correlation(out, artifact.correlation)) return *std::move(bad);
  out.close('}');
  sensitive_text text{out.take()};
  if (text.view().size() > messages::max_text_bytes) return not_an_artifact();
  return text;
}

}  // namespace flowersec::token
