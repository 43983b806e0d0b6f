// Every rule of the IDL: what breaks it, and that the error names file, line, element and rule.
#include "compile.h"

namespace flowersec::idlgen::testing {
namespace {

struct broken {
  const char* name;
  const char* body;       ///< begins on line 4
  const char* complaint;  ///< behind "test.proto:"
};

const broken table[] = {
    {"type_id_missing",
     "message A {}\nservice S {\n  rpc M(A) returns (A) { option (flowersec.options.v1.kind) = KIND_REQUEST; }\n}",
     "6: acme.test.v1.S.M: type_id is missing, or 0"},
    {"type_id_twice_in_two_services",
     "message A {}\nservice S { rpc M(A) returns (A) { option (flowersec.options.v1.kind) = KIND_REQUEST; option "
     "(flowersec.options.v1.type_id) = 7; } }\nservice T { rpc N(A) returns (A) { option (flowersec.options.v1.kind) = "
     "KIND_REQUEST; option (flowersec.options.v1.type_id) = 7; } }",
     "6: acme.test.v1.T.N: type_id 7 is taken by acme.test.v1.S.M"},
    {"kind_missing", "message A {}\nservice S { rpc M(A) returns (A) { option (flowersec.options.v1.type_id) = 7; } }",
     "5: acme.test.v1.S.M: kind is missing: KIND_REQUEST or KIND_NOTIFY"},
    {"notify_with_response",
     "message A {}\nservice S { rpc M(A) returns (A) { option (flowersec.options.v1.kind) = KIND_NOTIFY; option "
     "(flowersec.options.v1.type_id) = 7; } }",
     "5: acme.test.v1.S.M: a notification has no response: returns (flowersec.options.v1.Nothing)"},
    {"request_without_response",
     "message A {}\nservice S { rpc M(A) returns (flowersec.options.v1.Nothing) { option (flowersec.options.v1.kind) = "
     "KIND_REQUEST; option (flowersec.options.v1.type_id) = 7; } }",
     "5: acme.test.v1.S.M: the response is a message of the same file"},
    {"request_of_another_file",
     "message A {}\nservice S { rpc M(flowersec.options.v1.Nothing) returns (A) { option (flowersec.options.v1.kind) = "
     "KIND_REQUEST; option (flowersec.options.v1.type_id) = 7; } }",
     "5: acme.test.v1.S.M: the request is a message of the same file"},
    {"streaming",
     "message A {}\nservice S { rpc M(stream A) returns (A) { option (flowersec.options.v1.kind) = KIND_REQUEST; "
     "option "
     "(flowersec.options.v1.type_id) = 7; } }",
     "5: acme.test.v1.S.M: there are no streaming calls"},
    {"empty_service", "service S {}", "4: acme.test.v1.S: a service needs a method"},
    {"bytes", "message A {\n  bytes f = 1;\n}",
     "5: acme.test.v1.A.f: bytes has no form on the wire; use a string of base64url whose name ends in _b64u"},
    {"float", "message A { float f = 1; }", "4: acme.test.v1.A.f: there are no fractions on the wire"},
    {"double", "message A { double f = 1; }", "4: acme.test.v1.A.f: there are no fractions on the wire"},
    {"fixed", "message A { fixed64 f = 1; }", "4: acme.test.v1.A.f: integers are int32, uint32, int64 or uint64"},
    {"zigzag", "message A { sint32 f = 1; }", "4: acme.test.v1.A.f: integers are int32, uint32, int64 or uint64"},
    {"oneof", "message A {\n  oneof either { string f = 1; string g = 2; }\n}",
     "5: acme.test.v1.A.either: oneof has no form on the wire"},
    {"nested_message", "message A {\n  message B {}\n}", "5: acme.test.v1.A.B: types are declared at the top level"},
    {"nested_enum", "message A {\n  enum B { B_A = 0; }\n}",
     "5: acme.test.v1.A.B: types are declared at the top level"},
    {"list_of_bytes", "message A { repeated uint32 f = 1 [(flowersec.options.v1.width) = WIDTH_U8]; }",
     "4: acme.test.v1.A.f: a list of one-byte numbers; use a base64url string"},
    {"list_of_byte_enums",
     "enum E { option (flowersec.options.v1.enum_width) = WIDTH_U8; E_A = 0; }\nmessage A { repeated E f = 1; }",
     "5: acme.test.v1.A.f: a list of one-byte numbers; use a base64url string"},
    {"map_to_number", "message A { map<string, uint32> f = 1; }", "4: acme.test.v1.A.f: a map is map<string, string>"},
    {"map_from_number", "message A { map<uint32, string> f = 1; }",
     "4: acme.test.v1.A.f: a map is map<string, string>"},
    {"numbers_out_of_order", "message A {\n  string f = 2;\n  string g = 1;\n}",
     "6: acme.test.v1.A.g: field numbers must ascend in declared order, which is the order on the wire"},
    {"json_name", "message A { string some_name = 1 [json_name = \"other\"]; }",
     "4: acme.test.v1.A.some_name: json_name: the key is the name of the field"},
    {"type_of_another_file", "message A { flowersec.options.v1.Nothing f = 1; }",
     "4: acme.test.v1.A.f: a field's type is declared in the same file"},
    {"enum_value_too_wide", "enum E { option (flowersec.options.v1.enum_width) = WIDTH_U8;\n  E_A = 0;\n  E_B = 256; }",
     "6: acme.test.v1.E_B: the number does not fit the width of the enum: 0 to 255"},
    {"enum_value_negative", "enum E { E_A = 0;\n  E_B = -1; }",
     "5: acme.test.v1.E_B: the number does not fit the width of the enum: 0 to 2147483647"},
    {"enum_alias", "enum E { option allow_alias = true; E_A = 0; E_B = 0; }",
     "4: acme.test.v1.E: allow_alias: one number has one name"},
    {"enum_without_prefix", "enum Colour { COLOUR_RED = 0;\n  BLUE = 1; }",
     "5: acme.test.v1.BLUE: the name must begin with COLOUR_"},
    {"enum_value_begins_with_a_digit", "enum Band { BAND_OFF = 0;\n  BAND_5G = 1; }",
     "5: acme.test.v1.BAND_5G: a letter must follow BAND_"},
    {"enum_hides_more_than_zero", "enum E { E_A = 0;\n  E_B = 1 [(flowersec.options.v1.not_on_wire) = true]; }",
     "5: acme.test.v1.E_B: not_on_wire is for the value 0 only"},
    {"enum_with_nothing_for_the_wire", "enum E { E_A = 0 [(flowersec.options.v1.not_on_wire) = true]; }",
     "4: acme.test.v1.E: an enum needs a value that may be on the wire"},
    {"width_on_int32", "message A { int32 f = 1 [(flowersec.options.v1.width) = WIDTH_U8]; }",
     "4: acme.test.v1.A.f: width is for uint32"},
    {"raw_json_on_number", "message A { uint32 f = 1 [(flowersec.options.v1.raw_json) = true]; }",
     "4: acme.test.v1.A.f: raw_json is for a single string"},
    {"raw_json_list", "message A { repeated string f = 1 [(flowersec.options.v1.raw_json) = true]; }",
     "4: acme.test.v1.A.f: raw_json is for a single string"},
    {"sensitive_number", "message A { uint32 f = 1 [(flowersec.options.v1.sensitive) = true]; }",
     "4: acme.test.v1.A.f: sensitive is for a single string"},
    {"may_be_absent_on_single", "message A { string f = 1 [(flowersec.options.v1.may_be_absent) = true]; }",
     "4: acme.test.v1.A.f: may_be_absent is for repeated and map fields; others say optional"},
    {"null_is_absent_on_required", "message A { string f = 1 [(flowersec.options.v1.null_is_absent) = true]; }",
     "4: acme.test.v1.A.f: null_is_absent is for fields that may be left out, and not for raw_json"},
    {"absent_as_null_on_text", "message A { string f = 1 [(flowersec.options.v1.absent_as_null) = true]; }",
     "4: acme.test.v1.A.f: absent_as_null is for raw_json fields that are not optional"},
    {"omit_empty_on_required", "message A { string f = 1 [(flowersec.options.v1.omit_empty) = true]; }",
     "4: acme.test.v1.A.f: omit_empty is for optional strings and for lists and maps that may be absent"},
    {"view_on_text", "message A { string f = 1 [(flowersec.options.v1.view) = true]; }",
     "4: acme.test.v1.A.f: view is for raw_json fields"},
    {"view_in_a_call",
     "message A { string f = 1 [(flowersec.options.v1.raw_json) = true, (flowersec.options.v1.view) = true]; }\n"
     "service S {\n  rpc M(A) returns (A) { option (flowersec.options.v1.kind) = KIND_REQUEST; option "
     "(flowersec.options.v1.type_id) = 7; } }",
     "6: acme.test.v1.S.M: A holds a view, which would outlive the text of the call"},
    {"endless_message", "message A { B b = 1; }\nmessage B { A a = 1; }",
     "4: acme.test.v1.A: a message can hold itself only through a repeated field"},
    {"two_messages_with_one_cpp_name", "message FooBar {}\nmessage Foo_Bar {}",
     "5: acme.test.v1.Foo_Bar: its name in C++, foo_bar, is also that of acme.test.v1.FooBar"},
    {"message_like_an_enum", "enum FooBar { FOO_BAR_A = 0; }\nmessage foo_bar {}",
     "5: acme.test.v1.foo_bar: its name in C++, foo_bar, is also that of acme.test.v1.FooBar"},
    {"message_like_a_function", "message Foo {}\nmessage DecodeFoo {}",
     "5: acme.test.v1.DecodeFoo: its name in C++, decode_foo, is also that of acme.test.v1.Foo"},
    {"two_methods_with_one_name",
     "message A {}\nservice S { rpc GetIt(A) returns (A) { option (flowersec.options.v1.kind) = KIND_REQUEST; option "
     "(flowersec.options.v1.type_id) = 1; }\n  rpc Get_It(A) returns (A) { option (flowersec.options.v1.kind) = "
     "KIND_REQUEST; option (flowersec.options.v1.type_id) = 2; } }",
     "6: acme.test.v1.S.Get_It: its name in C++, get_it, is also that of acme.test.v1.S.GetIt"},
    {"leading_underscore", "message A { string _f = 1; }",
     "4: acme.test.v1.A._f: a name must not begin or end with an underscore"},
    {"two_underscores", "message A { string f__g = 1; }",
     "4: acme.test.v1.A.f__g: a name must not contain two underscores in a row"},
};

class rules : public ::testing::TestWithParam<broken> {};

TEST_P(rules, broken_is_refused_with_its_place) {
  for (const auto* language : {"cpp", "ts"}) {
    const auto result = run({{"test.proto", file_head + GetParam().body}}, language);
    // One mistake may break more rules than one; the first says what was done.
    EXPECT_EQ(result.error.substr(0, result.error.find('\n')), std::string{"test.proto:"} + GetParam().complaint);
    EXPECT_TRUE(result.files.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(all, rules, ::testing::ValuesIn(table),
                         [](const auto& row) { return std::string{row.param.name}; });

std::string error_of_file(const std::string& text) { return run({{"test.proto", text}}, "cpp").error; }

TEST(rules_of_files, the_package_has_three_parts_and_ends_in_a_version) {
  const std::string rule = ": the package needs at least three parts, the last a version: acme.files.v1";
  EXPECT_EQ(error_of_file("syntax = \"proto3\"; package acme.v1;"), "test.proto:1: acme.v1" + rule);
  EXPECT_EQ(error_of_file("syntax = \"proto3\"; package acme.files.one;"), "test.proto:1: acme.files.one" + rule);
  EXPECT_EQ(error_of_file("syntax = \"proto3\";"), "test.proto:1: " + rule);
  EXPECT_EQ(error_of_file("syntax = \"proto3\"; package acme.files.v12;"), "");
}

TEST(rules_of_files, only_proto3) {
  EXPECT_EQ(error_of_file("syntax = \"proto2\"; package acme.files.v1;"),
            "test.proto:1: acme.files.v1: the file must say syntax = \"proto3\"");
}

TEST(rules_of_files, no_well_known_types) {
  const auto result = run({{"known.proto", "syntax = \"proto3\"; package google.protobuf; message Thing {}"},
                           {"test.proto",
                            "syntax = \"proto3\"; package acme.test.v1;\nimport "
                            "\"known.proto\";\nmessage A { google.protobuf.Thing f = 1; }"}},
                          "cpp");
  EXPECT_NE(result.error.find("test.proto:3: acme.test.v1.A.f: well-known types have forms of their own in JSON"),
            std::string::npos)
      << result.error;
}

TEST(rules_of_files, two_files_of_one_package_would_write_the_same_outputs) {
  const std::string text = "syntax = \"proto3\"; package acme.test.v1;";
  EXPECT_EQ(run({{"a.proto", text}, {"b.proto", text}}, "cpp").error,
            "b.proto:1: acme.test.v1: the package is that of a.proto; one file each");
}

TEST(rules_of_files, every_problem_is_named_in_one_run) {
  EXPECT_EQ(
      cpp("message A { float f = 1;\n  bytes g = 2; }").error,
      "test.proto:4: acme.test.v1.A.f: there are no fractions on the wire\n"
      "test.proto:5: acme.test.v1.A.g: bytes has no form on the wire; use a string of base64url whose name ends in "
      "_b64u");
}

TEST(rules_of_files, duplicate_keys_are_refused_by_protoc_itself) {
  EXPECT_EQ(cpp("message A { string f = 1; string f = 2; }").error.substr(0, 7), "protoc:");
}

TEST(rules_of_files, the_language_is_one_of_two) {
  EXPECT_EQ(run({{"test.proto", file_head}}, "go").error, "--flowersec_opt must be cpp or ts");
}

}  // namespace
}  // namespace flowersec::idlgen::testing
