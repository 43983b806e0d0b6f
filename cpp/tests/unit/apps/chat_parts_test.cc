// The command line of the messenger, its QR codes, its lines and its passphrase file.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <semaphore>
#include <sstream>

#include "chat/line_reader.h"
#include "chat/options.h"
#include "chat/passphrase.h"
#include "chat/qr.h"
#include "cli/subcommand.h"
#include "support/process.h"
#include "unit/apps/chat_people.h"

namespace flowersec::apps {
namespace {

using chat_testing::known_people;
using testing_support::temporary_folder;
using testing_support::write_whole_file;

chat_command_line good_options() {
  chat_command_line options;
  options.registries = {"wss://r.example"};
  options.registry_keys = {known_people{}.carol_key().text()};
  options.identity = "me.json";
  return options;
}

TEST(chat_options, what_is_needed_is_asked_for) {
  EXPECT_EQ(usage_problem(good_options()), std::nullopt);
  auto o = good_options();
  o.identity.clear();
  EXPECT_EQ(usage_problem(o), "missing --identity");
  o = good_options();
  o.registries.clear();
  EXPECT_EQ(usage_problem(o), "missing --registry");
  o.registry_keys.clear();
  o.join = "-";
  EXPECT_EQ(usage_problem(o), std::nullopt);
  o = good_options();
  o.registry_keys.clear();
  EXPECT_TRUE(usage_problem(o)->starts_with("each --registry needs its --registry-key"));
  o = good_options();
  o.transport = "open";
  EXPECT_EQ(usage_problem(o), "--transport is sealed or plain");
  o = good_options();
  o.patience = std::chrono::nanoseconds{-1};
  EXPECT_EQ(usage_problem(o), "--patience must not be negative");
  for (const auto* page : {"ftp://a", "https://a/#x", "a.example"}) {
    o = good_options();
    o.page = page;
    EXPECT_EQ(usage_problem(o), "--page is a web address without a fragment") << page;
  }
}

TEST(chat_options, registries_have_their_keys) {
  known_people people;
  auto o = good_options();
  o.registries = {"https://R.example", "wss://s.example/path"};
  o.registry_keys = {people.carol_key().text() + "," + people.self().text(), people.carol_key().text()};
  const auto read = read_registries(o, std::nullopt);
  ASSERT_TRUE(read) << read.error().text;
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ((*read)[0].url, "wss://r.example");
  EXPECT_EQ((*read)[0].keys, (std::vector{people.carol_key(), people.self()}));
  EXPECT_EQ((*read)[1].url, "wss://s.example/path");
}

TEST(chat_options, registries_that_cannot_be_are_refused) {
  const auto refusal = [](auto change) {
    auto o = good_options();
    change(o);
    const auto read = read_registries(o, std::nullopt);
    return read ? "none" : read.error().text;
  };
  EXPECT_NE(refusal([](auto& o) { o.registries = {"ftp://r"}; }).find("is no URL"), std::string::npos);
  EXPECT_NE(refusal([](auto& o) { o.registry_keys = {"short"}; }).find("43 characters"), std::string::npos);
  EXPECT_NE(refusal([](auto& o) { o.registry_keys = {","}; }).find("missing"), std::string::npos);
  EXPECT_NE(refusal([](auto& o) {
              o.registries.push_back("https://R.example");
              o.registry_keys.push_back(o.registry_keys.front());
            }).find("there twice"),
            std::string::npos);
  EXPECT_NE(refusal([](auto& o) { o.registries = {"ws://127.0.0.1:1"}; }).find("not encrypted"), std::string::npos);
  EXPECT_EQ(refusal([](auto& o) {
              o.registries = {"ws://127.0.0.1:1"};
              o.insecure_loopback = true;
            }),
            "none");
}

TEST(chat_options, an_invitation_brings_its_registry_when_it_is_another_one) {
  known_people people;
  const auto link = [&](std::string_view url) {
    return identity::invitation::make(url, people.carol_key(), people.self(), people.random).value();
  };
  auto o = good_options();
  EXPECT_EQ(read_registries(o, link("wss://r.example"))->size(), 1U);
  const auto both = read_registries(o, link("wss://other.example"));
  ASSERT_EQ(both->size(), 2U);
  EXPECT_EQ((*both)[1].keys, std::vector{people.carol_key()});
  EXPECT_FALSE(read_registries(o, link("ws://127.0.0.1:1")));
}

/// Modules of a code read back from its characters; true is dark.
std::vector<std::vector<bool>> modules_of(const std::string& blocks) {
  std::vector<std::vector<bool>> rows;
  std::istringstream lines{blocks};
  for (std::string line; std::getline(lines, line);) {
    std::vector<bool> upper;
    std::vector<bool> lower;
    while (!line.empty()) {
      const bool both = line.starts_with("\u2588");
      const bool is_space = line.starts_with(' ');
      upper.push_back(both || line.starts_with("\u2580"));
      lower.push_back(both || line.starts_with("\u2584"));
      line.erase(0, is_space ? 1 : 3);
    }
    rows.push_back(std::move(upper));
    rows.push_back(std::move(lower));
  }
  return rows;
}

TEST(chat_qr, has_its_finders_in_three_corners_and_a_light_border) {
  const auto rows = modules_of(qr_blocks("https://a/#fsi1=x", qr_colours::none).value());
  const auto width = rows.front().size();
  const auto quiet = static_cast<std::size_t>(qr_quiet_modules);
  const auto symbol = width - 2 * quiet;
  EXPECT_EQ((symbol - 17) % 4, 0U) << "sizes of the standard";
  const auto is_finder = [&](std::size_t top, std::size_t left) {
    for (std::size_t y = 0; y < 7; ++y) {
      for (std::size_t x = 0; x < 7; ++x) {
        const bool ring = y == 0 || y == 6 || x == 0 || x == 6;
        const bool core = y >= 2 && y <= 4 && x >= 2 && x <= 4;
        if (rows[quiet + top + y][quiet + left + x] != (ring || core)) return false;
      }
    }
    return true;
  };
  EXPECT_TRUE(is_finder(0, 0));
  EXPECT_TRUE(is_finder(0, symbol - 7));
  EXPECT_TRUE(is_finder(symbol - 7, 0));
  EXPECT_FALSE(is_finder(symbol - 7, symbol - 7));
  for (std::size_t i = 0; i < width; ++i) {
    for (std::size_t edge = 0; edge < quiet; ++edge) {
      EXPECT_FALSE(rows[edge][i]);
      EXPECT_FALSE(rows[i][edge]);
      EXPECT_FALSE(rows[i][width - 1 - edge]);
    }
  }
}

TEST(chat_qr, colours_surround_each_line_and_the_largest_link_fits) {
  const auto plain = qr_blocks("x", qr_colours::none).value();
  const auto coloured = qr_blocks("x", qr_colours::black_on_white).value();
  const auto lines = static_cast<std::size_t>(std::ranges::count(plain, '\n'));
  EXPECT_EQ(coloured.size(), plain.size() + lines * std::string_view{"\x1b[30;107m\x1b[0m"}.size());
  EXPECT_TRUE(qr_blocks(std::string(identity::max_link_bytes, 'x'), qr_colours::none));
  EXPECT_FALSE(qr_blocks(std::string(2954, 'x'), qr_colours::none)) << "the largest symbol has 2953";
}

/// What a reader tells of these bytes, "..." for a line that is too long; it is fed through a pipe.
std::vector<std::string> lines_of(const std::string& input, std::size_t max_line_bytes) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) throw std::runtime_error{"pipe"};
  std::vector<std::string> told;
  std::binary_semaphore step{0};
  bool is_over = false;
  line_reader reader{ends[0], max_line_bytes, [&](std::optional<line_reader::line> line) {
                       is_over = !line;
                       if (line) told.push_back(line->is_too_long ? "..." : line->text);
                       step.release();
                     }};
  std::thread writer{[&] {
    std::string_view rest{input};
    while (!rest.empty()) {
      const auto written = ::write(ends[1], rest.data(), rest.size());
      if (written <= 0) break;
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
    ::close(ends[1]);
  }};
  while (true) {
    step.acquire();
    if (is_over) break;
    reader.next();
  }
  writer.join();
  ::close(ends[0]);
  return told;
}

TEST(chat_lines_of_input, are_told_one_by_one_with_the_last_that_has_no_end) {
  EXPECT_EQ(lines_of("a\n\nb c\n", 10), (std::vector<std::string>{"a", "", "b c"}));
  EXPECT_EQ(lines_of("a\nb", 10), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(lines_of("", 10), (std::vector<std::string>{}));
}

TEST(chat_lines_of_input, that_are_too_long_are_said_to_be_and_not_held) {
  EXPECT_EQ(lines_of("12345\n123456\nx\n", 5), (std::vector<std::string>{"12345", "...", "x"}));
  const std::string large(100'000, 'y');
  EXPECT_EQ(lines_of(large + "\nx\n", 5), (std::vector<std::string>{"...", "x"}));
  EXPECT_EQ(lines_of(large, 5), (std::vector<std::string>{"..."}));
}

TEST(chat_lines_of_input, a_reader_that_nobody_asks_any_more_ends) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  std::binary_semaphore told{0};
  {
    line_reader reader{ends[0], 10, [&](std::optional<line_reader::line>) { told.release(); }};
    ASSERT_EQ(::write(ends[1], "a\nb\n", 4), 4);
    told.acquire();  // "b" waits for next(), which never comes
  }
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(chat_passphrases, are_the_one_line_of_a_file_of_their_owner) {
  const temporary_folder folder;
  const auto path = folder.file("passphrase");
  const auto read = [&](const std::string& contents, mode_t mode = 0600) {
    write_whole_file(path, contents);
    ::chmod(path.c_str(), mode);
    const auto got = read_passphrase_file(path);
    return got ? std::string{got->view()} : "refused";
  };
  EXPECT_EQ(read("open sesame\n"), "open sesame");
  EXPECT_EQ(read("open sesame"), "open sesame");
  EXPECT_EQ(read(" x \r\n"), " x ");
  EXPECT_EQ(read("two\nlines\n"), "refused");
  EXPECT_EQ(read("x", 0640), "refused");
  EXPECT_EQ(read(std::string(identity::max_passphrase_bytes, 'x') + "\r\n").size(), identity::max_passphrase_bytes);
  EXPECT_EQ(read(std::string(identity::max_passphrase_bytes + 3, 'x')), "refused");
}

TEST(subcommands, are_chosen_by_the_first_word) {
  std::ostringstream out;
  std::ostringstream err;
  std::vector<std::string> seen;
  const std::array commands = {subcommand{.name = "sing", .run = [&](const invocation& io) {
                                            seen = io.arguments;
                                            return 7;
                                          }}};
  const auto run = [&](std::vector<std::string> words) {
    out.str("");
    err.str("");
    seen.clear();
    return run_subcommand(describe_flowersec(), commands,
                          {std::move(words), [](const std::string&) { return std::nullopt; }, out, err});
  };
  EXPECT_EQ(run({"sing", "--loud", "x"}), 7);
  EXPECT_EQ(seen, (std::vector<std::string>{"--loud", "x"}));
  EXPECT_EQ(run({"help", "sing"}), 7);
  EXPECT_EQ(seen, std::vector<std::string>{"--help"});
  for (const auto& words : {std::vector<std::string>{"--help"}, {"help"}}) {
    EXPECT_EQ(run(words), exit_ok);
    EXPECT_NE(out.str().find("flowersec help COMMAND"), std::string::npos);
  }
  EXPECT_EQ(run({"dance"}), exit_usage);
  EXPECT_TRUE(err.str().starts_with("unknown command: dance\n"));
  EXPECT_EQ(run({"help", "dance"}), exit_usage);
  EXPECT_EQ(run({}), exit_usage);
  EXPECT_TRUE(err.str().starts_with("missing command\n"));
  EXPECT_EQ(run({"--nonsense"}), exit_usage);
}

}  // namespace
}  // namespace flowersec::apps
