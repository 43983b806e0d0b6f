#include "flowersec/endpoint/rpc_proxy.h"

#include <map>
#include <mutex>
#include <utility>

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
    for (auto& [id, each] : handlers) {
      each.remove();
      forward(each);
    }
  }
  std::uint64_t add(std::uint32_t type_id, handler fn) {
    const std::scoped_lock lock{mutex};
    const auto id = ++last_id;
    forward(handlers.emplace(id, entry{.type_id = type_id, .fn = std::move(fn), .remove = {}}).first->second);
    return id;
  }
  void remove(std::uint64_t id) {
    // What the handler captured goes after the lock: it may hold handles of this proxy.
    std::map<std::uint64_t, entry>::node_type removed;
    const std::scoped_lock lock{mutex};
    removed = handlers.extract(id);
    if (removed) removed.mapped().remove();
  }
  [[nodiscard]] bool hears(std::uint64_t from) {
    const std::scoped_lock lock{mutex};
    return generation == from;
  }

  const executor_type executor;
  std::mutex mutex;
  session current;

 private:
  struct entry {
    std::uint32_t type_id;
    handler fn;
    remove_handler remove;  // from the current session
  };

  // The session must not keep the proxy alive, nor the proxy a handler of a session that is gone.
  void forward(entry& each) {
    each.remove = current.on_notification(
        each.type_id, [weak = weak_from_this(), from = generation, fn = each.fn](const std::string& payload) {
          const auto self = weak.lock();
          if (self && self->hears(from)) (*fn)(payload);
        });
  }

  std::uint64_t generation = 0;
  std::uint64_t last_id = 0;
  std::map<std::uint64_t, entry> handlers;  // in the order they were set
};

rpc_proxy::rpc_proxy(executor_type executor) : shared_(std::make_shared<shared>(std::move(executor))) {}

rpc_proxy::executor_type rpc_proxy::get_executor() const noexcept { return shared_->executor; }

void rpc_proxy::attach(session to) { shared_->attach(std::move(to)); }

remove_handler rpc_proxy::on_notification(std::uint32_t type_id, std::function<void(const std::string& payload)> fn) {
  const auto id = shared_->add(type_id, std::make_shared<const std::function<void(const std::string&)>>(std::move(fn)));
  return [weak = std::weak_ptr{shared_}, id] {
    if (const auto self = weak.lock()) self->remove(id);
  };
}

session rpc_proxy::current() const {
  const std::scoped_lock lock{shared_->mutex};
  return shared_->current;
}

error_code rpc_proxy::gone() noexcept {
  return make_error({.path = path::automatic, .stage = stage::rpc, .code = endpoint_errc::not_connected});
}

}  // namespace flowersec::endpoint
