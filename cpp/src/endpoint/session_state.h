// What the handles of a session share. Layer endpoint, private.
#pragma once

#include <memory>

#include "flowersec/endpoint/session.h"
#include "flowersec/session/link.h"

namespace flowersec::endpoint {

class session::shared {
 public:
  shared(std::shared_ptr<::flowersec::session::link> over, endpoint::path on, endpoint::role as, std::string channel)
      : link(std::move(over)), path(on), role(as), channel_id(std::move(channel)) {}
  /// The last handle is gone.
  ~shared() { link->close(); }
  shared(const shared&) = delete;
  shared& operator=(const shared&) = delete;

  const std::shared_ptr<::flowersec::session::link> link;
  const endpoint::path path;
  const endpoint::role role;
  const std::string channel_id;
};

}  // namespace flowersec::endpoint
