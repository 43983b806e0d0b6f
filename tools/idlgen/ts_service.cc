#include "names.h"
#include "text.h"
#include "ts_printer.h"

namespace flowersec::idlgen {
namespace {

class service_printer {
 public:
  explicit service_printer(const file_model& model) : model_(model) {}
  std::string module();

 private:
  std::string type(const std::string& message) const { return "types." + model_.message(message).ts_name; }
  std::string function(const char* prefix, const std::string& message) const {
    return "types." + std::string{prefix} + model_.message(message).ts_name;
  }
  static std::string id_of(const service_model& service, const method_model& method) {
    return camel_case(service.name) + "TypeIds." + method.ts_name;
  }
  void ids(text& out, const service_model& service) const;
  void client(text& out, const service_model& service) const;
  void server(text& out, const service_model& service) const;
  void senders(text& out, const service_model& service) const;

  const file_model& model_;
};

void doc(text& out, const std::string& comment) {
  if (comment.empty()) return;
  out.line("/**").comment(comment, " * ").line(" */");
}

void service_printer::ids(text& out, const service_model& service) const {
  out.line("export const ", camel_case(service.name), "TypeIds = {").in();
  for (const auto& method : service.methods) out.line(method.ts_name, ": ", std::to_string(method.type_id), ",");
  out.out().line("} as const;").line();
}

void service_printer::client(text& out, const service_model& service) const {
  doc(out, service.comment);
  out.line("export interface ", service.name, "Client {").in();
  for (const auto& method : service.methods) {
    doc(out, method.comment);
    if (method.is_request) {
      out.line(method.ts_name, "(request: ", type(method.request), ", options?: wire.CallOptions): Promise<",
               type(method.response), ">;");
    } else {
      out.line("on", pascal_case(method.name), "(handler: (message: ", type(method.request), ") => void): () => void;");
    }
  }
  out.out().line("}").line();

  out.line("/** Errors: `bad <Message>.<field>` for either message, wire.RpcCallError for a refusal of the peer. */");
  out.line("export function create", service.name, "Client(rpc: wire.RpcCaller): ", service.name, "Client {").in();
  out.line("return {").in();
  for (const auto& method : service.methods) {
    if (method.is_request) {
      out.line("async ", method.ts_name, "(request, options) {").in();
      out.line("const sent = ", function("toWire", method.request), "(", function("assert", method.request),
               "(request));");
      out.line("return wire.callTyped(rpc, ", id_of(service, method), ", sent, ", function("assert", method.response),
               ", options);")
          .out()
          .line("},");
    } else {
      out.line("on", pascal_case(method.name), "(handler) {").in();
      out.line("return wire.subscribe(rpc, ", id_of(service, method), ", ", function("assert", method.request),
               ", handler);")
          .out()
          .line("},");
    }
  }
  out.out().line("};").out().line("}").line();
}

void service_printer::server(text& out, const service_model& service) const {
  if (!service.has(true)) return;
  out.line(
      "/** A handler that throws a wire.RpcCallError tells the peer its code and message; any other error is a 500. "
      "*/");
  out.line("export interface ", service.name, "Handler {").in();
  for (const auto& method : service.methods) {
    if (!method.is_request) continue;
    doc(out, method.comment);
    out.line(method.ts_name, "(request: ", type(method.request), "): Promise<", type(method.response), "> | ",
             type(method.response), ";");
  }
  out.out().line("}").line();
  out.line("export function register", service.name, "(router: wire.RpcRegistrar, handler: ", service.name,
           "Handler): void {")
      .in();
  for (const auto& method : service.methods) {
    if (!method.is_request) continue;
    out.line("router.register(").in();
    out.line(id_of(service, method), ",");
    out.line("wire.serve(").in();
    out.line(function("assert", method.request), ",");
    out.line("(request) => handler.", method.ts_name, "(request),");
    out.line("(response: ", type(method.response), ") => ", function("toWire", method.response), "(",
             function("assert", method.response), "(response)),")
        .out();
    out.line("),").out();
    out.line(");");
  }
  out.out().line("}").line();
}

void service_printer::senders(text& out, const service_model& service) const {
  for (const auto& method : service.methods) {
    if (method.is_request) continue;
    out.line("/** Sends one to the peer, from either side. Throws `bad ", method.request, ".<field>` instead. */");
    out.line("export async function notify", service.name, pascal_case(method.name),
             "(to: wire.Notifier, message: ", type(method.request), "): Promise<void> {")
        .in();
    out.line("await to.notify(", id_of(service, method), ", ", function("toWire", method.request), "(",
             function("assert", method.request), "(message)));")
        .out()
        .line("}")
        .line();
  }
}

std::string service_printer::module() {
  const auto parts = split(model_.package, '.');
  std::string up;
  for (std::size_t i = 1; i < parts.size(); ++i) up += "../";
  text out;
  out.line("// ", banner(model_.source));
  out.line("// Typed clients and handlers; the messages are in ", parts.back(), ".gen.ts.").line();
  out.line("import * as wire from \"", up, "flowersec_runtime.gen.js\";");
  out.line("import * as types from \"./", parts.back(), ".gen.js\";").line();
  for (const auto& service : model_.services) {
    ids(out, service);
    client(out, service);
    server(out, service);
    senders(out, service);
  }
  auto made = out.take();
  made.pop_back();
  return made;
}

}  // namespace

void print_ts_service(const file_model& model, std::vector<output_file>& to) {
  if (model.services.empty()) return;
  to.push_back({.path = model.folder() + ".rpc.gen.ts", .text = service_printer{model}.module()});
}

}  // namespace flowersec::idlgen
