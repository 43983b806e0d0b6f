#include "controlplane/admin.h"

#include <algorithm>
#include <filesystem>

#include "controlplane/tunnel_keys.h"
#include "flowersec/base/base64url.h"
#include "flowersec/base/json.h"
#include "flowersec/base/text.h"
#include "flowersec/controlplane/direct_init.h"
#include "flowersec/controlplane/file.h"
#include "flowersec/controlplane/state_store.h"
#include "flowersec/http/client.h"
#include "tools/output.h"

namespace flowersec::apps::plane {
namespace {

using controlplane::failure;
using controlplane::issue_direct;
using controlplane::key_state;
using controlplane::outcome;
using controlplane::state_store;
using controlplane::store_errc;

unix_seconds wall_now() { return to_unix_seconds(system_clocks().wall_now()); }

/// What to do about it, behind what is wrong.
std::string advice(const failure& failed) {
  if (failed.code == store_errc::no_file) return "; flowersec-controlplane init --state FILE makes one";
  if (failed.code == store_errc::not_private) return "; it holds secret keys: chmod 600 it";
  if (failed.code == store_errc::endpoint_exists) return "; revoke-endpoint first, then add it again";
  if (failed.code == store_errc::key_needed) return "; try again 3 minutes after rotate-key, or say --now";
  if (failed.code == store_errc::key_signs) return "; rotate-key to another one first";
  if (failed.code == store_errc::unknown_key) return "; publish-key makes one, list-keys lists them";
  if (failed.code == store_errc::key_exists) return "; take another --kid";
  return {};
}

int fail_with(const invocation& io, const failure& failed) {
  return fail(io, exit_runtime, failed.text + advice(failed));
}

int print(const invocation& io, const std::string& text, bool pretty = false) {
  const auto printed = write_json(io, {}, text, pretty);
  return printed ? exit_ok : fail(io, exit_runtime, printed.error().text);
}

std::string_view word_of(controlplane::key_state state) {
  switch (state) {
    case controlplane::key_state::published:
      return "published";
    case controlplane::key_state::signing:
      return "signing";
    case controlplane::key_state::replaced:
      break;
  }
  return "replaced";
}

/// Opens the state file and goes on with it.
template <class Work>
int with_state(const invocation& io, const admin_command& c, Work work) {
  auto store = state_store::open(c.files.state);
  return store ? work(*store) : fail_with(io, store.error());
}

int finish_key_step(const invocation& io, const admin_command& c, state_store& store, std::string_view state) {
  // After the step: whoever dies in between has the file written by the next command, or by the service.
  if (const auto written = store.write_keyset_file(c.files.keyset_path()); !written) {
    return fail_with(io, written.error());
  }
  std::string text;
  json_object_writer{text}
      .field("kid", c.kid)
      .field("state", state)
      .field("issuer_keys_file", c.files.keyset_path())
      .end();
  return print(io, text, c.pretty);
}

int write_first_keyset(const admin_command& c, const invocation& io) {
  return with_state(io, c, [&](state_store& store) {
    const auto written = store.write_keyset_file(c.files.keyset_path());
    return written ? exit_ok : fail(io, exit_runtime, written.error().text + "; no state file was made");
  });
}

int run_init(const admin_command& c, const invocation& io) {
  if (const auto refusal = overwrite_refusal({c.files.keyset_path()}, c.overwrite)) {
    return fail(io, exit_usage, *refusal);
  }
  const auto key = crypto::ed25519_signing_key::generate(system_random());
  if (!key) return fail(io, exit_runtime, "cannot make a key: " + key.error().message());
  if (const auto made = state_store::create(c.files.state, c.kid, *key, wall_now()); !made) {
    return fail_with(io, made.error());
  }
  if (const auto code = write_first_keyset(c, io); code != exit_ok) {
    // So that init can be called again. Beside the file lie what SQLite needs while it is open.
    for (const auto* part : {"", "-wal", "-shm"}) {
      std::error_code ignored;
      std::filesystem::remove(c.files.state + part, ignored);
    }
    return code;
  }
  std::string text;
  json_object_writer{text}
      .field("state", c.files.state)
      .field("issuer_keys_file", c.files.keyset_path())
      .field("kid", c.kid)
      .end();
  return print(io, text, c.pretty);
}

std::optional<std::string> credential_problem(const admin_command& c) {
  if (c.control_url.empty()) return "missing --control-url (wss://HOST/control/ws)";
  if (const auto complaint = websocket_url_problem("--control-url", c.control_url)) return complaint;
  if (!std::string_view{c.control_url}.ends_with(control_path)) {
    return "invalid --control-url: " + c.control_url + " does not end with " + std::string{control_path};
  }
  if (!controlplane::parse_suite_name(c.suite)) return "invalid --suite: " + c.suite + " (x25519 or p256)";
  if (c.valid_for < std::chrono::seconds{1}) return "--valid-for must be >= 1s";
  return std::nullopt;
}

int run_add_endpoint(const admin_command& c, const invocation& io) {
  if (const auto refusal = overwrite_refusal({c.out}, c.overwrite)) return fail(io, exit_usage, *refusal);
  controlplane::direct_init_options options;
  options.ws_url = c.control_url;
  options.suite = *controlplane::parse_suite_name(c.suite);
  options.init_window = std::chrono::floor<std::chrono::seconds>(c.valid_for);
  const auto info = issue_direct(options, system_random(), wall_now());
  if (!info) return fail(io, exit_runtime, "cannot make a credential: " + info.error().message());
  return with_state(io, c, [&](state_store& store) {
    const auto added = store.add_endpoint({.endpoint_id = c.endpoint_id,
                                           .channel_id = info->channel_id,
                                           .psk = *crypto::psk::from_base64url(info->e2ee_psk_b64u.view()),
                                           .init_exp = unix_seconds{info->channel_init_expire_at_unix_s},
                                           .suite = options.suite},
                                          wall_now());
    if (!added) return fail_with(io, added.error());
    const messages::sensitive_text text{encode(*info)};
    const auto written = write_json(io, c.out, text.view(), c.pretty);
    if (written) return exit_ok;
    return fail(io, exit_runtime,
                written.error().text + "; the credential is lost: revoke-endpoint, then add it again");
  });
}

int run_revoke_endpoint(const admin_command& c, const invocation& io) {
  return with_state(io, c, [&](state_store& store) {
    if (const auto revoked = store.revoke_endpoint(c.endpoint_id); !revoked) return fail_with(io, revoked.error());
    std::string text;
    json_object_writer{text}.field("endpoint_id", c.endpoint_id).field("revoked", true).end();
    return print(io, text, c.pretty);
  });
}

int run_list_endpoints(const admin_command& c, const invocation& io) {
  return with_state(io, c, [&](state_store& store) {
    const auto all = store.endpoints();
    if (!all) return fail_with(io, all.error());
    for (const auto& one : *all) {
      std::string text;
      json_object_writer{text}
          .field("endpoint_id", one.endpoint_id)
          .field("added_at", count(one.added_at))
          .field("expires_at", count(one.expires_at))
          .end();
      if (const auto code = print(io, text); code != exit_ok) return code;
    }
    return exit_ok;
  });
}

int run_make_ticket(const admin_command& c, const invocation& io) {
  constexpr std::size_t ticket_bytes = 32;
  std::array<std::byte, ticket_bytes> random{};
  if (!system_random().fill(random)) return fail(io, exit_runtime, "the system has no randomness");
  const messages::sensitive_text ticket{encode_base64url(random)};
  const auto expires_at =
      unix_seconds{count(wall_now()) + std::chrono::floor<std::chrono::seconds>(c.valid_for).count()};
  return with_state(io, c, [&](state_store& store) {
    const auto added = store.add_ticket({.hash = crypto::sha256(as_bytes(ticket.view())),
                                         .endpoint_id = c.endpoint_id,
                                         .uses = static_cast<std::uint32_t>(c.uses),
                                         .expires_at = expires_at},
                                        wall_now());
    if (!added) return fail_with(io, added.error());
    std::string text;
    json_object_writer{text}
        .field("ticket", ticket.view())
        .field("endpoint_id", c.endpoint_id)
        .field("uses", c.uses)
        .field("expires_at", count(expires_at))
        .end();
    return print(io, text, c.pretty);
  });
}

int run_list_keys(const admin_command& c, const invocation& io) {
  return with_state(io, c, [&](state_store& store) {
    const auto all = store.keys();
    if (!all) return fail_with(io, all.error());
    for (const auto& one : *all) {
      std::string text;
      json_object_writer{text}
          .field("kid", one.kid)
          .field("state", word_of(one.state))
          .field("since", count(one.since))
          .end();
      if (const auto code = print(io, text); code != exit_ok) return code;
    }
    return exit_ok;
  });
}

/// What has become of a key.
outcome<key_state> state_of_key(state_store& store, std::string_view kid) {
  const auto all = store.keys();
  if (!all) return all.error();
  const auto found = std::ranges::find(*all, trim(kid), &controlplane::key_record::kid);
  if (found != all->end()) return found->state;
  return failure{store_errc::unknown_key, std::string{kid} + ": " + describe(store_errc::unknown_key)};
}

// Each step of a rotation may be repeated: one that was done already only writes the keyset file again.

int run_publish_key(const admin_command& c, const invocation& io) {
  const auto key = crypto::ed25519_signing_key::generate(system_random());
  if (!key) return fail(io, exit_runtime, "cannot make a key: " + key.error().message());
  return with_state(io, c, [&](state_store& store) {
    const auto published = store.publish_key(c.kid, *key, wall_now());
    if (published) return finish_key_step(io, c, store, "published");
    if (published.error().code != store_errc::key_exists) return fail_with(io, published.error());
    const auto present = state_of_key(store, c.kid);
    const bool waits = present && *present == key_state::published;
    return waits ? finish_key_step(io, c, store, "published") : fail_with(io, published.error());
  });
}

int run_rotate_key(const admin_command& c, const invocation& io) {
  return with_state(io, c, [&](state_store& store) {
    const auto present = state_of_key(store, c.kid);
    if (!present) return fail_with(io, present.error());
    if (*present == key_state::signing) return finish_key_step(io, c, store, "signing");
    // Before the tunnels are asked: a step before this one may have died before it wrote the file.
    if (const auto written = store.write_keyset_file(c.files.keyset_path()); !written) {
      return fail_with(io, written.error());
    }
    if (!c.unchecked) {
      const key_of_issuer key{.kid = c.kid, .audience = c.audience, .issuer = c.issuer};
      if (const auto missing = wait_for_key(c.tunnel_ready_urls, key, c.wait)) {
        return fail(io, exit_runtime, *missing + "; nothing was changed");
      }
    }
    const auto rotated = store.rotate_key(c.kid, wall_now());
    return rotated ? finish_key_step(io, c, store, "signing") : fail_with(io, rotated.error());
  });
}

/// It was retired before, or somebody mistyped it and the key that is to go stays.
void warn_of_absent_key(const invocation& io, const std::string& kid, state_store& store) {
  std::string ids;
  if (const auto all = store.keys()) {
    for (const auto& one : *all) ids += (ids.empty() ? "" : ", ") + one.kid;
  }
  io.err << "warning: no key has the id " << kid << "; there are: " << ids << '\n' << std::flush;
}

int run_retire_key(const admin_command& c, const invocation& io) {
  return with_state(io, c, [&](state_store& store) {
    const auto wait = c.now ? std::chrono::seconds{0} : controlplane::retired_key_wait;
    const auto retired = store.retire_key(c.kid, wall_now(), wait);
    if (!retired && retired.error().code == store_errc::unknown_key) {
      warn_of_absent_key(io, c.kid, store);
      return finish_key_step(io, c, store, "absent");
    }
    return retired ? finish_key_step(io, c, store, "retired") : fail_with(io, retired.error());
  });
}

int run_export_key(const admin_command& c, const invocation& io) {
  if (const auto refusal = overwrite_refusal({c.out}, c.overwrite)) return fail(io, exit_usage, *refusal);
  return with_state(io, c, [&](state_store& store) {
    const auto issuer = store.load_issuer();
    if (!issuer) return fail_with(io, issuer.error());
    const auto secret = issuer->export_private_key_file();
    const auto written = controlplane::write_file_atomically(c.out, secret.view(), controlplane::secret_file_mode);
    return written ? exit_ok : fail(io, exit_runtime, written.error().text);
  });
}

int run_back_up(const admin_command& c, const invocation& io) {
  return with_state(io, c, [&](state_store& store) {
    const auto copied = store.back_up(c.out);
    return copied ? exit_ok : fail_with(io, copied.error());
  });
}

// ---- What each command needs besides a state file.

using check = std::optional<std::string> (*)(const admin_command&);

std::optional<std::string> nothing(const admin_command&) { return std::nullopt; }
std::optional<std::string> needs_kid(const admin_command& c) {
  return c.kid.empty() ? std::optional<std::string>{"missing --kid"} : std::nullopt;
}
std::optional<std::string> needs_endpoint(const admin_command& c) {
  return c.endpoint_id.empty() ? std::optional<std::string>{"missing --endpoint-id"} : std::nullopt;
}
std::optional<std::string> out_problem(const admin_command& c) {
  return replaced_state_problem(c.files, "--out", c.out);
}
std::optional<std::string> needs_out(const admin_command& c) {
  return c.out.empty() ? std::optional<std::string>{"missing --out"} : out_problem(c);
}
std::optional<std::string> needs_new_key(const admin_command& c) {
  auto problem = new_id_problem("--kid", c.kid);
  return problem ? problem : keyset_problem(c.files);
}
std::optional<std::string> needs_old_key(const admin_command& c) {
  auto missing = needs_kid(c);
  return missing ? missing : keyset_problem(c.files);
}
std::optional<std::string> needs_credential(const admin_command& c) {
  if (auto problem = new_id_problem("--endpoint-id", c.endpoint_id)) return problem;
  auto problem = credential_problem(c);
  return problem ? problem : out_problem(c);
}
std::optional<std::string> needs_ticket(const admin_command& c) {
  if (auto missing = needs_endpoint(c)) return missing;
  if (c.uses < 1 || c.uses > 1'000'000) return "--uses must be between 1 and 1000000";
  if (c.valid_for < std::chrono::seconds{1}) return "--valid-for must be >= 1s";
  return std::nullopt;
}
std::optional<std::string> needs_tunnels(const admin_command& c) {
  if (auto problem = needs_old_key(c)) return problem;
  if (c.unchecked && !c.tunnel_ready_urls.empty()) return "--unchecked and --tunnel-ready-url exclude each other";
  if (c.unchecked) return std::nullopt;
  if (c.tunnel_ready_urls.empty()) {
    return "missing --tunnel-ready-url for each tunnel (or --unchecked, when they are known to have the key)";
  }
  for (const auto& url : c.tunnel_ready_urls) {
    if (!http::parse_url(url)) return "invalid --tunnel-ready-url: " + url + " is not an http or https URL";
  }
  if (c.audience.empty()) return "missing --aud: a tunnel lists its keys by audience and issuer";
  if (c.issuer.empty()) return "missing --iss: a tunnel lists its keys by audience and issuer";
  return std::nullopt;
}

struct command_entry {
  std::string_view word;
  program (*describe)(admin_command&);
  check problem;
  int (*run)(const admin_command&, const invocation&);
};

constexpr std::array<command_entry, 11> commands{{
    {"init", describe_init, needs_new_key, run_init},
    {"add-endpoint", describe_add_endpoint, needs_credential, run_add_endpoint},
    {"revoke-endpoint", describe_revoke_endpoint, needs_endpoint, run_revoke_endpoint},
    {"list-endpoints", describe_list_endpoints, nothing, run_list_endpoints},
    {"make-ticket", describe_make_ticket, needs_ticket, run_make_ticket},
    {"list-keys", describe_list_keys, nothing, run_list_keys},
    {"publish-key", describe_publish_key, needs_new_key, run_publish_key},
    {"rotate-key", describe_rotate_key, needs_tunnels, run_rotate_key},
    {"retire-key", describe_retire_key, needs_old_key, run_retire_key},
    {"export-key", describe_export_key, needs_out, run_export_key},
    {"back-up", describe_back_up, needs_out, run_back_up},
}};

}  // namespace

std::optional<int> run_admin(std::string_view word, const invocation& io) {
  for (const auto& entry : commands) {
    if (entry.word != word) continue;
    admin_command c;
    const auto described = entry.describe(c);
    if (const auto code = read_command_line(described, io)) return code;
    if (c.files.state.empty()) return usage_error(described, io, "missing --state");
    if (const auto complaint = entry.problem(c)) return usage_error(described, io, *complaint);
    return entry.run(c, io);
  }
  return std::nullopt;
}

}  // namespace flowersec::apps::plane
