#include "declarations.h"
#include "names.h"
#include "text.h"
#include "ts_doc.h"
#include "ts_printer.h"

namespace flowersec::idlgen {
namespace {

class service_printer {
 public:
  service_printer(const file_model& model, declarations& names) : model_(model), names_(names) {}
  std::string module();
  [[nodiscard]] std::string path() const { return model_.folder() + ".rpc.gen.ts"; }

 private:
  std::string type(const std::string& message) const { return "types." + model_.message(message).ts_name; }
  std::string function(const char* prefix, const std::string& message) const {
    return "types." + std::string{prefix} + model_.message(message).ts_name;
  }
  static std::string ids_of(const service_model& service) { return camel_case(service.name) + "TypeIds"; }
  static std::string id_of(const service_model& service, const method_model& method) {
    return ids_of(service) + "." + method.ts_name;
  }
  /// For a name that the module declares.
  std::string declare(const std::string& name, const origin& owner) const {
    return names_.declare(path(), name, owner);
  }
  /// For a name in an object or interface that the module declares.
  std::string member(const std::string& of, const std::string& name, const method_model& owner) const {
    return names_.declare(path() + ' ' + of, name, owner.at);
  }
  static std::string on(const method_model& method) { return "on" + pascal_case(method.name); }
  void ids(text& out, const service_model& service) const;
  void client(text& out, const service_model& service) const;
  void server(text& out, const service_model& service) const;
  void senders(text& out, const service_model& service) const;

  const file_model& model_;
  declarations& names_;
};

void service_printer::ids(text& out, const service_model& service) const {
  const auto name = declare(ids_of(service), service.at);
  doc(out, "Type ids of the methods of " + service.name + '.');
  out.line("export const ", name, " = {").in();
  for (const auto& method : service.methods) {
    out.line(member(name, method.ts_name, method), ": ", std::to_string(method.type_id), ",");
  }
  out.out().line("} as const;").line();
}

void service_printer::client(text& out, const service_model& service) const {
  const auto name = declare(service.name + "Client", service.at);
  doc(out, comment_or(service.comment, "Client of", service.at));
  out.line("export interface ", name, " {").in();
  for (const auto& method : service.methods) {
    doc(out, method.comment);
    if (method.is_request) {
      out.line(member(name, method.ts_name, method), "(request: ", type(method.request),
               ", options?: wire.CallOptions): Promise<", type(method.response), ">;");
    } else {
      out.line(member(name, on(method), method), "(handler: (message: ", type(method.request),
               ") => void): () => void;");
    }
  }
  out.out().line("}").line();

  out.line("/** Errors: `bad <Message>.<field>` for either message, wire.RpcCallError for a refusal of the peer. */");
  out.line("export function ", declare("create" + name, service.at), "(rpc: wire.RpcCaller): ", name, " {").in();
  out.line("return {").in();
  for (const auto& method : service.methods) {
    if (method.is_request) {
      out.line("async ", method.ts_name, "(request, options) {").in();
      out.line("const sent = ", function("toWire", method.request), "(request);");
      out.line("return wire.callTyped(rpc, ", id_of(service, method), ", sent, ", function("assert", method.response),
               ", options);");
    } else {
      out.line(on(method), "(handler) {").in();
      out.line("return wire.subscribe(rpc, ", id_of(service, method), ", ", function("assert", method.request),
               ", handler);");
    }
    out.out().line("},");
  }
  out.out().line("};").out().line("}").line();
}

void service_printer::server(text& out, const service_model& service) const {
  if (!service.has(true)) return;
  const auto name = declare(service.name + "Handler", service.at);
  out.line(
      "/** A handler that throws a wire.RpcCallError tells the peer its code and message; any other error is a 500. "
      "*/");
  out.line("export interface ", name, " {").in();
  for (const auto& method : service.methods) {
    if (!method.is_request) continue;
    doc(out, method.comment);
    out.line(member(name, method.ts_name, method), "(request: ", type(method.request), "): Promise<",
             type(method.response), "> | ", type(method.response), ";");
  }
  out.out().line("}").line();
  doc(out, "Lets a handler answer what clients of " + service.name + " ask.");
  out.line("export function ", declare("register" + service.name, service.at),
           "(router: wire.RpcRegistrar, handler: ", name, "): void {")
      .in();
  for (const auto& method : service.methods) {
    if (!method.is_request) continue;
    out.line("router.register(").in();
    out.line(id_of(service, method), ",");
    out.line("wire.serve(").in();
    out.line(function("assert", method.request), ",");
    out.line("(request) => handler.", method.ts_name, "(request),");
    out.line(function("toWire", method.response), ",").out();
    out.line("),").out();
    out.line(");");
  }
  out.out().line("}").line();
}

void service_printer::senders(text& out, const service_model& service) const {
  for (const auto& method : service.methods) {
    if (method.is_request) continue;
    out.line("/** Sends one to the peer, from either side. Throws `bad ", method.request, ".<field>` instead. */");
    out.line("export async function ", declare("notify" + service.name + pascal_case(method.name), method.at),
             "(to: wire.Notifier, message: ", type(method.request), "): Promise<void> {")
        .in();
    out.line("await to.notify(", id_of(service, method), ", ", function("toWire", method.request), "(message));")
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
  out.line("import * as ", declare("wire", model_.at), " from \"", up, "flowersec_runtime.gen.js\";");
  out.line("import * as ", declare("types", model_.at), " from \"./", parts.back(), ".gen.js\";").line();
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

void print_ts_service(const file_model& model, declarations& names, std::vector<output_file>& to) {
  if (model.services.empty()) return;
  service_printer printer{model, names};
  to.push_back({.path = printer.path(), .text = printer.module()});
}

}  // namespace flowersec::idlgen
