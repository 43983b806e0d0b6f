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
     "4: acme.test.v1.A: a message can hold itself only through a repeated field: A.b -> B.a -> A"},
    {"endless_message_that_may_be_absent", "message A { string f = 1;\n  optional A a = 2; }",
     "4: acme.test.v1.A: a message can hold itself only through a repeated field: A.a -> A"},
    {"endless_messages_behind_another", "message A { B b = 1; }\nmessage B { C c = 1; }\nmessage C { B b = 1; }",
     "5: acme.test.v1.B: a message can hold itself only through a repeated field: B.c -> C.b -> B"},
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
     "6: acme.test.v1.S.Get_It: its name in C++, s_type_id_get_it, is also that of acme.test.v1.S.GetIt"},
    {"leading_underscore", "message A { string _f = 1; }",
     "4: acme.test.v1.A._f: a name must not begin or end with an underscore"},
    {"two_underscores", "message A { string f__g = 1; }",
     "4: acme.test.v1.A.f__g: a name must not contain two underscores in a row"},
    {"extension",
     "import \"google/protobuf/descriptor.proto\";\nextend google.protobuf.FieldOptions { string e = 50999; }",
     "5: acme.test.v1.e: extensions have no place on the wire"},
    {"extension_in_a_message",
     "import \"google/protobuf/descriptor.proto\";\nmessage A {\n  extend google.protobuf.FieldOptions { string e = "
     "50999; }\n}",
     "6: acme.test.v1.A.e: extensions have no place on the wire"},
    {"enum_of_another_file", "message A { flowersec.options.v1.Width f = 1; }",
     "4: acme.test.v1.A.f: a field's type is declared in the same file"},
    {"enum_value_too_wide_for_16_bits",
     "enum E { option (flowersec.options.v1.enum_width) = WIDTH_U16;\n  E_Z = 0;\n  E_A = 65535;\n  E_B = 65536; }",
     "7: acme.test.v1.E_B: the number does not fit the width of the enum: 0 to 65535"},
    {"streaming_response",
     "message A {}\nservice S { rpc M(A) returns (stream A) { option (flowersec.options.v1.kind) = KIND_REQUEST; "
     "option (flowersec.options.v1.type_id) = 7; } }",
     "5: acme.test.v1.S.M: there are no streaming calls"},
    {"type_id_zero",
     "message A {}\nservice S { rpc M(A) returns (A) { option (flowersec.options.v1.kind) = KIND_REQUEST; option "
     "(flowersec.options.v1.type_id) = 0; } }",
     "5: acme.test.v1.S.M: type_id is missing, or 0"},
    {"fixed32", "message A { fixed32 f = 1; }", "4: acme.test.v1.A.f: integers are int32, uint32, int64 or uint64"},
    {"sfixed32", "message A { sfixed32 f = 1; }", "4: acme.test.v1.A.f: integers are int32, uint32, int64 or uint64"},
    {"sfixed64", "message A { sfixed64 f = 1; }", "4: acme.test.v1.A.f: integers are int32, uint32, int64 or uint64"},
    {"sint64", "message A { sint64 f = 1; }", "4: acme.test.v1.A.f: integers are int32, uint32, int64 or uint64"},
    {"list_of_raw_bytes", "message A { repeated bytes f = 1; }",
     "4: acme.test.v1.A.f: bytes has no form on the wire; use a string of base64url whose name ends in _b64u"},
    {"width_on_uint64", "message A { uint64 f = 1 [(flowersec.options.v1.width) = WIDTH_U16]; }",
     "4: acme.test.v1.A.f: width is for uint32"},
    {"raw_json_map", "message A { map<string, string> f = 1 [(flowersec.options.v1.raw_json) = true]; }",
     "4: acme.test.v1.A.f: raw_json is for a single string"},
    {"sensitive_raw_json",
     "message A { string f = 1 [(flowersec.options.v1.raw_json) = true, (flowersec.options.v1.sensitive) = true]; }",
     "4: acme.test.v1.A.f: sensitive is for a single string"},
    {"sensitive_list", "message A { repeated string f = 1 [(flowersec.options.v1.sensitive) = true]; }",
     "4: acme.test.v1.A.f: sensitive is for a single string"},
    {"may_be_absent_on_optional", "message A { optional string f = 1 [(flowersec.options.v1.may_be_absent) = true]; }",
     "4: acme.test.v1.A.f: may_be_absent is for repeated and map fields; others say optional"},
    {"null_is_absent_on_raw_json",
     "message A { optional string f = 1 [(flowersec.options.v1.raw_json) = true, (flowersec.options.v1.null_is_absent) "
     "= true]; }",
     "4: acme.test.v1.A.f: null_is_absent is for fields that may be left out, and not for raw_json"},
    {"absent_as_null_on_optional",
     "message A { optional string f = 1 [(flowersec.options.v1.raw_json) = true, (flowersec.options.v1.absent_as_null) "
     "= true]; }",
     "4: acme.test.v1.A.f: absent_as_null is for raw_json fields that are not optional"},
    {"omit_empty_on_number", "message A { optional uint32 f = 1 [(flowersec.options.v1.omit_empty) = true]; }",
     "4: acme.test.v1.A.f: omit_empty is for optional strings and for lists and maps that may be absent"},
    {"omit_empty_on_list_that_must_be_there",
     "message A { repeated string f = 1 [(flowersec.options.v1.omit_empty) = true]; }",
     "4: acme.test.v1.A.f: omit_empty is for optional strings and for lists and maps that may be absent"},
    {"omit_empty_on_raw_json",
     "message A { optional string f = 1 [(flowersec.options.v1.raw_json) = true, (flowersec.options.v1.omit_empty) = "
     "true]; }",
     "4: acme.test.v1.A.f: omit_empty is for optional strings and for lists and maps that may be absent"},
    {"view_inside_a_response",
     "message A {}\nmessage B { V v = 1; }\nmessage V { string f = 1 [(flowersec.options.v1.raw_json) = true, "
     "(flowersec.options.v1.view) = true]; }\nservice S { rpc M(A) returns (B) { option (flowersec.options.v1.kind) = "
     "KIND_REQUEST; option (flowersec.options.v1.type_id) = 7; } }",
     "7: acme.test.v1.S.M: B holds a view, which would outlive the text of the call"},
    {"view_in_a_notification",
     "message A { string f = 1 [(flowersec.options.v1.raw_json) = true, (flowersec.options.v1.view) = true]; "
     "}\nservice S { rpc M(A) returns (flowersec.options.v1.Nothing) { option (flowersec.options.v1.kind) = "
     "KIND_NOTIFY; option (flowersec.options.v1.type_id) = 7; } }",
     "5: acme.test.v1.S.M: A holds a view, which would outlive the text of the call"},
    {"enum_prefix_alone", "enum E { E_A = 0;\n  E_ = 1; }", "5: acme.test.v1.E_: the name must begin with E_"},
    {"underscore_of_a_message", "message A_ {}", "4: acme.test.v1.A_: a name must not begin or end with an underscore"},
    {"underscore_of_an_enum", "enum E__F { E__F_A = 0; }",
     "4: acme.test.v1.E__F: a name must not contain two underscores in a row"},
    {"underscore_of_an_enum_value", "enum E { E_A = 0;\n  E_B_ = 1; }",
     "5: acme.test.v1.E_B_: a name must not begin or end with an underscore"},
    {"underscore_of_a_service",
     "message A {}\nservice _S { rpc M(A) returns (A) { option (flowersec.options.v1.kind) = KIND_REQUEST; option "
     "(flowersec.options.v1.type_id) = 7; } }",
     "5: acme.test.v1._S: a name must not begin or end with an underscore"},
    {"underscore_of_a_method",
     "message A {}\nservice S { rpc M_(A) returns (A) { option (flowersec.options.v1.kind) = KIND_REQUEST; option "
     "(flowersec.options.v1.type_id) = 7; } }",
     "5: acme.test.v1.S.M_: a name must not begin or end with an underscore"},
    {"two_messages_that_are_marked", "message Class {}\nmessage class {}",
     "5: acme.test.v1.class: its name in C++, class_, is also that of acme.test.v1.Class"},
    {"two_enum_values_with_one_cpp_name", "enum E { E_FOO_BAR = 0;\n  E_FooBar = 1; }",
     "5: acme.test.v1.E_FooBar: its name in C++, foo_bar, is also that of acme.test.v1.E_FOO_BAR"},
    {"message_like_a_client",
     "message ThingsClient {}\nservice Things { rpc Go(ThingsClient) returns (ThingsClient) { option "
     "(flowersec.options.v1.kind) = KIND_REQUEST; option (flowersec.options.v1.type_id) = 7; } }",
     "5: acme.test.v1.Things: its name in C++, things_client, is also that of acme.test.v1.ThingsClient"},
    {"message_like_a_handler",
     "message ThingsHandler {}\nservice Things { rpc Go(ThingsHandler) returns (ThingsHandler) { option "
     "(flowersec.options.v1.kind) = KIND_REQUEST; option (flowersec.options.v1.type_id) = 7; } }",
     "5: acme.test.v1.Things: its name in C++, things_handler, is also that of acme.test.v1.ThingsHandler"},
    {"message_like_a_notifier",
     "message ThingsNotifier {}\nservice Things { rpc Go(ThingsNotifier) returns (flowersec.options.v1.Nothing) { "
     "option (flowersec.options.v1.kind) = KIND_NOTIFY; option (flowersec.options.v1.type_id) = 7; } }",
     "5: acme.test.v1.Things: its name in C++, things_notifier, is also that of acme.test.v1.ThingsNotifier"},
    {"message_like_a_registration",
     "message RegisterThings {}\nservice Things { rpc Go(RegisterThings) returns (RegisterThings) { option "
     "(flowersec.options.v1.kind) = KIND_REQUEST; option (flowersec.options.v1.type_id) = 7; } }",
     "5: acme.test.v1.Things: its name in C++, register_things, is also that of acme.test.v1.RegisterThings"},
    {"message_like_a_type_id",
     "message ThingsTypeIdGo {}\nservice Things {\n  rpc Go(ThingsTypeIdGo) returns (ThingsTypeIdGo) { option "
     "(flowersec.options.v1.kind) = KIND_REQUEST; option (flowersec.options.v1.type_id) = 7; } }",
     "6: acme.test.v1.Things.Go: its name in C++, things_type_id_go, is also that of acme.test.v1.ThingsTypeIdGo"},
    {"message_like_a_subscription",
     "message OnThingsGo {}\nservice Things {\n  rpc Go(OnThingsGo) returns (flowersec.options.v1.Nothing) { option "
     "(flowersec.options.v1.kind) = KIND_NOTIFY; option (flowersec.options.v1.type_id) = 7; } }",
     "6: acme.test.v1.Things.Go: its name in C++, on_things_go, is also that of acme.test.v1.OnThingsGo"},
    {"service_behind_the_message_it_clashes_with",
     "service Things { rpc Go(ThingsNotifier) returns (flowersec.options.v1.Nothing) { option "
     "(flowersec.options.v1.kind) = KIND_NOTIFY; option (flowersec.options.v1.type_id) = 7; } }\nmessage "
     "ThingsNotifier {}",
     "5: acme.test.v1.ThingsNotifier: its name in C++, things_notifier, is also that of acme.test.v1.Things"},
    {"services_and_methods_that_join_alike",
     "message A {}\nservice ThingsFoo { rpc Bar(A) returns (flowersec.options.v1.Nothing) { option "
     "(flowersec.options.v1.kind) = KIND_NOTIFY; option (flowersec.options.v1.type_id) = 7; } }\nservice Things {\n  "
     "rpc FooBar(A) returns (flowersec.options.v1.Nothing) { option (flowersec.options.v1.kind) = KIND_NOTIFY; option "
     "(flowersec.options.v1.type_id) = 8; } }",
     "7: acme.test.v1.Things.FooBar: its name in C++, on_things_foo_bar, is also that of acme.test.v1.ThingsFoo.Bar"},
    {"request_like_the_sender_of_a_notification",
     "message A {}\nservice S { rpc Go(A) returns (flowersec.options.v1.Nothing) { option (flowersec.options.v1.kind) "
     "= KIND_NOTIFY; option (flowersec.options.v1.type_id) = 7; }\n  rpc NotifyGo(A) returns (A) { option "
     "(flowersec.options.v1.kind) = KIND_REQUEST; option (flowersec.options.v1.type_id) = 8; } }",
     "6: acme.test.v1.S.NotifyGo: its name in C++, async_notify_go, is also that of acme.test.v1.S.Go"},
    {"request_like_its_handler",
     "message A {}\nservice S {\n  rpc SHandler(A) returns (A) { option (flowersec.options.v1.kind) = KIND_REQUEST; "
     "option (flowersec.options.v1.type_id) = 7; } }",
     "6: acme.test.v1.S.SHandler: its name in C++, s_handler, is also that of acme.test.v1.S"},
    {"notification_like_its_notifier",
     "message A {}\nservice S {\n  rpc SNotifier(A) returns (flowersec.options.v1.Nothing) { option "
     "(flowersec.options.v1.kind) = KIND_NOTIFY; option (flowersec.options.v1.type_id) = 7; } }",
     "6: acme.test.v1.S.SNotifier: its name in C++, s_notifier, is also that of acme.test.v1.S"},
    {"notification_like_its_client",
     "message A {}\nservice On {\n  rpc Client(A) returns (flowersec.options.v1.Nothing) { option "
     "(flowersec.options.v1.kind) = KIND_NOTIFY; option (flowersec.options.v1.type_id) = 7; } }",
     "6: acme.test.v1.On.Client: its name in C++, on_client, is also that of acme.test.v1.On"},
};

class rules : public ::testing::TestWithParam<broken> {};

TEST_P(rules, broken_is_refused_with_its_place) {
  for (const auto* language : {"cpp", "ts"}) {
    const auto result = run({{"test.proto", file_head + GetParam().body}}, language);
    // One mistake may break more rules than one.
    const auto expected = std::string{"test.proto:"} + GetParam().complaint;
    EXPECT_NE(('\n' + result.error + '\n').find('\n' + expected + '\n'), std::string::npos)
        << "expected " << expected << "\ngot " << result.error;
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

TEST(rules_of_files, what_is_wrong_with_a_file_is_said_at_its_line) {
  const std::string rule = ": acme.v1: the package needs at least three parts, the last a version: acme.files.v1";
  EXPECT_EQ(error_of_file("// first\n\nsyntax = \"proto3\";\n\npackage acme.v1;"), "test.proto:5" + rule);
  EXPECT_EQ(error_of_file("// first\nsyntax = \"proto2\";\npackage acme.files.v1;"),
            "test.proto:2: acme.files.v1: the file must say syntax = \"proto3\"");
  EXPECT_EQ(error_of_file("syntax = \"proto3\";\npackage acme.files__all.v1;"),
            "test.proto:2: acme.files__all.v1: a name must not contain two underscores in a row");
}

std::string error_of_namespace(const std::string& name) {
  const auto error = cpp("\noption (flowersec.options.v1.cpp_namespace) = \"" + name + "\";\nmessage A {}").error;
  const std::string start = "test.proto:5: acme.test.v1: cpp_namespace: ";
  return error.starts_with(start) ? error.substr(start.size()) : error;
}

TEST(rules_of_files, the_cpp_namespace_is_one) {
  for (const auto* bad : {"", "a:b", "a::", "::a", "a.b", "a::1b", "a b", "a::b-c"}) {
    EXPECT_EQ(error_of_namespace(bad), "\"" + std::string{bad} + "\" is not names joined by ::, such as acme::files");
  }
  EXPECT_EQ(error_of_namespace("a::_b"), "a name must not begin or end with an underscore");
  EXPECT_EQ(error_of_namespace("a__b"), "a name must not contain two underscores in a row");
  EXPECT_EQ(error_of_namespace("std"), "std is the standard library's");
  EXPECT_EQ(error_of_namespace("std::chrono"), "std is the standard library's");
  EXPECT_EQ(error_of_namespace("posix::files"), "posix is the standard library's");
  for (const auto* word : {"new", "linux", "NULL"}) {
    EXPECT_EQ(error_of_namespace("acme::" + std::string{word}),
              std::string{word} + " is a word that C++ or its headers reserve");
  }
  EXPECT_EQ(error_of_namespace("flowersec"), "flowersec is the library's own");
  EXPECT_EQ(error_of_namespace("flowersec::messages"), "flowersec::messages is the library's own");
  EXPECT_EQ(error_of_namespace("flowersec::messages::mine"), "");
  EXPECT_EQ(error_of_namespace("acme"), "");
}

TEST(rules_of_files, a_package_does_not_begin_with_a_name_of_the_c_library) {
  for (const auto* word : {"system", "log", "time", "index", "signal"}) {
    const auto head = "syntax = \"proto3\";\npackage " + std::string{word} + ".metrics.v1;";
    EXPECT_EQ(error_of_file(head),
              "test.proto:2: " + std::string{word} + ".metrics.v1: " + word +
                  " is a name that C++'s headers use outside of namespaces: choose another with the "
                  "option cpp_namespace");
    EXPECT_EQ(error_of_namespace(word), std::string{word} + " is a name that C++'s headers use outside of namespaces");
    EXPECT_EQ(error_of_namespace("acme::" + std::string{word}), "");
  }
  EXPECT_EQ(error_of_file("syntax = \"proto3\";\npackage metrics.system.v1;"), "");
}

const std::string shared_head = "syntax = \"proto3\";\nimport \"flowersec/options/v1/options.proto\";\n";

std::string in_namespace(const std::string& package, const std::string& name, const std::string& body) {
  return shared_head + "package " + package + ";\noption (flowersec.options.v1.cpp_namespace) = \"" + name + "\";\n" +
         body;
}

TEST(rules_of_files, two_files_may_share_a_namespace_but_no_name_in_it) {
  EXPECT_EQ(run({{"a.proto", in_namespace("acme.a.v1", "acme", "message A {}")},
                 {"b.proto", in_namespace("acme.b.v1", "acme", "message B {}")}},
                "cpp")
                .error,
            "");
  EXPECT_EQ(run({{"a.proto", in_namespace("acme.a.v1", "acme", "message Thing {}")},
                 {"b.proto", in_namespace("acme.b.v1", "acme", "message B {}\nmessage Thing {}")}},
                "cpp")
                .error,
            "b.proto:6: acme.b.v1.Thing: its name in C++, thing, is also that of acme.a.v1.Thing");
}

TEST(rules_of_files, a_message_is_not_called_like_the_namespace_of_another_file) {
  EXPECT_EQ(run({{"a.proto", in_namespace("acme.a.v1", "acme::top", "message Sub {}")},
                 {"b.proto", in_namespace("acme.b.v1", "acme::top::sub", "message B {}")}},
                "cpp")
                .error,
            "b.proto:3: acme.b.v1: its name in C++, sub, is also that of acme.a.v1.Sub");
}

TEST(rules_of_files, groups_have_no_form_on_the_wire) {
  EXPECT_NE(error_of_file("syntax = \"proto2\";\npackage acme.files.v1;\nmessage A {\n  optional group G = 1 {}\n}")
                .find("test.proto:4: acme.files.v1.A.g: groups have no form on the wire"),
            std::string::npos);
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
  EXPECT_NE(result.error.find(
                "test.proto:3: acme.test.v1.A.f: well-known types have forms of their own in JSON; use plain fields"),
            std::string::npos)
      << result.error;
}

TEST(rules_of_files, two_files_of_one_package_would_write_the_same_outputs) {
  const std::string text = "syntax = \"proto3\";\npackage acme.test.v1;";
  EXPECT_EQ(run({{"a.proto", text}, {"b.proto", text}}, "cpp").error,
            "b.proto:2: acme.test.v1: the package is that of a.proto; one file each");
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
