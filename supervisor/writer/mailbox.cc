#include "supervisor/writer/mailbox.h"

#include <cerrno>
#include <utility>

#include "ipc/core/bounds.h"
#include "ipc/core/log.h"

namespace nightjar {
namespace {

constexpr int kPacketsPerTurn = 64;  // then other work of the loop has its turn

}  // namespace

Mailbox::Mailbox(Loop& loop, Channel channel, Handlers handlers)
    : channel_(std::move(channel)), handlers_(std::move(handlers)) {
  watch_ = std::make_unique<FdWatch>(loop, channel_.fd(), [this](unsigned e) { OnEvents(e); });
  watch_->Start(FdWatch::kReadable);
}

void Mailbox::OnEvents(unsigned events) {
  if (events & FdWatch::kWritable) Flush();
  Receive();
}

void Mailbox::Receive() {
  for (int i = 0; open_ && i < kPacketsPerTurn; ++i) {
    auto packet = channel_.Receive();
    if (!packet) {
      // A broken packet is the end too: what follows it cannot be understood without it.
      if (packet.error().code != ErrorCode::kUnavailable)
        LogError("supervisor_channel_broken", {{"error", packet.error().ToString()}});
      return Close();
    }
    if (!*packet) return;
    auto message = (*packet)->Parse<proto::ToWriter>();
    if (!message) {
      LogError("supervisor_channel_broken", {{"error", message.error().ToString()}});
      return Close();
    }
    handlers_.message(std::move(*message), std::move((*packet)->fds));
  }
}

void Mailbox::Close() {
  open_ = false;
  watch_->Stop();
  waiting_.clear();
  handlers_.closed();
}

Status Mailbox::SendNow(const Outgoing& outgoing) {
  std::vector<int> fds;
  for (const Fd& fd : outgoing.fds) fds.push_back(fd.get());
  return channel_.Send(outgoing.message, fds);
}

void Mailbox::Send(Kind kind, proto::FromWriter message, std::vector<Fd> fds) {
  if (!open_) return;
  Outgoing outgoing{std::move(message), std::move(fds)};
  if (waiting_.empty()) {
    Status sent = SendNow(outgoing);
    if (sent) return;
    if (sent.error().sys != EAGAIN) return OnUnsendable(outgoing, sent.error());
  }
  size_t bytes = outgoing.bytes();
  if (kind == Kind::kDroppable && (waiting_.size() >= bounds::kWriterOutbox ||
                                   waiting_bytes_ + bytes > bounds::kWriterOutboxBytes)) {
    LogWarning("answer_dropped",
               {{"ticket", outgoing.message.ticket()}, {"waiting", waiting_.size()}});
    return;
  }
  waiting_bytes_ += bytes;
  waiting_.push_back(std::move(outgoing));
  watch_->Start(FdWatch::kReadable | FdWatch::kWritable);
}

void Mailbox::SendEncoded(Kind kind, uint64_t ticket, std::string_view encoded) {
  proto::FromWriter message;
  std::vector<Fd> fds;
  if (encoded.size() <= bounds::kFrameBytes) {
    if (!message.ParseFromArray(encoded.data(), static_cast<int>(encoded.size()))) {
      message.Clear();
      message.set_error("the stored record cannot be shown");
      message.set_error_kind(proto::ERROR_KIND_STORAGE);
    }
  } else if (auto memfd = CreateImmutableMemfd("nightjar-answer", encoded)) {
    message.set_memfd_bytes(encoded.size());
    fds.push_back(std::move(*memfd));
  } else {
    message.set_error(memfd.error().ToString());
    message.set_error_kind(proto::ERROR_KIND_STORAGE);
  }
  message.set_ticket(ticket);
  Send(kind, std::move(message), std::move(fds));
}

void Mailbox::Flush() {
  while (open_ && !waiting_.empty()) {
    Status sent = SendNow(waiting_.front());
    if (!sent && sent.error().sys == EAGAIN) return;
    Outgoing gone = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_bytes_ -= gone.bytes();
    if (!sent) OnUnsendable(gone, sent.error());
  }
  if (!open_) return;
  watch_->Start(FdWatch::kReadable);
  handlers_.room();
}

// The socket is broken, and its end follows as an event; or the message is too large, which our own
// bounds forbid.
void Mailbox::OnUnsendable(const Outgoing& outgoing, const Error& error) {
  LogWarning("answer_dropped",
             {{"ticket", outgoing.message.ticket()}, {"error", error.ToString()}});
}

}  // namespace nightjar
