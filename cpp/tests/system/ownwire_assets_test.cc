// The assets of a running ownwire and those it extracts: paths, headers, integrity, custom CSS, a copy elsewhere.
#include <algorithm>
#include <filesystem>
#include <sstream>

#include "ownwire_assets/integrity.h"
#include "system/ownwire_world.h"

namespace flowersec::testing {
namespace {

using apps::integrity_of;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using testing_support::read_whole_file;
using testing_support::run_program;
using testing_support::temporary_folder;
using testing_support::write_whole_file;

constexpr std::array scripts{"/js/application.js", "/js/ownwire.js", "/js/ownwire_widget.js", "/js/ownwire_compat.js",
                             "/js/ownwire_nokeys.js"};

std::string header_of(const std::string& answer, const std::string& name) {
  const auto at = answer.find("\r\n" + name + ": ");
  if (at == std::string::npos || at > answer.find("\r\n\r\n")) return {};
  const auto begin = at + name.size() + 4;
  return answer.substr(begin, answer.find("\r\n", begin) - begin);
}

TEST(ownwire_assets, every_stated_path_is_served_with_its_headers) {
  const temporary_folder folder;
  const ownwire_program program{folder.path()};
  const std::pair<const char*, const char*> rows[] = {{"/", "text/html; charset=utf-8"},
                                                      {"/embed_example.html", "text/html; charset=utf-8"},
                                                      {"/css/style.css", "text/css; charset=utf-8"},
                                                      {"/assets/chat-icon.png", "image/png"}};
  for (const auto& [path, type] : rows) {
    const auto answer = program.get(path);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n")) << path;
    EXPECT_EQ(header_of(answer, "Content-Type"), type) << path;
    EXPECT_EQ(header_of(answer, "Cache-Control"), "no-cache") << path;
    EXPECT_EQ(header_of(answer, "X-Content-Type-Options"), "nosniff") << path;
    EXPECT_EQ(header_of(answer, "Cross-Origin-Resource-Policy"), "cross-origin") << path;
    EXPECT_EQ(header_of(answer, "X-Frame-Options"), "") << path;
  }
  for (const auto* path : scripts) {
    const auto answer = program.get(path);
    EXPECT_EQ(header_of(answer, "Content-Type"), "text/javascript; charset=utf-8") << path;
    EXPECT_EQ(header_of(answer, "Access-Control-Allow-Origin"), "*") << path;
  }
  EXPECT_EQ(header_of(program.get("/css/style.css"), "Access-Control-Allow-Origin"), "*");
  EXPECT_THAT(program.get("/healthz"), AllOf(StartsWith("HTTP/1.1 200 "), EndsWith("\r\n\r\nok")));
  EXPECT_THAT(program.get("/nothing"), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(answer_head(program.address(), "POST /"),
              AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("Allow: GET, HEAD")));
}

TEST(ownwire_assets, an_entity_tag_saves_the_second_transfer) {
  const temporary_folder folder;
  const ownwire_program program{folder.path()};
  const auto tag = header_of(program.get("/js/ownwire.js"), "ETag");
  EXPECT_THAT(tag, AllOf(StartsWith("\""), EndsWith("\"")));
  EXPECT_THAT(answer_head(program.address(), "GET /js/ownwire.js", "If-None-Match: " + tag + "\r\n"),
              StartsWith("HTTP/1.1 304 "));
  EXPECT_THAT(answer_head(program.address(), "GET /js/ownwire.js", "If-None-Match: \"other\"\r\n"),
              StartsWith("HTTP/1.1 200 "));
}

TEST(ownwire_assets, scripts_carry_the_key_and_no_template) {
  const temporary_folder folder;
  const ownwire_program program{folder.path()};
  const auto key = program.ready("server_key");
  for (const auto* path : scripts) EXPECT_THAT(program.body(path), Not(HasSubstr("%OWNWIRE_"))) << path;
  EXPECT_THAT(program.body("/js/ownwire.js"), HasSubstr(key));
  EXPECT_THAT(program.body("/js/application.js"), HasSubstr(key));
  EXPECT_THAT(program.body("/js/ownwire_nokeys.js"), Not(HasSubstr(key)));
}

TEST(ownwire_assets, the_chat_page_refers_to_the_sheet_and_the_module_once_each) {
  const temporary_folder folder;
  const ownwire_program program{folder.path()};
  const auto page = program.body("/");
  for (const auto* reference : {"href=\"/css/style.css\"", "src=\"/js/application.js\""}) {
    const auto at = page.find(reference);
    ASSERT_NE(at, std::string::npos) << reference;
    EXPECT_EQ(page.find(reference, at + 1), std::string::npos) << reference;
  }
  EXPECT_THAT(page, AllOf(HasSubstr("rel=\"stylesheet\""), HasSubstr("type=\"module\"")));
}

TEST(ownwire_assets, an_assets_url_changes_the_two_references_and_nothing_else) {
  const temporary_folder folder;
  const auto plain = ownwire_program{folder.path()}.body("/");
  const ownwire_program program{folder.path(), {"--assets-url=https://cdn.example/own"}};
  auto expected = plain;
  for (const std::string name : {"css/style.css", "js/application.js"}) {
    expected.replace(expected.find("\"/" + name), name.size() + 2, "\"https://cdn.example/own/" + name);
  }
  EXPECT_EQ(program.body("/"), expected);
  EXPECT_THAT(
      header_of(program.get("/"), "Content-Security-Policy"),
      AllOf(HasSubstr("script-src 'self' https://cdn.example"), HasSubstr("style-src 'self' https://cdn.example")));
}

TEST(ownwire_assets, only_listed_pages_may_frame_the_chat) {
  const temporary_folder folder;
  EXPECT_THAT(header_of(ownwire_program{folder.path()}.get("/"), "Content-Security-Policy"),
              AllOf(HasSubstr("default-src 'none'"), Not(HasSubstr("frame-ancestors"))));
  const ownwire_program listed{folder.path(), {"--allow-origin=shop.example"}};
  EXPECT_THAT(header_of(listed.get("/"), "Content-Security-Policy"),
              EndsWith("frame-ancestors 'self' https://shop.example:*"));
}

TEST(ownwire_assets, custom_css_ends_the_sheet) {
  const temporary_folder folder;
  write_whole_file(folder.file("theme.css"), ".chat header { background: red !important }\n");
  const auto plain = ownwire_program{folder.path()}.body("/css/style.css");
  EXPECT_EQ((ownwire_program{folder.path(), {"--custom-css", folder.file("theme.css")}}.body("/css/style.css")),
            plain + "\n.chat header { background: red !important }\n");
}

TEST(ownwire_assets, extracted_files_are_those_that_are_served_with_their_integrity) {
  const temporary_folder folder;
  const auto made = run_program("ownwire", {"-a", "./public", "--new-key"}, {}, folder.path());
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const ownwire_program program{folder.path()};
  for (const auto* path : scripts) {
    const auto file = read_whole_file(folder.file("public/ownwire_assets") + path);
    EXPECT_EQ(file, program.body(path)) << path;
    EXPECT_THAT(made.out, HasSubstr("./public/ownwire_assets" + std::string{path} + ' ' + integrity_of(file) + '\n'));
  }
  for (const auto* path : {"/css/style.css", "/assets/chat-icon.png"}) {
    EXPECT_EQ(read_whole_file(folder.file("public/ownwire_assets") + path), program.body(path)) << path;
    EXPECT_THAT(made.out, HasSubstr("./public/ownwire_assets" + std::string{path} + '\n'));
  }
  EXPECT_THAT(made.out, EndsWith("key file ownwire_identity.json, kid " + program.ready("kid") + " (new)\n"));
  // Once more over what is there, and without a word about a new key.
  const auto again = run_program("ownwire", {"--extract-assets=./public"}, {}, folder.path());
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_THAT(again.out, EndsWith("kid " + program.ready("kid") + "\n"));
}

TEST(ownwire_assets, scripts_name_each_other_by_the_digests_they_are_served_with) {
  const temporary_folder folder;
  const ownwire_program program{folder.path()};
  EXPECT_THAT(program.body("/js/ownwire_widget.js"), HasSubstr(integrity_of(program.body("/js/application.js"))));
  EXPECT_THAT(program.body("/js/ownwire.js"), HasSubstr(integrity_of(program.body("/js/ownwire_compat.js"))));
}

TEST(ownwire_assets, a_changed_key_file_changes_the_scripts_at_the_next_hup) {
  const temporary_folder folder;
  ASSERT_EQ(run_program("ownwire", {"--print-key", "--identity-key=next.json"}, {}, folder.path()).exit_code, 0);
  ownwire_program program{folder.path()};
  const auto old_key = program.ready("server_key");
  std::filesystem::rename(folder.file("next.json"), folder.file("ownwire_identity.json"));
  program.process.send_signal(SIGHUP);
  ASSERT_TRUE(program.process.wait_for_err("reloaded identity keys"));
  const auto printed = run_program("ownwire", {"--print-key"}, {}, folder.path()).out;
  const auto new_key = printed.substr(0, printed.find(' '));
  EXPECT_NE(new_key, old_key);
  EXPECT_THAT(program.body("/js/ownwire.js"), AllOf(HasSubstr(new_key), Not(HasSubstr(old_key))));

  write_whole_file(folder.file("ownwire_identity.json"), "{}");
  program.process.send_signal(SIGHUP);
  ASSERT_TRUE(program.process.wait_for_err("reload identity keys failed, the old one stays: "));
  EXPECT_THAT(program.body("/js/ownwire.js"), HasSubstr(new_key));
}

}  // namespace
}  // namespace flowersec::testing
