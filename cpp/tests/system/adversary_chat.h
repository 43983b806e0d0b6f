// Chat clients of flowersec-adversary-shim, and what happened to each in words that the TypeScript shim has as well.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/json/object.hpp>
#include <functional>

namespace flowersec {

/// {"do":"chat","url":...,"key":...,"texts":how many are sent at once,"attempts":max_attempts,"spread":drain_spread in
/// ms}. Reports {"id":...,"said":[words]} when the chat is over. It says what a reply "say ..." asks for, and leaves at
/// the reply "that is all".
void start_chat(boost::asio::any_io_executor executor, const boost::json::object& command,
                std::function<void(boost::json::object)> report);

/// {"do":"leave","of":id of a chat,"lost":whether only when it has noticed that its connection was lost}. Nothing when
/// it is over already.
void leave_chat(const boost::json::object& command);

}  // namespace flowersec
