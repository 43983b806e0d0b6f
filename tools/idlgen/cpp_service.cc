#include "cpp_printer.h"
#include "names.h"
#include "text.h"

namespace flowersec::idlgen {
namespace {

class service_printer {
 public:
  service_printer(const file_model& model, declarations& names)
      : model_(model), names_(names), scope_("::" + model.cpp_namespace) {}

  std::string header();
  std::string source();

 private:
  // All with the namespace before them: a parameter or a member may have the name of a message.
  std::string type(const std::string& message) const { return scope_ + "::" + model_.message(message).cpp_name; }
  std::string decoder(const std::string& message) const { return scope_ + "::decode_" + snake_case(message); }
  std::string id_of(const service_model& service, const method_model& method) const {
    return scope_ + "::" + id_name(service, method);
  }
  std::string encoder() const { return scope_ + "::try_encode"; }
  static std::string id_name(const service_model& service, const method_model& method) {
    return service.cpp_name + "_type_id_" + snake_case(method.name);
  }
  /// A class in the namespace, whose members may not have its name.
  std::string declare_class(const std::string& name, const service_model& service) const {
    names_.declare(scope_ + "::" + name, name, service.at);
    return names_.declare(scope_, name, service.at);
  }
  void ids(text& out, const service_model& service) const;
  void client(text& out, const service_model& service) const;
  void client_request(text& out, const std::string& scope, const service_model& service,
                      const method_model& method) const;
  void client_notification(text& out, const std::string& scope, const service_model& service,
                           const method_model& method) const;
  void handler(text& out, const service_model& service) const;
  void notifications(text& out, const service_model& service) const;
  void definitions(text& out, const service_model& service) const;

  const file_model& model_;
  declarations& names_;
  std::string scope_;
};

void service_printer::ids(text& out, const service_model& service) const {
  for (const auto& method : service.methods) {
    const auto name = names_.declare(scope_, id_name(service, method), method.at);
    const auto id = "inline constexpr std::uint32_t " + name + " = " + std::to_string(method.type_id);
    const auto plain = [this](const std::string& message) { return model_.message(message).cpp_name; };
    if (method.is_request) {
      out.line(id, ";  ///< ", plain(method.request), ", answered by ", plain(method.response));
    } else {
      out.line(id, ";  ///< ", plain(method.request), ", not answered");
    }
  }
  out.line();
}

void service_printer::client_request(text& out, const std::string& scope, const service_model& service,
                                     const method_model& method) const {
  const auto name = names_.declare(scope, "async_" + snake_case(method.name), method.at);
  out.line("template <class Token = ::flowersec::session::default_call_token>");
  out.line("auto ", name, "(const ", type(method.request),
           "& request, ::flowersec::session::call_options options, Token&& token = {}) {")
      .in();
  out.line("return ::flowersec::session::async_typed_call<", type(method.response), ">(session_, ",
           id_of(service, method), ", ", encoder(), "(request), ", decoder(method.response),
           ", options, std::forward<Token>(token));")
      .out()
      .line("}");
  out.line("template <class Token = ::flowersec::session::default_call_token>");
  out.line("auto ", name, "(const ", type(method.request), "& request, Token&& token = {}) {").in();
  out.line("return ", name, "(request, ::flowersec::session::call_options{}, std::forward<Token>(token));");
  out.out().line("}");
}

void service_printer::client_notification(text& out, const std::string& scope, const service_model& service,
                                          const method_model& method) const {
  const auto word = snake_case(method.name);
  out.line("/// Calls `handle` for each while the result lives.");
  out.line("[[nodiscard]] ::flowersec::session::subscription ", names_.declare(scope, "on_" + word, method.at),
           "(std::function<void(", type(method.request), ")> handle) {")
      .in();
  out.line("return ::flowersec::session::subscribe<", type(method.request), ">(session_, ", id_of(service, method),
           ", ", decoder(method.request), ", std::move(handle));")
      .out()
      .line("}");
  out.line("/// Sends one to the peer. Signature void(error_code).");
  out.line("template <class Token = ::flowersec::session::default_call_token>");
  out.line("auto ", names_.declare(scope, "async_notify_" + word, method.at), "(const ", type(method.request),
           "& message, Token&& token = {}) {")
      .in();
  out.line("return ::flowersec::session::async_typed_notify(session_, ", id_of(service, method), ", ", encoder(),
           "(message), std::forward<Token>(token));")
      .out()
      .line("}");
}

void service_printer::client(text& out, const service_model& service) const {
  const auto name = declare_class(service.cpp_name + "_client", service);
  out.comment(service.comment, "/// ");
  out.line("/// The calling side of ", service.name,
           ". `Session` is ::flowersec::endpoint::session or a like type; the");
  out.line("/// client holds a copy. Signature of calls: void(error_code, rpc::answer<Response>).");
  out.line("template <class Session>").line("class ", name, " {").line(" public:").in();
  out.line("explicit ", name, "(Session session) : session_(std::move(session)) {}");
  for (const auto& method : service.methods) {
    out.line();
    out.comment(method.comment, "/// ");
    const auto scope = scope_ + "::" + name;
    method.is_request ? client_request(out, scope, service, method) : client_notification(out, scope, service, method);
  }
  out.out().line().line(" private:").in().line("Session session_;").out().line("};").line();
}

void service_printer::handler(text& out, const service_model& service) const {
  if (!service.has(true)) return;
  const auto name = declare_class(service.cpp_name + "_handler", service);
  out.line("/// The serving side of ", service.name,
           ". Calls come from the session's executor, several at a time if it");
  out.line("/// has threads; answer before returning, or keep the responder. One that throws is answered 500.");
  out.line("class ", name, " {").line(" public:").in();
  out.line("virtual ~", name, "() = default;");
  for (const auto& method : service.methods) {
    if (!method.is_request) continue;
    out.line().comment(method.comment, "/// ");
    out.line("virtual void ", names_.declare(scope_ + "::" + name, method.cpp_name, method.at), "(",
             type(method.request), " request, ::flowersec::rpc::typed_responder<", type(method.response),
             "> answer) = 0;");
  }
  out.out().line("};").line();
  out.line("/// Serves the requests of ", service.name, ". The router shares the handler.");
  out.line("void ", names_.declare(scope_, "register_" + service.cpp_name, service.at),
           "(::flowersec::rpc::router& router, std::shared_ptr<", name, "> handler);")
      .line();
}

void service_printer::notifications(text& out, const service_model& service) const {
  if (!service.has(false)) return;
  const auto name = declare_class(service.cpp_name + "_notifier", service);
  out.line("/// Sends the notifications of ", service.name,
           " to a peer that is being served. Harmless when it is gone.");
  out.line("/// Errors   messages_errc::bad_field; nothing is sent then.");
  out.line("class ", name, " {").line(" public:").in();
  out.line("explicit ", name, "(::flowersec::session::rpc_peer peer) : peer_(std::move(peer)) {}").line();
  for (const auto& method : service.methods) {
    if (method.is_request) continue;
    out.line("::flowersec::error_code ", names_.declare(scope_ + "::" + name, method.cpp_name, method.at), "(const ",
             type(method.request), "& message) const;");
  }
  out.out().line().line(" private:").in().line("::flowersec::session::rpc_peer peer_;").out().line("};").line();
  out.line("/// Receives on the serving side what a peer sends. What does not decode is dropped.");
  for (const auto& method : service.methods) {
    if (method.is_request) continue;
    out.line("void ", names_.declare(scope_, "on_" + service.cpp_name + "_" + snake_case(method.name), method.at),
             "(::flowersec::rpc::router& router, std::function<void(", type(method.request), ")> handle);");
  }
  out.line();
}

std::string service_printer::header() {
  text out;
  out.line("// ", banner(model_.source));
  out.line("// Typed clients and handlers; the messages are in types.gen.h.");
  out.line("#pragma once").line();
  for (const auto* each : {"<cstdint>", "<functional>", "<memory>", "<utility>"}) out.line("#include ", each);
  out.line().line("#include \"", model_.folder(), "/types.gen.h\"");
  out.line("#include \"flowersec/rpc/typed.h\"").line("#include \"flowersec/session/typed_rpc.h\"").line();
  out.line("namespace ", model_.cpp_namespace, " {").line();
  for (const auto& service : model_.services) {
    ids(out, service);
    client(out, service);
    handler(out, service);
    notifications(out, service);
  }
  out.line("}  // namespace ", model_.cpp_namespace);
  return out.take();
}

void service_printer::definitions(text& out, const service_model& service) const {
  if (service.has(true)) {
    out.line("void register_", service.cpp_name, "(::flowersec::rpc::router& router, std::shared_ptr<",
             service.cpp_name, "_handler> handler) {")
        .in();
    for (const auto& method : service.methods) {
      if (!method.is_request) continue;
      const auto types = type(method.request) + ", " + type(method.response);
      out.line("router.on_request(", id_of(service, method), ", ::flowersec::rpc::typed_handler<", types, ">(",
               decoder(method.request), ", [handler](", type(method.request),
               " request, ::flowersec::rpc::typed_responder<", type(method.response), "> answer) {")
          .in();
      out.line("handler->", method.cpp_name, "(std::move(request), std::move(answer));").out().line("}));");
    }
    out.out().line("}").line();
  }
  for (const auto& method : service.methods) {
    if (method.is_request) continue;
    out.line("::flowersec::error_code ", service.cpp_name, "_notifier::", method.cpp_name, "(const ",
             type(method.request), "& message) const {")
        .in();
    out.line("return ::flowersec::session::typed_notify(peer_, ", id_of(service, method), ", ", encoder(),
             "(message));");
    out.out().line("}").line();
    out.line("void on_", service.cpp_name, "_", snake_case(method.name),
             "(::flowersec::rpc::router& router, std::function<void(", type(method.request), ")> handle) {")
        .in();
    out.line("router.on_notification(", id_of(service, method), ", ::flowersec::rpc::typed_notification<",
             type(method.request), ">(", decoder(method.request), ", std::move(handle)));")
        .out()
        .line("}")
        .line();
  }
}

std::string service_printer::source() {
  text out;
  out.line("// ", banner(model_.source));
  out.line("#include \"", model_.folder(), "/service.gen.h\"").line();
  out.line("namespace ", model_.cpp_namespace, " {").line();
  for (const auto& service : model_.services) definitions(out, service);
  out.line("}  // namespace ", model_.cpp_namespace);
  return out.take();
}

}  // namespace

void print_cpp_service(const file_model& model, declarations& names, std::vector<output_file>& to) {
  if (model.services.empty()) return;
  service_printer printer{model, names};
  to.push_back({.path = model.folder() + "/service.gen.h", .text = printer.header()});
  to.push_back({.path = model.folder() + "/service.gen.cc", .text = printer.source()});
}

}  // namespace flowersec::idlgen
