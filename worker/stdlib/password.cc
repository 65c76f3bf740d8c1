// Passwords as they are kept: salted and hashed with Argon2id, never shown.
#include <argon2.h>
#include <sys/random.h>

#include "ipc/core/check.h"
#include "worker/lang/secret_mask.h"
#include "worker/stdlib/library.h"

namespace nightjar::lang {
namespace {

// OWASP's least parameters of 2023: about 25 ms. They fit a run's default memory.
constexpr uint32_t kPasses = 2;
constexpr uint32_t kMemoryKiB = 19 * 1024;
constexpr uint32_t kLanes = 1;  // more would want threads
constexpr size_t kSaltBytes = 16;
constexpr size_t kHashBytes = 32;

Dval Hash(const Call& call) {
  char salt[kSaltBytes];
  CHECK(getrandom(salt, sizeof salt, 0) == static_cast<ssize_t>(sizeof salt));
  char encoded[256];
  std::string_view password = call[0].view();
  int failed = argon2id_hash_encoded(kPasses, kMemoryKiB, kLanes, password.data(), password.size(),
                                     salt, sizeof salt, kHashBytes, encoded, sizeof encoded);
  if (failed == ARGON2_MEMORY_ALLOCATION_ERROR) throw std::bad_alloc();
  if (failed != ARGON2_OK) return call.Fault();
  return MakeTextual(call.arena, Tag::kPassword, encoded);
}

Dval Check(const Call& call) {
  std::string encoded(call[0].view());
  std::string_view password = call[1].view();
  SecretMask::HideInRun(password);  // before the call is recorded, once it is over
  int failed = argon2id_verify(encoded.c_str(), password.data(), password.size());
  if (failed == ARGON2_MEMORY_ALLOCATION_ERROR) throw std::bad_alloc();
  return Dval::Bool(failed == ARGON2_OK);
}

}  // namespace

void AddPassword(Tables& tables) {
  Module m(tables, "Password");
  m.Add("hash", 0, {{"password", kStr}}, kPassword, Hash).Impure().TakesPasswords();
  m.Add("check", 0, {{"password", kPassword}, {"rawPassword", kStr}}, kBool, Check);
}

}  // namespace nightjar::lang
