// Names in TypeScript: words that get a mark, and elements that would get the same name.
#include "ts_names.h"

#include "compile.h"

namespace flowersec::idlgen::testing {
namespace {

const std::string types_ts = "acme/test/v1.gen.ts";
const std::string rpc_ts = "acme/test/v1.rpc.gen.ts";

std::string request(const std::string& name, int id) {
  return "  rpc " + name +
         "(A) returns (A) { option (flowersec.options.v1.kind) = KIND_REQUEST; option "
         "(flowersec.options.v1.type_id) = " +
         std::to_string(id) + "; }\n";
}
std::string notify(const std::string& name, int id) {
  return "  rpc " + name +
         "(A) returns (flowersec.options.v1.Nothing) { option (flowersec.options.v1.kind) = KIND_NOTIFY; option "
         "(flowersec.options.v1.type_id) = " +
         std::to_string(id) + "; }\n";
}

class ts_words : public ::testing::TestWithParam<const char*> {};

TEST_P(ts_words, are_marked_as_types_and_keep_their_name_in_errors) {
  const std::string word = GetParam();
  const auto message =
      ts("message " + word + " { string f = 1; }\nmessage Other { .acme.test.v1." + word + " f = 1; }");
  EXPECT_TRUE(message.has(types_ts, "export interface " + word + "_ {")) << message;
  EXPECT_TRUE(message.has(types_ts, "export function decode" + word + "_(")) << message;
  EXPECT_TRUE(message.has(types_ts, "  name: \"" + word + "\",")) << message;
  EXPECT_TRUE(message.has(types_ts, "  f: " + word + "_;")) << message;
}

INSTANTIATE_TEST_SUITE_P(all, ts_words,
                         ::testing::Values("abstract", "any", "arguments", "async", "await", "class", "const",
                                           "default", "delete", "enum", "eval", "export", "function", "implements",
                                           "import", "infer", "interface", "keyof", "let", "namespace", "never", "new",
                                           "null", "number", "object", "package", "private", "readonly", "return",
                                           "static", "super", "symbol", "this", "throw", "true", "type", "typeof",
                                           "undefined", "unique", "unknown", "var", "void", "wire", "types", "with",
                                           "yield", "AbortSignal", "Array", "Date", "Error", "Function", "JSON", "Map",
                                           "Number", "Object", "Promise", "Record", "RegExp", "Set", "String", "Symbol",
                                           "Uint8Array"),
                         [](const auto& row) { return std::string{row.param}; });

TEST(ts_type_names, of_enums_are_marked_too) {
  const auto result = ts("enum function { FUNCTION_A = 0; }\nmessage A { function f = 1; }");
  EXPECT_TRUE(result.has(types_ts, "export const function_ = {")) << result;
  EXPECT_TRUE(result.has(types_ts, "export function isfunction_(value: unknown): value is function_ {")) << result;
  EXPECT_TRUE(result.has(types_ts, "f: isfunction_,")) << result;
}

TEST(ts_type_names, of_other_words_stay) {
  for (const auto* word : {"Request", "Response", "Event", "Text", "Value", "Message", "Shape", "from", "value"}) {
    EXPECT_EQ(ts_type_name(word), word);
  }
}

TEST(ts_member_names, that_every_object_has_are_marked) {
  for (const auto* word : {"then", "catch", "finally", "constructor", "prototype", "toString", "valueOf", "toJSON",
                           "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString"}) {
    EXPECT_EQ(ts_member_name(word), std::string{word} + "_");
  }
  for (const auto* word : {"class", "delete", "new", "wire", "on"}) EXPECT_EQ(ts_member_name(word), word);
  const auto result = ts("message A {}\nservice S {\n" + request("ToString", 1) + request("Delete", 2) + "}");
  EXPECT_TRUE(result.has(rpc_ts, "async toString_(request, options) {")) << result;
  EXPECT_TRUE(result.has(rpc_ts, "async delete(request, options) {")) << result;
  EXPECT_EQ(ts_method_name("new"), "new_");
  EXPECT_EQ(ts_method_name("then"), "then_");
  EXPECT_EQ(ts_method_name("news"), "news");
}

struct clash {
  const char* name;
  std::string body;       ///< begins on line 4
  const char* complaint;  ///< behind "test.proto:"
};

const clash clashes[] = {
    {"assert_function", "message Foo {}\nmessage assertFoo {}",
     "5: acme.test.v1.assertFoo: its name in TypeScript, assertFoo, is also that of acme.test.v1.Foo"},
    {"encode_function", "message Foo {}\nmessage encodeFoo {}",
     "5: acme.test.v1.encodeFoo: its name in TypeScript, encodeFoo, is also that of acme.test.v1.Foo"},
    {"decode_function", "message Foo {}\nmessage decodeFoo {}",
     "5: acme.test.v1.decodeFoo: its name in TypeScript, decodeFoo, is also that of acme.test.v1.Foo"},
    {"to_wire_function", "message Foo {}\nmessage toWireFoo {}",
     "5: acme.test.v1.toWireFoo: its name in TypeScript, toWireFoo, is also that of acme.test.v1.Foo"},
    {"shape", "message Foo {}\nmessage shapeOfFoo {}",
     "5: acme.test.v1.shapeOfFoo: its name in TypeScript, shapeOfFoo, is also that of acme.test.v1.Foo"},
    {"function_of_a_message_declared_later", "message encodeFoo {}\nmessage Foo {}",
     "5: acme.test.v1.Foo: its name in TypeScript, encodeFoo, is also that of acme.test.v1.encodeFoo"},
    {"enum_test", "enum Foo { FOO_A = 0; }\nmessage isFoo {}",
     "5: acme.test.v1.isFoo: its name in TypeScript, isFoo, is also that of acme.test.v1.Foo"},
    {"enum_values", "enum Foo {\n  FOO_bar_baz = 0;\n  FOO_barBaz = 1;\n}",
     "6: acme.test.v1.FOO_barBaz: its name in TypeScript, bar_baz, is also that of acme.test.v1.FOO_bar_baz"},
    {"two_requests", "message A {}\nservice S {\n" + request("GetIt", 1) + request("Get_It", 2) + "}",
     "7: acme.test.v1.S.Get_It: its name in TypeScript, getIt, is also that of acme.test.v1.S.GetIt"},
    {"request_and_notification", "message A {}\nservice S {\n" + request("GetIt", 1) + notify("Get_It", 2) + "}",
     "7: acme.test.v1.S.Get_It: its name in TypeScript, getIt, is also that of acme.test.v1.S.GetIt"},
    {"request_like_a_subscription", "message A {}\nservice S {\n" + notify("Added", 1) + request("OnAdded", 2) + "}",
     "7: acme.test.v1.S.OnAdded: its name in TypeScript, onAdded, is also that of acme.test.v1.S.Added"},
    {"senders_of_two_services",
     "message A {}\nservice S {\n" + notify("TU", 1) + "}\nservice ST {\n" + notify("U", 2) + "}",
     "9: acme.test.v1.ST.U: its name in TypeScript, notifySTU, is also that of acme.test.v1.S.TU"},
    {"type_ids_of_two_services",
     "message A {}\nservice Foo {\n" + request("M", 1) + "}\nservice foo {\n" + request("N", 2) + "}",
     "8: acme.test.v1.foo: its name in TypeScript, fooTypeIds, is also that of acme.test.v1.Foo"},
    {"client_like_a_constructor",
     "message A {}\nservice S {\n" + request("M", 1) + "}\nservice createS {\n" + request("N", 2) + "}",
     "8: acme.test.v1.createS: its name in TypeScript, createSClient, is also that of acme.test.v1.S"},
    {"client_like_a_registration",
     "message A {}\nservice SClient {\n" + request("M", 1) + "}\nservice registerS {\n" + request("N", 2) + "}",
     "8: acme.test.v1.registerS: its name in TypeScript, registerSClient, is also that of acme.test.v1.SClient"},
    {"handler_like_a_sender",
     "message A {}\nservice S {\n" + notify("THandler", 1) + "}\nservice notifyST {\n" + request("N", 2) + "}",
     "8: acme.test.v1.notifyST: its name in TypeScript, notifySTHandler, is also that of acme.test.v1.S.THandler"},
};

class ts_clashes : public ::testing::TestWithParam<clash> {};

TEST_P(ts_clashes, are_refused_with_both_elements_for_either_language) {
  for (const auto* language : {"cpp", "ts"}) {
    const auto result = run({{"test.proto", file_head + GetParam().body}}, language);
    const auto complaint = std::string{"test.proto:"} + GetParam().complaint;
    std::stringstream lines{result.error};
    int times = 0;
    for (std::string line; std::getline(lines, line);) times += line == complaint ? 1 : 0;
    EXPECT_EQ(times, 1) << result.error;
    EXPECT_TRUE(result.files.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(all, ts_clashes, ::testing::ValuesIn(clashes),
                         [](const auto& row) { return std::string{row.param.name}; });

TEST(ts_names_of_modules, do_not_clash_with_those_of_another) {
  const auto messages_and_services = ts("message A {}\nmessage SHandle {}\nservice S {\n" + request("M", 1) + "}");
  EXPECT_EQ(messages_and_services.error, "");
  const std::string text = "; message A { string f = 1; }";
  EXPECT_EQ(run({{"a.proto", "syntax = \"proto3\"; package acme.a.v1" + text},
                 {"b.proto", "syntax = \"proto3\"; package acme.b.v1" + text}},
                "ts")
                .error,
            "");
}

}  // namespace
}  // namespace flowersec::idlgen::testing
