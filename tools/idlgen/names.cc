#include "names.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "cpp_globals.h"

namespace flowersec::idlgen {
namespace {

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
char to_lower(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }
char to_upper(char c) { return is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c; }

constexpr std::string_view cpp_words[] = {
    "alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break", "case", "catch", "char",
    "char16_t", "char32_t", "char8_t", "class", "co_await", "co_return", "co_yield", "compl", "concept", "const",
    "const_cast", "consteval", "constexpr", "constinit", "continue", "decltype", "default", "delete", "do", "double",
    "dynamic_cast", "else", "enum", "explicit", "export", "extern", "false", "float", "for", "friend", "goto", "if",
    "inline", "int", "long", "mutable", "namespace", "new", "noexcept", "not", "not_eq", "nullptr", "operator", "or",
    "or_eq", "private", "protected", "public", "register", "reinterpret_cast", "requires", "return", "short", "signed",
    "sizeof", "static", "static_assert", "static_cast", "struct", "switch", "template", "this", "thread_local", "throw",
    "true", "try", "typedef", "typeid", "typename", "union", "unsigned", "using", "virtual", "void", "volatile",
    "wchar_t", "while", "xor", "xor_eq",
    // Words that generated code needs where they could be hidden.
    "clone", "codec", "decode", "decoded", "encode", "is_declared", "sensitive_text", "std", "try_encode"};

// What the headers of C, C++ and POSIX define as macros in small letters.
constexpr std::string_view cpp_macros[] = {"alloca",
                                           "assert",
                                           "assert_perror",
                                           "basename",
                                           "be16toh",
                                           "be32toh",
                                           "be64toh",
                                           "clrbit",
                                           "complex",
                                           "d_fileno",
                                           "errno",
                                           "h_addr",
                                           "h_errno",
                                           "howmany",
                                           "htobe16",
                                           "htobe32",
                                           "htobe64",
                                           "htole16",
                                           "htole32",
                                           "htole64",
                                           "htonl",
                                           "htons",
                                           "i386",
                                           "ifa_broadaddr",
                                           "ifa_dstaddr",
                                           "ifc_buf",
                                           "ifc_req",
                                           "ifr_addr",
                                           "ifr_bandwidth",
                                           "ifr_broadaddr",
                                           "ifr_data",
                                           "ifr_dstaddr",
                                           "ifr_flags",
                                           "ifr_hwaddr",
                                           "ifr_ifindex",
                                           "ifr_map",
                                           "ifr_metric",
                                           "ifr_mtu",
                                           "ifr_name",
                                           "ifr_netmask",
                                           "ifr_newname",
                                           "ifr_qlen",
                                           "ifr_slave",
                                           "isclr",
                                           "isset",
                                           "issubnormal",
                                           "le16toh",
                                           "le32toh",
                                           "le64toh",
                                           "linux",
                                           "major",
                                           "makedev",
                                           "math_errhandling",
                                           "minor",
                                           "ntohl",
                                           "ntohs",
                                           "offsetof",
                                           "powerof2",
                                           "pthread_cleanup_pop",
                                           "pthread_cleanup_pop_restore_np",
                                           "pthread_cleanup_push",
                                           "pthread_cleanup_push_defer_np",
                                           "roundup",
                                           "s6_addr",
                                           "s6_addr16",
                                           "s6_addr32",
                                           "sa_handler",
                                           "sa_sigaction",
                                           "sched_priority",
                                           "setbit",
                                           "setjmp",
                                           "si_addr",
                                           "si_addr_lsb",
                                           "si_arch",
                                           "si_band",
                                           "si_call_addr",
                                           "si_fd",
                                           "si_int",
                                           "si_lower",
                                           "si_overrun",
                                           "si_pid",
                                           "si_pkey",
                                           "si_ptr",
                                           "si_status",
                                           "si_stime",
                                           "si_syscall",
                                           "si_timerid",
                                           "si_uid",
                                           "si_upper",
                                           "si_utime",
                                           "si_value",
                                           "sigev_notify_attributes",
                                           "sigev_notify_function",
                                           "sigmask",
                                           "sigsetjmp",
                                           "st_atime",
                                           "st_ctime",
                                           "st_mtime",
                                           "stderr",
                                           "stdin",
                                           "stdout",
                                           "strdupa",
                                           "strndupa",
                                           "timeradd",
                                           "timerclear",
                                           "timercmp",
                                           "timerisset",
                                           "timersub",
                                           "unix",
                                           "va_arg",
                                           "va_copy",
                                           "va_end",
                                           "va_start"};

/// NULL, EOF, INT_MAX, M_PI, PRId64: headers define macros that begin with capitals, more than a list can hold.
bool looks_like_a_macro(std::string_view name) {
  return !name.empty() && is_upper(name[0]) && (name.size() == 1 || (!is_lower(name[1])));
}

template <std::size_t n>
std::string with_mark(std::string name, const std::string_view (&words)[n]) {
  if (std::ranges::find(words, std::string_view{name}) != std::end(words)) name += '_';
  return name;
}

}  // namespace

std::string snake_case(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (is_upper(name[i]) && i > 0 && name[i - 1] != '_') {
      const bool after_small = is_lower(name[i - 1]);
      const bool starts_word = i + 1 < name.size() && is_lower(name[i + 1]);
      if (after_small || starts_word) out += '_';
    }
    out += to_lower(name[i]);
  }
  return out;
}

std::string pascal_case(std::string_view name) {
  std::string out;
  for (const auto& part : split(name, '_')) {
    if (part.empty()) continue;
    out += to_upper(part.front());
    out += part.substr(1);
  }
  return out;
}

std::string camel_case(std::string_view name) {
  auto out = pascal_case(name);
  // A leading run of capitals goes down together: GETStatus -> getStatus, URL -> url.
  for (std::size_t i = 0; i < out.size() && is_upper(out[i]); ++i) {
    if (i > 0 && i + 1 < out.size() && is_lower(out[i + 1])) break;
    out[i] = to_lower(out[i]);
  }
  return out;
}

std::string upper_case(std::string_view name) {
  std::string out{name};
  std::ranges::transform(out, out.begin(), to_upper);
  return out;
}

std::string cpp_identifier(std::string name) {
  if (looks_like_a_macro(name)) return name + '_';
  return with_mark(with_mark(std::move(name), cpp_words), cpp_macros);
}

bool is_cpp_global(std::string_view name) { return std::ranges::binary_search(cpp_globals, name); }

std::string_view unusable_because(std::string_view name) {
  if (name.starts_with('_') || name.ends_with('_')) return "a name must not begin or end with an underscore";
  if (name.find("__") != std::string_view::npos) return "a name must not contain two underscores in a row";
  return {};
}

std::vector<std::string> split_namespace(std::string_view name) {
  std::vector<std::string> parts;
  for (;;) {
    const auto end = name.find("::");
    parts.emplace_back(name.substr(0, end));
    if (end == std::string_view::npos) return parts;
    name.remove_prefix(end + 2);
  }
}

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts;
  for (std::size_t start = 0;;) {
    const auto end = text.find(at, start);
    parts.emplace_back(text.substr(start, end - start));
    if (end == std::string_view::npos) return parts;
    start = end + 1;
  }
}

std::string join(const std::vector<std::string>& parts, std::string_view with) {
  std::string out;
  for (const auto& part : parts) {
    if (&part != &parts.front()) out += with;
    out += part;
  }
  return out;
}

}  // namespace flowersec::idlgen
