// How a module says that its own plumbing failed.
//
// Result<T> is a value or an Error. An Error is never a Refusal (policy said no before the run) and
// never a Verdict (what became of a run): those have types of their own. Context is added once a
// layer, outermost first. No exception leaves a module; what a library throws is caught at the call
// that throws.
#pragma once

#include <cerrno>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace nightjar {

enum class ErrorCode {
  kInvalid,      // bad input of ours or of the operator: fix the input
  kNotFound,     // the named thing does not exist
  kExpired,      // it may have existed; its time is over
  kNotKept,      // it existed, and policy did not let it be kept
  kDeleted,      // it existed; somebody deleted it
  kExists,       // it exists already, or belongs to somebody else
  kPermission,   // the kernel or a policy of the host said no
  kUnsupported,  // this host cannot do it
  kExhausted,    // a bound was reached: memory, descriptors, disk, queue
  kUnavailable,  // the other side is away; may work later
  kTimedOut,
  kProtocol,  // bytes from outside broke the contract
  kInternal,  // everything else
};

std::string_view ErrorCodeName(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  int sys = 0;  // errno where the kernel failed, else 0
  std::string context;

  // One line for a person: "context: No space left on device".
  std::string ToString() const;
};

// [[nodiscard]] by tl::expected's own class attribute is missing in Debian 12's version: keep
// results.
template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline tl::unexpected<Error> Fail(ErrorCode code, std::string context) {
  return tl::unexpected<Error>(Error{code, 0, std::move(context)});
}

// The only translator from errno. Call it right after the failing call: it reads errno first.
tl::unexpected<Error> FailErrno(std::string_view context, int sys = errno);

// Puts `outer` before the error's context: Wrap(r.error(), "opening the catalog").
tl::unexpected<Error> Wrap(const Error& inner, std::string_view outer);

}  // namespace nightjar

// Returns early with the error of a Result or Status expression.
#define NJ_TRY(expr)                                                          \
  do {                                                                        \
    if (auto nj_status = (expr); !nj_status)                                  \
      return tl::unexpected<::nightjar::Error>(std::move(nj_status).error()); \
  } while (0)

// Declares or assigns `lhs` from a Result, or returns early with its error.
#define NJ_ASSIGN(lhs, expr) NJ_ASSIGN_IMPL(NJ_CONCAT(nj_result_, __LINE__), lhs, expr)
#define NJ_ASSIGN_IMPL(tmp, lhs, expr)                                        \
  auto tmp = (expr);                                                          \
  if (!tmp) return tl::unexpected<::nightjar::Error>(std::move(tmp).error()); \
  lhs = std::move(*tmp)
#define NJ_CONCAT(a, b) NJ_CONCAT_IMPL(a, b)
#define NJ_CONCAT_IMPL(a, b) a##b
