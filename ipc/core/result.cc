#include "ipc/core/result.h"

#include <cstring>

namespace nightjar {

std::string_view ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return "invalid";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kExpired:
      return "expired";
    case ErrorCode::kNotKept:
      return "not_kept";
    case ErrorCode::kDeleted:
      return "deleted";
    case ErrorCode::kExists:
      return "exists";
    case ErrorCode::kPermission:
      return "permission";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kExhausted:
      return "exhausted";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kTimedOut:
      return "timed_out";
    case ErrorCode::kProtocol:
      return "protocol";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "internal";
}

std::string Error::ToString() const {
  if (sys == 0) return context;
  return context + ": " + ::strerror(sys);
}

namespace {

ErrorCode CodeOfErrno(int sys) {
  switch (sys) {
    case EINVAL:
      return ErrorCode::kInvalid;
    case ENOENT:
    case ESRCH:
    case ENODEV:
      return ErrorCode::kNotFound;
    case EEXIST:
    case EADDRINUSE:
      return ErrorCode::kExists;
    case EPERM:
    case EACCES:
    case EROFS:
      return ErrorCode::kPermission;
    case ENOSYS:
    case EOPNOTSUPP:
      return ErrorCode::kUnsupported;
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case ENOSPC:
    case EDQUOT:
    case ENOBUFS:
      return ErrorCode::kExhausted;
    case EPIPE:
    case ECONNREFUSED:
    case ECONNRESET:
    case EAGAIN:
      return ErrorCode::kUnavailable;
    case ETIMEDOUT:
      return ErrorCode::kTimedOut;
    case EPROTO:
    case EBADMSG:
    case EMSGSIZE:
      return ErrorCode::kProtocol;
    default:
      return ErrorCode::kInternal;
  }
}

}  // namespace

tl::unexpected<Error> FailErrno(std::string_view context, int sys) {
  return tl::unexpected<Error>(Error{CodeOfErrno(sys), sys, std::string(context)});
}

tl::unexpected<Error> Wrap(const Error& inner, std::string_view outer) {
  Error error = inner;
  error.context = std::string(outer) + ": " + error.context;
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace nightjar
