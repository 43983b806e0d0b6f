#include "flowersec/rendezvous/ticket_mint.h"

namespace flowersec::rendezvous {

result<ticket_pair> mint_tickets(const controlplane::issuer_keyset& issuer,
                                 const controlplane::channel_init_options& options, random_source& random,
                                 unix_seconds now) {
  const auto channel_id = controlplane::random_channel_id(random);
  if (!channel_id) return channel_id.error();
  auto grants = controlplane::issue_channel(issuer, options, *channel_id, random, now);
  if (!grants) return grants.error();
  return ticket_pair{to_ticket(std::move(grants->client)), to_ticket(std::move(grants->server))};
}

ticket_mint make_mint(std::shared_ptr<const controlplane::issuer_keyset> issuer,
                      controlplane::channel_init_options options, random_source& random, const clock_source& clocks) {
  return [issuer = std::move(issuer), options = std::move(options), &random, &clocks] {
    return mint_tickets(*issuer, options, random, to_unix_seconds(clocks.wall_now()));
  };
}

}  // namespace flowersec::rendezvous
