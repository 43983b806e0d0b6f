// The service with the most awkward names, called.
#include <gtest/gtest.h>

#include "flowersec/torture/v1/service.gen.h"
#include "idl/session_fixture.h"

namespace flowersec::testing {
namespace {

namespace torture = flowersec::torture::v1;
using boost::asio::awaitable;

class awkward final : public torture::class_handler {
 public:
  void operator_(torture::promise request, rpc::typed_responder<torture::promise> answer) override {
    request.class_ = "answered";
    answer.succeed(request);
  }
  void then(torture::empty, rpc::typed_responder<torture::everything> answer) override {
    answer.succeed({});  // its enum has no declared value, so no reader would take it
  }
  void constructor(torture::secrets request, rpc::typed_responder<torture::secrets> answer) override {
    answer.succeed(request);
  }
};

TEST(torture_service, is_called_like_any_other) {
  rpc::router router;
  torture::register_class(router, std::make_shared<awkward>());
  with_session(std::move(router), [](endpoint::session session) -> awaitable<void> {
    torture::class_client client{session};
    const torture::promise request{.then = "x"};
    EXPECT_EQ((co_await client.async_operator(request)).value().class_, "answered");
    torture::secrets secrets;
    secrets.key = messages::sensitive_text{"s"};
    EXPECT_EQ((co_await client.async_constructor(secrets)).value().key.view(), "s");
    const auto unwritable = co_await client.async_then({});
    EXPECT_EQ(unwritable.error(), (rpc::call_error{500, "internal error"}));
  });
}

class named final : public torture::names_handler {
 public:
  void text(torture::text request, rpc::typed_responder<torture::request> answer) override {
    answer.succeed({.text = std::move(request), .token = {}});
  }
  void request(torture::request request, rpc::typed_responder<torture::token> answer) override {
    answer.succeed(request.token.at(0));
  }
  void token(torture::token request, rpc::typed_responder<torture::options> answer) override {
    answer.succeed({.options_ = {{}, {}}});
    EXPECT_EQ(request.value, torture::value::value);
  }
  void router(torture::handler request, rpc::typed_responder<torture::client> answer) override {
    answer.succeed(request.router.client);
  }
  void session(torture::session, rpc::typed_responder<torture::answer> answer) override { answer.succeed({}); }
  void to_string(torture::abort_signal request, rpc::typed_responder<torture::map> answer) override {
    answer.succeed(std::move(request.map));
  }
  void new_(torture::empty, rpc::typed_responder<torture::rope> answer) override {
    torture::rope rope;
    rope.knots.emplace_back().name = "k";
    answer.succeed(rope);
  }
  void ntohl_(torture::empty, rpc::typed_responder<torture::knot> answer) override { answer.succeed({}); }
  void try_encode_(torture::macros request, rpc::typed_responder<torture::macros> answer) override {
    answer.succeed(request);
  }
};

TEST(torture_service, may_use_the_names_that_generated_code_uses) {
  rpc::router router;
  torture::register_names(router, std::make_shared<named>());
  std::string handled;
  torture::on_names_handle(router, [&](const torture::handle& each) { handled = each.handle_; });
  with_session(std::move(router), [&](endpoint::session session) -> awaitable<void> {
    torture::names_client client{session};
    const torture::text text{.text_ = "x"};
    EXPECT_EQ((co_await client.async_text(text)).value().text, text);
    const torture::request request{.token = {{.v1 = torture::v1{.level = torture::level::top}}}};
    EXPECT_EQ((co_await client.async_request(request)).value(), request.token[0]);
    const torture::token token{.value = torture::value::value};
    EXPECT_EQ((co_await client.async_token(token)).value().options_.size(), 2u);
    const torture::handler handler{.router = {.client = {.handle = {.handle_ = "h"}}}};
    EXPECT_EQ((co_await client.async_router(handler)).value(), handler.router.client);
    const torture::session empty;
    EXPECT_TRUE((co_await client.async_session(empty)).has_value());
    const torture::macros macros{.NULL_ = "n", .errno_ = "e"};
    EXPECT_EQ((co_await client.async_try_encode(macros)).value(), macros);
    const torture::empty nothing;
    EXPECT_EQ((co_await client.async_new(nothing)).value().knots.at(0).name, "k");
    EXPECT_TRUE((co_await client.async_ntohl(nothing)).has_value());
    const torture::handle notification{.handle_ = "told"};
    co_await client.async_notify_handle(notification);
    co_await settle(session, [&] { return handled == "told"; });
  });
}

}  // namespace
}  // namespace flowersec::testing
