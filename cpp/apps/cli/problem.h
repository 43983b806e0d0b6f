// A value, or a sentence for whoever typed the command.
// Layer apps.
#pragma once

#include <boost/system/result.hpp>
#include <stdexcept>
#include <string>

namespace flowersec::apps {

/// Names the file, flag or field and what is wrong with it. Never contains a secret.
struct problem {
  std::string text;
};

/// Found by result::value() on a problem.
[[noreturn]] inline void throw_exception_from_error(const problem& what, const boost::source_location&) {
  throw std::runtime_error{what.text};
}

template <class T>
using or_problem = boost::system::result<T, problem>;

}  // namespace flowersec::apps
