#include "flowersec/endpoint/rpc_proxy.h"

#include <mutex>
#include <utility>
#include <vector>

namespace flowersec::endpoint {

class rpc_proxy::shared : public std::enable_shared_from_this<shared> {
 public:
  using handler = std::shared_ptr<const std::function<void(const std::string&)>>;

  explicit shared(executor_type on) : executor(std::move(on)) {}

  void attach(session to) {
    // The last handle of the old session may be this one: it goes after the lock.
    const std::scoped_lock lock{mutex};
    std::swap(current, to);
    ++generation;
    for (const auto& [type_id, fn] : handlers) forward(type_id, fn);
  }
  void add(std::uint32_t type_id, handler fn) {
    const std::scoped_lock lock{mutex};
    handlers.emplace_back(type_id, fn);
    forward(type_id, std::move(fn));
  }
  [[nodiscard]] bool hears(std::uint64_t from) {
    const std::scoped_lock lock{mutex};
    return generation == from;
  }

  const executor_type executor;
  std::mutex mutex;
  session current;

 private:
  // The session must not keep the proxy alive, nor the proxy a handler of a session that is gone.
  void forward(std::uint32_t type_id, handler fn) {
    current.on_notification(
        type_id, [weak = weak_from_this(), from = generation, fn = std::move(fn)](const std::string& payload) {
          const auto self = weak.lock();
          if (self && self->hears(from)) (*fn)(payload);
        });
  }

  std::uint64_t generation = 0;
  std::vector<std::pair<std::uint32_t, handler>> handlers;
};

rpc_proxy::rpc_proxy(executor_type executor) : shared_(std::make_shared<shared>(std::move(executor))) {}

rpc_proxy::executor_type rpc_proxy::get_executor() const noexcept { return shared_->executor; }

void rpc_proxy::attach(session to) { shared_->attach(std::move(to)); }

void rpc_proxy::on_notification(std::uint32_t type_id, std::function<void(const std::string& payload)> fn) {
  shared_->add(type_id, std::make_shared<const std::function<void(const std::string&)>>(std::move(fn)));
}

session rpc_proxy::current() const {
  const std::scoped_lock lock{shared_->mutex};
  return shared_->current;
}

error_code rpc_proxy::gone() noexcept {
  return make_error({.path = path::automatic, .stage = stage::rpc, .code = endpoint_errc::not_connected});
}

}  // namespace flowersec::endpoint
