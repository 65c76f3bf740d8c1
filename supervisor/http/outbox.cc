#include "supervisor/http/outbox.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>

namespace nightjar::http {
namespace {

constexpr size_t kCopyBytes = 16 * 1024;  // a body up to this is cheaper to copy than to keep
constexpr size_t kKeptCapacity = 16 * 1024;
constexpr size_t kPiecesPerWrite = 32;

}  // namespace

std::string& Outbox::Tail() {
  if (!tail_open_ || pieces_.back().size() > kCopyBytes) {
    pieces_.emplace_back();
    tail_open_ = true;
    tail_bytes_ = 0;
  }
  return pieces_.back();
}

void Outbox::CountTail() {
  bytes_ += pieces_.back().size() - tail_bytes_;
  tail_bytes_ = pieces_.back().size();
}

void Outbox::AppendBody(std::string body) {
  if (body.size() <= kCopyBytes) {
    Tail().append(body);
    return CountTail();
  }
  bytes_ += body.size();
  pieces_.push_back(std::move(body));
  tail_open_ = false;
}

Outbox::Sent Outbox::WriteTo(int fd) {
  bool some = false;
  while (bytes_ > 0) {
    iovec vectors[kPiecesPerWrite];
    size_t count = 0;
    for (size_t at = first_; at < pieces_.size() && count < kPiecesPerWrite; ++at) {
      size_t skip = at == first_ ? offset_ : 0;
      vectors[count++] = {pieces_[at].data() + skip, pieces_[at].size() - skip};
    }
    msghdr message{};
    message.msg_iov = vectors;
    message.msg_iovlen = count;
    // sendmsg rather than writev: only it can be told not to raise SIGPIPE.
    ssize_t put = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      return some ? Sent::kSome : Sent::kNothing;
    if (put < 0) return Sent::kBroken;
    some = true;
    Consume(static_cast<size_t>(put));
  }
  return Sent::kAll;
}

void Outbox::Consume(size_t bytes) {
  bytes_ -= bytes;
  if (bytes_ == 0) return Clear();
  while (bytes > 0) {
    size_t left = pieces_[first_].size() - offset_;
    size_t now = std::min(bytes, left);
    offset_ += now;
    bytes -= now;
    if (now == left) {
      std::string().swap(pieces_[first_]);  // a sent body's memory is given back at once
      ++first_;
      offset_ = 0;
    }
  }
}

// An empty outbox keeps one small piece, so that the next answer on this connection allocates
// nothing.
void Outbox::Clear() {
  first_ = offset_ = tail_bytes_ = 0;
  pieces_.resize(1);
  tail_open_ = pieces_[0].capacity() <= kKeptCapacity;
  if (tail_open_) {
    pieces_[0].clear();
  } else {
    pieces_.clear();
  }
}

}  // namespace nightjar::http
