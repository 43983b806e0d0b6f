// Error plumbing: error_code, result and a category made from an enum.
// Layer base. Every layer declares `enum class <layer>_errc`, documents what each value ends, and
// registers it with FLOWERSEC_REGISTER_ERRC so that it converts to error_code.
#pragma once

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <string>
#include <type_traits>

namespace flowersec {

using boost::system::error_code;

/// A value or an error_code. Never throws unless value() is called on an error.
template <class T>
using result = boost::system::result<T>;

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"  // error_category has none by design; nothing deletes through it
#endif

/// Category of one errc enum. `Name` is "flowersec.<layer>"; texts come from `describe(Errc)`,
/// a constexpr-friendly function found by argument-dependent lookup that returns `const char*`.
template <class Errc>
class errc_category final : public boost::system::error_category {
 public:
  explicit constexpr errc_category(const char* name) noexcept : name_(name) {}
  [[nodiscard]] const char* name() const noexcept override { return name_; }
  [[nodiscard]] std::string message(int value) const override { return describe(static_cast<Errc>(value)); }

 private:
  const char* name_;
};
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace flowersec

/// Put at namespace scope outside any namespace, after the enum `ns::errc_type` and
/// `const char* describe(ns::errc_type)` and `error_code make_error_code(ns::errc_type)` are declared.
#define FLOWERSEC_REGISTER_ERRC(errc_type)                  \
  namespace boost::system {                                 \
  template <>                                               \
  struct is_error_code_enum<errc_type> : std::true_type {}; \
  }
