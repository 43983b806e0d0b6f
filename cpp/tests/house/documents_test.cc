// The tables of docs/ERRORS.md say what the code says.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "flowersec/endpoint/error.h"
#include "flowersec/ownwire/client_errc.h"
#include "flowersec/rendezvous/error.h"

namespace flowersec {
namespace {

std::string document(const std::string& name) {
  std::ifstream file(std::string{FLOWERSEC_SOURCE_DIR "/docs/"} + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(documents, errors_lists_every_code_with_its_stages_and_whether_it_is_terminal) {
  const auto page = document("ERRORS.md");
  for (std::size_t value = 1; value <= endpoint::endpoint_errc_count; ++value) {
    const auto code = static_cast<endpoint::endpoint_errc>(value);
    std::string stages;
    for (int where = 1; where <= static_cast<int>(endpoint::stage::close); ++where) {
      const auto stage = static_cast<endpoint::stage>(where);
      if (!is_legal(stage, code)) continue;
      if (!stages.empty()) stages += ", ";
      stages += to_string(stage);
    }
    const auto row =
        "| `" + std::string(to_string(code)) + "` | " + stages + " | " + (is_terminal(code) ? "yes" : "no") + " |";
    EXPECT_NE(page.find(row), std::string::npos) << "ERRORS.md has no row: " << row;
  }
}

TEST(documents, errors_lists_every_code_of_the_chat_client) {
  const auto page = document("ERRORS.md");
  int listed = 0;
  for (int value = 1; ownwire::to_string(static_cast<ownwire::client_errc>(value)) != "unknown"; ++value, ++listed) {
    const auto row = "| `" + std::string(ownwire::to_string(static_cast<ownwire::client_errc>(value))) + "` | ";
    EXPECT_NE(page.find(row, page.find("## OwnWire client")), std::string::npos) << "ERRORS.md has no row: " << row;
  }
  EXPECT_EQ(listed, static_cast<int>(ownwire::client_errc::refused));
}

TEST(documents, errors_lists_every_code_of_registries_and_their_clients) {
  const auto page = document("ERRORS.md");
  int listed = 0;
  for (int value = 1; rendezvous::to_string(static_cast<rendezvous::rendezvous_errc>(value)) != "unknown";
       ++value, ++listed) {
    const auto row =
        "| `" + std::string(rendezvous::to_string(static_cast<rendezvous::rendezvous_errc>(value))) + "` | ";
    EXPECT_NE(page.find(row, page.find("## SecureWebSocket")), std::string::npos) << "ERRORS.md has no row: " << row;
  }
  EXPECT_EQ(listed, static_cast<int>(rendezvous::rendezvous_errc::not_handed_over));
}

}  // namespace
}  // namespace flowersec
