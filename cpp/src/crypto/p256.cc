#include "crypto/p256.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include <memory>

#include "crypto/openssl.h"

namespace flowersec::crypto::p256 {
namespace {

template <auto Free>
struct free_with {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using number = std::unique_ptr<BIGNUM, free_with<BN_clear_free>>;
using number_scratch = std::unique_ptr<BN_CTX, free_with<BN_CTX_free>>;
using curve_point = std::unique_ptr<EC_POINT, free_with<EC_POINT_clear_free>>;

constexpr std::byte uncompressed{0x04};

const EC_GROUP* curve() {
  static const EC_GROUP* const group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
  require(group != nullptr);
  return group;
}

const unsigned char* in(byte_view bytes) noexcept { return reinterpret_cast<const unsigned char*>(bytes.data()); }
unsigned char* out(mutable_byte_view bytes) noexcept { return reinterpret_cast<unsigned char*>(bytes.data()); }

number_scratch new_scratch() {
  number_scratch scratch{BN_CTX_secure_new()};
  require(scratch != nullptr);
  return scratch;
}

curve_point new_point() {
  curve_point point{EC_POINT_new(curve())};
  require(point != nullptr);
  return point;
}

number to_number(scalar_view scalar) {
  number value{BN_bin2bn(in(scalar), static_cast<int>(scalar.size()), nullptr)};
  require(value != nullptr);
  BN_set_flags(value.get(), BN_FLG_CONSTTIME);
  return value;
}

/// Null when the bytes are not an uncompressed point on the curve. EC_POINT_oct2point checks the curve equation.
curve_point to_point(byte_view bytes, BN_CTX* scratch) {
  if (bytes.size() != p256_public_key_bytes || bytes.front() != uncompressed) return nullptr;
  auto point = new_point();
  if (EC_POINT_oct2point(curve(), point.get(), in(bytes), bytes.size(), scratch) != 1) return nullptr;
  return point;
}

}  // namespace

bool is_valid_scalar(scalar_view scalar) {
  const auto value = to_number(scalar);
  return BN_is_zero(value.get()) == 0 && BN_cmp(value.get(), EC_GROUP_get0_order(curve())) < 0;
}

bool is_valid_point(byte_view point) { return to_point(point, new_scratch().get()) != nullptr; }

void derive_public_key(scalar_view scalar, std::span<std::byte, p256_public_key_bytes> into) {
  const auto scratch = new_scratch();
  const auto value = to_number(scalar);
  const auto point = new_point();
  require(EC_POINT_mul(curve(), point.get(), value.get(), nullptr, nullptr, scratch.get()) == 1);
  require(EC_POINT_point2oct(curve(), point.get(), POINT_CONVERSION_UNCOMPRESSED, out(into), into.size(),
                             scratch.get()) == into.size());
}

bool multiply(scalar_view scalar, byte_view point, std::span<std::byte, shared_secret_bytes> into) {
  const auto scratch = new_scratch();
  const auto peer = to_point(point, scratch.get());
  if (peer == nullptr) return false;
  const auto value = to_number(scalar);
  const auto product = new_point();
  require(EC_POINT_mul(curve(), product.get(), nullptr, peer.get(), value.get(), scratch.get()) == 1);
  const number x{BN_secure_new()};
  require(x != nullptr);
  // The curve has prime order and the scalar is in 1..n-1, so the product is never the point at infinity.
  require(EC_POINT_get_affine_coordinates(curve(), product.get(), x.get(), nullptr, scratch.get()) == 1);
  require(BN_bn2binpad(x.get(), out(into), static_cast<int>(into.size())) == static_cast<int>(into.size()));
  return true;
}

}  // namespace flowersec::crypto::p256
