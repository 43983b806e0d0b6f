// The links of one execution context, so that a context which is destroyed under living sessions frees them.
// Layer session. A suspended coroutine is owned by the completion it waits for, and it may own the session in whose
// link that completion is kept: a circle. Asio cuts such circles when a context shuts its services down; so does this.
// Threads: locked; shutdown happens when no thread runs the context any more.
#pragma once

#include <boost/asio/execution_context.hpp>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace flowersec::session {

class link;

class link_registry final : public boost::asio::execution_context::service {
 public:
  static boost::asio::execution_context::id id;

  explicit link_registry(boost::asio::execution_context& owner) : service(owner) {}

  void add(const std::shared_ptr<link>& living);
  void remove(const link* gone) noexcept;

 private:
  void shutdown() noexcept override;

  std::mutex mutex_;
  std::unordered_map<const link*, std::weak_ptr<link>> links_;
};

}  // namespace flowersec::session
