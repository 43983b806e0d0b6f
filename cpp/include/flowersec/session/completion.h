// A completion handler of any type, kept until its operation ends.
// Layer session. The header-only edge between Asio's templates and the compiled runner: everything behind it is built
// once. It keeps the handler's executor alive, posts to it, and speaks for its cancellation slot.
// Threads: made and told of on_cancel where the operation is initiated; completed from the session's strand.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <memory>
#include <tuple>
#include <utility>

namespace flowersec::session {

/// Move-only. Destroying it without complete() drops the handler, as Asio does with operations of a dead context.
template <class... Args>
class completion {
 public:
  completion() = default;

  /// `fallback` is used when the handler has no executor of its own.
  template <class Handler>
  completion(Handler&& handler, const boost::asio::any_io_executor& fallback)
      : held_(std::make_unique<holder<std::decay_t<Handler>>>(std::forward<Handler>(handler), fallback)) {}

  explicit operator bool() const noexcept { return held_ != nullptr; }

  /// Calls `cancel` when the caller emits a cancellation of any type. `cancel` must be harmless when the operation
  /// is already over: the two may cross.
  template <class Cancel>
  void on_cancel(Cancel cancel) {
    if (!held_) return;
    auto slot = held_->cancellation();
    if (!slot.is_connected()) return;
    slot.assign([cancel = std::move(cancel)](boost::asio::cancellation_type type) {
      if (type != boost::asio::cancellation_type::none) cancel();
    });
  }

  /// Posts the handler with these arguments to its executor, never inline. Once; afterwards this is empty.
  void complete(Args... args) {
    auto& held = *held_;
    held.complete(std::move(held_), std::move(args)...);
  }

 private:
  struct base {
    virtual ~base() = default;
    [[nodiscard]] virtual boost::asio::cancellation_slot cancellation() const noexcept = 0;
    virtual void complete(std::unique_ptr<base> self, Args... args) = 0;
  };

  template <class Handler>
  struct holder final : base {
    using executor = boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor>;
    using tracked_executor = std::decay_t<
        typename boost::asio::prefer_result<executor, boost::asio::execution::outstanding_work_t::tracked_t>::type>;

    template <class Given>
    holder(Given&& given, const boost::asio::any_io_executor& fallback)
        : handler(std::forward<Given>(given)),
          place(boost::asio::prefer(boost::asio::get_associated_executor(handler, fallback),
                                    boost::asio::execution::outstanding_work.tracked)) {}

    [[nodiscard]] boost::asio::cancellation_slot cancellation() const noexcept override {
      return boost::asio::get_associated_cancellation_slot(handler);
    }

    void complete(std::unique_ptr<base> self, Args... args) override {
      const auto target = place;
      auto run = [self = std::move(self), this, arguments = std::tuple<Args...>{std::move(args)...}]() mutable {
        // The slot belongs to the handler's thread; memory goes back before the handler runs, as Asio promises.
        auto slot = cancellation();
        if (slot.is_connected()) slot.clear();
        auto last = std::move(handler);
        auto values = std::move(arguments);
        self.reset();
        std::apply(std::move(last), std::move(values));
      };
      boost::asio::post(target, std::move(run));
    }

    Handler handler;
    tracked_executor place;  // the session's own context is kept at work by the transport, which receives
  };

  std::unique_ptr<base> held_;
};

}  // namespace flowersec::session
