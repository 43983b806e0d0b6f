#include "chat/run.h"

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <fstream>
#include <iostream>

#include "chat/identity_store.h"
#include "chat/line_reader.h"
#include "chat/qr.h"
#include "flowersec/rendezvous/secure_socket_client.h"
#include "serving/no_dumps.h"

namespace flowersec::apps {
namespace {

namespace asio = boost::asio;

unix_seconds wall_now() { return to_unix_seconds(system_clocks().wall_now()); }

/// One messenger while it runs. Everything but the reader's thread is on the client's strand.
class chat_session {
 public:
  chat_session(const chat_command_line& options, std::vector<chat_registry> registries, identity_store store,
               std::ostream& out)
      : options_(options),
        store_(std::move(store)),
        registries_(std::move(registries)),
        out_(out),
        machine_({.registries = registries_, .link_front = options.page.empty() ? "flowersec:" : options.page},
                 *store_.known(), store_.open_invitations(), system_random()) {}

  /// `link`: an invitation to begin with, or blank.
  or_problem<int> run(const std::string& link) {
    auto made = rendezvous::secure_socket_client::create(context_.get_executor(), client_options());
    if (!made) return problem{"the client was not made: " + made.error().message()};
    client_.emplace(std::move(*made));
    timer_.emplace(client_->get_executor());
    signals_.emplace(client_->get_executor(), SIGINT, SIGTERM);
    asio::post(client_->get_executor(), [this, link] { begin(link); });
    context_.run();
    reader_.reset();
    return exit_code_;
  }

 private:
  rendezvous::secure_socket_options client_options() {
    rendezvous::secure_socket_options made;
    for (const auto& each : registries_) made.registries.push_back({.url = each.url, .keys = each.keys});
    made.contacts = store_.known();
    if (options_.transport == "plain") made.transport = rendezvous::registry_transport::plain;
    if (options_.ask) made.unknown = rendezvous::unknown_callers::ask;
    made.replace = options_.replace;
    if (!options_.origin.empty()) made.origin = options_.origin;
    if (!options_.ca.empty()) made.trust.ca_file = options_.ca;
    made.on_message = [this](const rendezvous::received_message& received) {
      if (!is_over_) perform(machine_.on_message(received));
      // What nobody could read is not acknowledged.
      if (is_over_ || !out_) throw std::runtime_error{"nobody reads"};
    };
    made.on_incoming = [this](const rendezvous::incoming_call& call) { perform(machine_.on_incoming(call)); };
    made.on_state = [this](const rendezvous::socket_event& what) { perform(machine_.on_event(what)); };
    return made;
  }

  void begin(const std::string& link) {
    perform(machine_.start(wall_now()));
    if (!link.empty()) perform(machine_.on_command(chat::join{.link = link}, wall_now()));
    client_->async_start([](error_code) {});  // what became of it is told by on_state
    wait_for_signal();
    reader_.emplace(STDIN_FILENO, max_chat_line_bytes, [this](std::optional<line_reader::line> line) {
      asio::post(client_->get_executor(), [this, read = std::move(line)] { on_line(read); });
    });
  }

  void on_line(const std::optional<line_reader::line>& line) {
    if (!line) return perform(machine_.on_leave());
    if (line->is_too_long) {
      perform(machine_.on_command(chat::bad{"a line has at most " + std::to_string(max_chat_line_bytes) + " bytes"},
                                  wall_now()));
    } else {
      perform(
          machine_.on_command(options_.json ? parse_chat_json(line->text) : parse_chat_line(line->text), wall_now()));
    }
    if (reader_) reader_->next();
  }

  void wait_for_signal() {
    signals_->async_wait([this](error_code why, int /*number*/) {
      if (why) return;
      perform(machine_.on_leave());
      if (!is_over_) wait_for_signal();
    });
  }

  void perform(chat_intents wanted) {
    for (auto& each : wanted) {
      std::visit([this](auto& intent) { perform(intent); }, each);
    }
    if (!out_ && !is_over_) end(exit_runtime);
  }

  void perform(const intents::tell& intent) {
    if (options_.json) {
      out_ << intent.what.json << '\n' << std::flush;
      return;
    }
    if (intent.what.text.empty()) return;
    if (!intent.what.qr.empty() && !options_.no_qr) {
      const auto colours = ::isatty(STDOUT_FILENO) != 0 ? qr_colours::black_on_white : qr_colours::none;
      out_ << qr_blocks(intent.what.qr, colours).value_or("");
    }
    out_ << intent.what.text << '\n' << std::flush;
  }

  void perform(const intents::send& intent) {
    client_->async_send(intent.to, intent.content,
                        [this, id = intent.id](error_code why) { perform(machine_.on_sent(id, why)); });
  }

  void perform(const intents::save& /*intent*/) {
    if (const auto saved = store_.save(); !saved) {
      perform(intents::tell{trouble("not_saved", "not saved: " + saved.error().text)});
    }
  }

  void perform(const intents::refresh& /*intent*/) { client_->refresh_contacts(); }
  void perform(const intents::retry_registries& /*intent*/) { client_->retry(); }
  void perform(const intents::let_in& intent) { client_->accept_call(intent.call); }
  void perform(intents::expect_guest& intent) {
    client_->expect_guest(std::move(intent.given), std::move(intent.name), intent.since);
  }
  void perform(intents::use_invitation& intent) { client_->use_invitation(std::move(intent.given)); }

  void perform(const intents::write_copy& intent) {
    const auto written = store_.write_copy(intent.path);
    perform(machine_.on_exported(intent.path, written ? std::string{} : written.error().text));
  }
  void perform(const intents::read_copy& intent) { perform(machine_.on_imported(store_.read_copy(intent.path))); }

  void perform(const intents::wait& /*intent*/) {
    timer_->expires_after(std::chrono::ceil<std::chrono::milliseconds>(options_.patience));
    timer_->async_wait([this](error_code why) {
      if (!why) perform(machine_.on_patience_over());
    });
  }
  void perform(const intents::finish& intent) { end(intent.exit_code); }

  void end(int exit_code) {
    is_over_ = true;
    exit_code_ = exit_code;
    timer_->cancel();
    signals_->cancel();
    client_->async_close([this](error_code) { context_.stop(); });
  }

  const chat_command_line& options_;
  identity_store store_;
  std::vector<chat_registry> registries_;
  std::ostream& out_;
  chat_machine machine_;
  asio::io_context context_{1};
  std::optional<rendezvous::secure_socket_client> client_;
  std::optional<asio::steady_timer> timer_;
  std::optional<asio::signal_set> signals_;
  std::optional<line_reader> reader_;
  bool is_over_ = false;
  int exit_code_ = exit_ok;
};

/// The first line of stdin, byte by byte, so that nothing behind it is lost.
std::string first_line() {
  std::string text;
  for (char each = 0; ::read(STDIN_FILENO, &each, 1) == 1 && each != '\n' && text.size() <= identity::max_link_bytes;) {
    text += each;
  }
  return text;
}

}  // namespace

int run_chat(const invocation& io) {
  forbid_dumps();
  std::signal(SIGPIPE, SIG_IGN);
  chat_command_line options;
  const auto described = describe_chat(options);
  if (const auto code = read_command_line(described, io)) return *code;
  if (const auto complaint = usage_problem(options)) return usage_error(described, io, *complaint);

  if (options.join == "-" && ::isatty(STDIN_FILENO) != 0) io.err << "link of the invitation: " << std::flush;
  const auto link = options.join == "-" ? first_line() : options.join;
  std::optional<identity::invitation> invited;
  if (!link.empty()) {
    auto read = identity::invitation::parse(link);
    if (!read) return fail(io, exit_usage, "--join: " + read.error().message());
    invited = std::move(*read);
  }
  auto registries = read_registries(options, invited);
  if (!registries) return usage_error(described, io, registries.error().text);
  if (registries->empty()) return usage_error(described, io, "missing --registry");
  auto store = identity_store::open(options);
  if (!store) return fail(io, exit_runtime, store.error().text);
  chat_session session{options, std::move(*registries), std::move(*store), io.out};
  const auto code = session.run(link);
  return code ? *code : fail(io, exit_runtime, code.error().text);
}

}  // namespace flowersec::apps
