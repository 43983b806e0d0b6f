#include "adversary_chat.h"

#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/json/array.hpp>
#include <map>
#include <memory>
#include <optional>

#include "flowersec/ownwire/client.h"

namespace flowersec {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::size_t longest_shown = 40;
constexpr std::size_t shown_of_session = 8;
constexpr std::string_view say_this = "say ";
constexpr std::string_view that_is_all = "that is all";

std::string words_of(const error_code& why) {
  if (const auto info = endpoint::describe_error(why)) return to_string(*info);
  if (why.category() == make_error_code(ownwire::client_errc::closed).category()) {
    return std::string{to_string(static_cast<ownwire::client_errc>(why.value()))};
  }
  return why.message();
}

std::string shown(const std::string& text) {
  return text.size() <= longest_shown ? text : std::to_string(text.size()) + " bytes";
}

class chat;
/// Those that are not over, by the command that began them.
std::map<std::int64_t, std::shared_ptr<chat>>& chats() {
  static std::map<std::int64_t, std::shared_ptr<chat>> all;
  return all;
}

/// One client, from its start to its end. Its events come on a strand, and the program has one thread.
class chat : public std::enable_shared_from_this<chat> {
 public:
  chat(asio::any_io_executor executor, json::value id, std::function<void(json::object)> report)
      : executor_(std::move(executor)), id_(std::move(id)), report_(std::move(report)) {}

  void start(const json::object& command) {
    ownwire::client_options options;
    options.url = command.at("url").as_string();
    options.server_keys.push_back(*sealed::public_key::parse(command.at("key").as_string()));
    options.origin = "http://127.0.0.1";
    options.reconnect = {.enabled = true,
                         .max_attempts = static_cast<int>(command.at("attempts").as_int64()),
                         .initial_delay = {},
                         .max_delay = {},
                         .factor = 1,
                         .jitter_ratio = 0};
    options.reconnect.drain_spread = std::chrono::milliseconds{command.at("spread").as_int64()};
    options.on_event = [this](const ownwire::client_event& event) {
      std::visit([this](const auto& what) { on(what); }, event);
    };
    client_.emplace(ownwire::client::create(executor_, std::move(options)).value());
    client_->async_connect(asio::detached);
    const auto texts = command.at("texts").as_int64();
    for (std::int64_t i = 1; i <= texts; ++i) client_->async_send("text " + std::to_string(i), asio::detached);
  }

  void leave() { client_->async_close(asio::detached); }
  void leave_when_lost() {
    if (has_met_problem_) return leave();
    leaves_when_lost_ = true;
  }

 private:
  void word(std::string what) { words_.emplace_back(std::move(what)); }

  void on(const ownwire::state_changed& /*said by the others*/) {}
  void on(const ownwire::session_opened& what) {
    word((what.resumed ? "resumed " : "new ") + what.session_id.substr(0, shown_of_session));
  }
  void on(const ownwire::text_sent& what) { word("sent " + std::to_string(what.id)); }
  void on(const ownwire::text_delivered& what) { word("delivered " + std::to_string(what.id)); }
  void on(const ownwire::text_failed& what) { word("failed " + std::to_string(what.id) + " " + words_of(what.why)); }
  void on(const ownwire::typing_changed& what) { word(what.on ? "typing on" : "typing off"); }
  void on(const ownwire::problem_met& what) {
    word("problem " + words_of(what.why));
    has_met_problem_ = true;
    if (leaves_when_lost_) asio::post(executor_, [self = shared_from_this()] { self->leave(); });
  }

  void on(const ownwire::reply_received& what) {
    if (what.content == that_is_all) return leave();
    word("reply " + std::to_string(what.seq) + " " + shown(what.content) +
         (what.metadata ? " (" + shown(*what.metadata) + ")" : ""));
    if (what.content.starts_with(say_this)) {
      client_->async_send(what.content.substr(say_this.size()),
                          [self = shared_from_this()](error_code why, std::uint64_t id) {
                            if (why && id == 0) self->word("refused " + words_of(why));
                          });
    }
  }

  // The client goes when it has told everything.
  void on(const ownwire::chat_closed& what) {
    word(what.why ? "over " + words_of(what.why) : "left");
    asio::post(executor_, [self = shared_from_this()] {
      self->report_({{"id", self->id_}, {"said", std::move(self->words_)}});
      chats().erase(self->id_.as_int64());
    });
  }

  asio::any_io_executor executor_;
  json::value id_;
  std::function<void(json::object)> report_;
  std::optional<ownwire::client> client_;
  json::array words_;
  bool has_met_problem_ = false;
  bool leaves_when_lost_ = false;
};

}  // namespace

void start_chat(asio::any_io_executor executor, const json::object& command, std::function<void(json::object)> report) {
  const auto& id = command.at("id");
  const auto made = std::make_shared<chat>(std::move(executor), id, std::move(report));
  chats().emplace(id.as_int64(), made);
  made->start(command);
}

void leave_chat(const json::object& command) {
  const auto found = chats().find(command.at("of").as_int64());
  if (found == chats().end()) return;
  command.at("lost").as_bool() ? found->second->leave_when_lost() : found->second->leave();
}

}  // namespace flowersec
