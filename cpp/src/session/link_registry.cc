#include "link_registry.h"

#include <utility>

#include "flowersec/session/link.h"

namespace flowersec::session {

boost::asio::execution_context::id link_registry::id;

void link_registry::add(const std::shared_ptr<link>& living) {
  const std::scoped_lock lock{mutex_};
  links_.emplace(living.get(), living);
}

void link_registry::remove(const link* gone) noexcept {
  const std::scoped_lock lock{mutex_};
  links_.erase(gone);
}

void link_registry::shutdown() noexcept {
  decltype(links_) links;
  {
    const std::scoped_lock lock{mutex_};
    links.swap(links_);
  }
  for (const auto& [pointer, weak] : links) {
    if (const auto living = weak.lock()) living->drop_everything();
  }
}

}  // namespace flowersec::session
