// An external authorizer for tests: answers as the test says, and remembers what it was asked.
// Test support, on the http server, in a thread of its own.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "flowersec/http/server.h"

namespace flowersec::testing {

class authorizer_server {
 public:
  static constexpr std::chrono::seconds patience{60};

  explicit authorizer_server(std::shared_ptr<ssl_ctx_st> tls = {})
      : secure_(tls != nullptr),
        server_(context_.get_executor(), {.limits = {}, .tls = std::move(tls)},
                [this](auto asked, auto respond) { on_request(std::move(asked), std::move(respond)); }) {
    if (server_.listen({boost::asio::ip::address_v4::loopback(), 0})) throw std::runtime_error("listen");
    server_.start();
    thread_ = std::thread([this] { context_.run(); });
  }
  ~authorizer_server() {
    context_.stop();
    thread_.join();
  }
  authorizer_server(const authorizer_server&) = delete;
  authorizer_server& operator=(const authorizer_server&) = delete;

  [[nodiscard]] std::string url(const std::string& path) const {
    return (secure_ ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(server_.local_endpoint().port()) +
           path;
  }

  /// How requests of this path are answered from now on. Runs on the server's thread; nothing answers by itself.
  void on(const std::string& path, std::function<void(const http::request&, const http::responder&)> how) {
    const std::scoped_lock lock(mutex_);
    answers_.emplace_back(path, std::move(how));
  }
  void answer(const std::string& path, const http::response& with) {
    on(path, [with](const http::request&, const http::responder& respond) { respond(with); });
  }
  void answer(const std::string& path, std::string json) { answer(path, http::json_response(200, std::move(json))); }

  /// The requests of that path, once so many of them were answered, or left.
  [[nodiscard]] std::vector<http::request> wait_for(const std::string& path, std::size_t count = 1) {
    return wait_until(path, [count](const auto& requests) { return requests.size() >= count; });
  }
  /// The requests of that path, once `enough` says so.
  [[nodiscard]] std::vector<http::request> wait_until(
      const std::string& path, const std::function<bool(const std::vector<http::request>&)>& enough) {
    std::vector<http::request> found;
    std::unique_lock lock(mutex_);
    const bool came = changed_.wait_for(lock, patience, [&] {
      found.clear();
      for (const auto& one : requests_) {
        if (one.path() == path) found.push_back(one);
      }
      return enough(found);
    });
    if (!came) throw std::runtime_error("too few requests of " + path);
    return found;
  }
  /// Of any path, so far.
  [[nodiscard]] std::size_t requests() const { return asked_; }

 private:
  void on_request(http::request asked, http::responder respond) {
    ++asked_;
    std::function<void(const http::request&, const http::responder&)> how;
    {
      const std::scoped_lock lock(mutex_);
      for (const auto& [path, answer] : answers_) {
        if (path == asked.path()) how = answer;
      }
      if (!how) unanswered_.push_back(respond);
    }
    if (how) how(asked, respond);
    const std::scoped_lock lock(mutex_);
    requests_.push_back(std::move(asked));
    changed_.notify_all();
  }

  const bool secure_;
  boost::asio::io_context context_;
  http::server server_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<std::size_t> asked_{0};
  std::vector<http::request> requests_;
  std::vector<std::pair<std::string, std::function<void(const http::request&, const http::responder&)>>> answers_;
  std::vector<http::responder> unanswered_;
};

}  // namespace flowersec::testing
