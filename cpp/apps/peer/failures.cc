#include "peer/failures.h"

#include <boost/asio/multiple_exceptions.hpp>
#include <boost/system/system_error.hpp>

#include "flowersec/endpoint/error.h"

namespace flowersec::apps {

std::string explain(const error_code& error) {
  const auto info = endpoint::describe_error(error);
  if (!info) return error.message();
  return to_string(*info) + " (" + endpoint::describe(info->code) + ")";
}

std::string explain(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const boost::asio::multiple_exceptions& several) {
    return explain(several.first_exception());
  } catch (const boost::system::system_error& error) {
    return explain(error.code());
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace flowersec::apps
