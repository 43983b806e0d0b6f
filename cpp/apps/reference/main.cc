// flowersec-reference: writes the reference page of every program into a folder, from the tables their readers use.
#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "channelinit/options.h"
#include "chat/options.h"
#include "cli/help.h"
#include "controlplane/options.h"
#include "directinit/options.h"
#include "issuer_keygen/options.h"
#include "ownwire/options.h"
#include "ownwire_edge/options.h"
#include "peer/options.h"
#include "registry/options.h"
#include "tunneld/options.h"
#include "wiretap/options.h"

namespace flowersec::apps {
namespace {

/// File name: the program's, with the command's word behind it.
bool write_page(const std::filesystem::path& folder, const program& described) {
  auto name = described.name;
  for (auto& c : name) c = c == ' ' ? '-' : c;
  std::ofstream page{folder / (name + ".md"), std::ios::trunc};
  page << reference_page(described);
  return static_cast<bool>(page.flush());
}

int run(const std::filesystem::path& folder) {
  tunnel_command tunnel;
  issuer_keygen_options keygen;
  channelinit_options channelinit;
  directinit_options directinit;
  serve_command serve;
  client_command client;
  wiretap_command wiretap;
  ownwire_command ownwire;
  edge_command edge;
  chat_command_line chat;
  registry_command registry;
  plane::serve_command plane_serve;
  std::array<plane::admin_command, 11> plane_commands;  // one each: their defaults differ
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  for (const auto& described : {describe_tunnel(tunnel),
                                describe_issuer_keygen(keygen),
                                describe_channelinit(channelinit),
                                describe_directinit(directinit),
                                describe_peer(),
                                describe_serve(serve),
                                describe_client(client),
                                describe_wiretap(wiretap),
                                describe_ownwire(ownwire),
                                describe_edge(edge),
                                describe_flowersec(),
                                describe_chat(chat),
                                describe_registry(registry),
                                plane::describe_controlplane(),
                                plane::describe_serve(plane_serve),
                                plane::describe_init(plane_commands[0]),
                                plane::describe_add_endpoint(plane_commands[1]),
                                plane::describe_revoke_endpoint(plane_commands[2]),
                                plane::describe_list_endpoints(plane_commands[3]),
                                plane::describe_make_ticket(plane_commands[4]),
                                plane::describe_list_keys(plane_commands[5]),
                                plane::describe_publish_key(plane_commands[6]),
                                plane::describe_rotate_key(plane_commands[7]),
                                plane::describe_retire_key(plane_commands[8]),
                                plane::describe_export_key(plane_commands[9]),
                                plane::describe_back_up(plane_commands[10])}) {
    if (!write_page(folder, described)) {
      std::cerr << "cannot write the page of " << described.name << " in " << folder.native() << '\n';
      return exit_runtime;
    }
  }
  return exit_ok;
}

}  // namespace
}  // namespace flowersec::apps

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: flowersec-reference FOLDER\n";
    return flowersec::apps::exit_usage;
  }
  return flowersec::apps::run(argv[1]);
}
