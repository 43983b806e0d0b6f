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

}  // namespace
}  // namespace flowersec::testing
