#include "supervisor/http/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "ipc/core/log.h"
#include "supervisor/http/server_core.h"

namespace nightjar::http {
namespace {

constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n"
    "Connection: close\r\n\r\n";

class ServerOnLoop final : public Server {
 public:
  ServerOnLoop(Loop& loop, const Clock& clock, Fd listener, Options options, Handler handler)
      : core_(std::make_shared<ServerCore>(loop, clock, options, std::move(handler))),
        listener_(std::move(listener)),
        accepting_(
            std::make_unique<FdWatch>(loop, listener_.get(), [this](unsigned) { AcceptSome(); })),
        accept_pause_(loop, [this] { StartAccepting(); }),
        resume_(loop, [this] { ResumeSome(); }),
        drained_timer_(loop, [this] { std::exchange(drained_, nullptr)(); }) {
    core_->resume_later = [this](std::weak_ptr<Connection> connection) {
      resumable_.push_back(std::move(connection));
      resume_.StartAt(MonoTime{});
    };
    core_->on_closed = [this] { OnClosed(); };
    StartAccepting();
  }

  ~ServerOnLoop() override {
    core_->resume_later = [](std::weak_ptr<Connection>) {};
    core_->on_closed = nullptr;
    while (!core_->connections.empty()) core_->connections.front()->Abort();
  }

  void Adopt(Fd connection) override {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (getpeername(connection.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return;
    Take(std::move(connection), address);
  }

  void Drain(Keep keep, std::function<void()> drained) override {
    // Closing a listener resets who waits there. Whoever keeps connections has the listener too.
    if (!keep) AcceptSome();
    accepting_.reset();
    accept_pause_.Stop();
    listener_.Close();
    draining_ = true;
    core_->keep = std::move(keep);
    drained_ = std::move(drained);
    for (auto& connection : All()) connection->Drain();
    OnClosed();
  }

  void StopKeeping() override {
    core_->keep = nullptr;
    for (auto& connection : All()) connection->Resume();
  }

  void EndDrain() override {
    for (auto& connection : All()) connection->EndDrain();
  }

  size_t connections() const override { return core_->connections.size(); }
  uint64_t turned_away() const override { return turned_away_; }

 private:
  void StartAccepting() {
    if (accepting_) accepting_->Start(FdWatch::kReadable);
  }

  void PauseAccepting() {
    Error error = FailErrno("accept").value();
    if (!std::exchange(out_of_descriptors_, true))
      LogWarning("accept_paused", {{"error", error.ToString()}});
    accepting_->Stop();
    accept_pause_.StartAfter(bounds::kHttpAcceptPause);
  }

  void AcceptSome() {
    for (size_t left = bounds::kHttpAcceptsPerTurn; left > 0 && listener_.valid(); --left) {
      sockaddr_storage address{};
      socklen_t size = sizeof address;
      Fd socket(accept4(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size,
                        SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (socket.valid()) {
        out_of_descriptors_ = false;
        Take(std::move(socket), address);
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return;
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        // The connection stays in the queue and the listener stays ready: asking at once again
        // would only spin.
        return PauseAccepting();
      }
      // Anything else is about that one connection: the next may be well.
    }
  }

  void Take(Fd socket, const sockaddr_storage& address) {
    if (core_->connections.size() >= core_->options.connections_max) return TurnAway(socket);
    if (address.ss_family != AF_UNIX) {
      int on = 1;
      setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    Peer peer = PeerOf(socket.get(), address);
    auto connection = std::make_shared<Connection>(core_, std::move(socket), std::move(peer));
    connection->place = core_->connections.insert(core_->connections.end(), connection);
    connection->Open();
    if (draining_) connection->Drain();
  }

  // Draining or resuming one may end it, which takes it from the list.
  std::vector<std::shared_ptr<Connection>> All() const {
    return {core_->connections.begin(), core_->connections.end()};
  }

  void TurnAway(const Fd& socket) {
    // What it sent is read first: closing with unread bytes would reset it before it has the
    // answer.
    char thrown_away[4096];
    ssize_t got = recv(socket.get(), thrown_away, sizeof thrown_away, MSG_DONTWAIT);
    ssize_t put = send(socket.get(), kFull.data(), kFull.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)got, (void)put;  // a courtesy, either way
    ++turned_away_;
  }

  void ResumeSome() {
    std::vector<std::weak_ptr<Connection>> now;
    now.swap(resumable_);
    auto core = core_;  // a handler may destroy this server
    for (auto& weak : now)
      if (auto connection = weak.lock()) connection->Resume();
  }

  void OnClosed() {
    if (drained_ && core_->connections.empty()) drained_timer_.StartAt(MonoTime{});
  }

  std::shared_ptr<ServerCore> core_;
  Fd listener_;
  std::unique_ptr<FdWatch> accepting_;
  Timer accept_pause_;
  Timer resume_;
  Timer drained_timer_;
  std::vector<std::weak_ptr<Connection>> resumable_;
  std::function<void()> drained_;
  uint64_t turned_away_ = 0;
  bool out_of_descriptors_ = false;
  bool draining_ = false;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::Create(Loop& loop, const Clock& clock, Fd listener,
                                               Options options, Handler handler) {
  int listening = 0;
  socklen_t size = sizeof listening;
  if (getsockopt(listener.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0)
    return FailErrno("taking a listener");
  if (listening == 0) return Fail(ErrorCode::kInvalid, "the socket does not listen");
  return std::make_unique<ServerOnLoop>(loop, clock, std::move(listener), options,
                                        std::move(handler));
}

}  // namespace nightjar::http
