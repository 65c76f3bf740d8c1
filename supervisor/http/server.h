// An HTTP/1.1 server on the loop: keep-alive, pipelining, chunked bodies, Expect: 100-continue,
// with a bound on everything.
//
// It parses (Boost.Beast as a parser without I/O of its own), answers malformed input with the
// right 4xx and a closed connection, and hands whole requests to one handler, in the order of
// arrival on each connection; answers go out in that order too, whenever they come. It knows
// nothing of canvases. The same class serves TCP (canvases) and a Unix socket (control plane). Loop
// thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ipc/core/bounds.h"
#include "ipc/core/clock.h"
#include "ipc/core/fd.h"
#include "ipc/core/result.h"
#include "supervisor/loop/loop.h"

namespace nightjar::http {

using HeaderList =
    std::vector<std::pair<std::string, std::string>>;  // names as sent, in order, duplicates kept

struct Request {
  std::string method;
  std::string
      target;  // as sent: "/users/7?x=1"; absolute-form is split, its authority goes to `host`
  std::string host;    // lower case, without port; empty where HTTP/1.0 sent none
  HeaderList headers;  // values without control bytes, but not always UTF-8
  std::string body;
  std::string peer;       // "127.0.0.1:50312", or "uid 0 pid 4242" on a Unix socket
  int64_t peer_uid = -1;  // Unix sockets only, from SO_PEERCRED
  MonoTime received;      // when its last byte was read
};

// Headers that would break the message (a name that is no token, a control byte in the value) are
// left out; a status that is no final one becomes 500.
struct Response {
  unsigned status = 200;
  HeaderList headers;  // Content-Length, Connection and Date are the server's to write
  std::string body;
};

struct ExchangeState;  // exchange.h: the server's own

// The rest of an answer that comes bit by bit and has no length: of server-sent events, say. Ends
// with this object. It may outlive its connection and its server. Loop thread only.
class ResponseStream {
 public:
  explicit ResponseStream(std::shared_ptr<ExchangeState> state);
  ~ResponseStream();
  ResponseStream(const ResponseStream&) = delete;
  ResponseStream& operator=(const ResponseStream&) = delete;

  // False: nothing was taken, because the client is gone, or has not taken
  // bounds::kHttpOutboxBytes that were written before.
  bool Write(std::string_view bytes);
  // Called once, from the loop, when the client has ended its side or the connection broke, after
  // this call. May destroy this.
  void OnGone(std::function<void()> gone);

 private:
  std::shared_ptr<ExchangeState> state_;
};

// Answers one request. Move-only; Send() once, from the loop thread, now or later. One that is
// dropped without Send answers 500. It may outlive its connection and its server: then what it
// sends is dropped.
class Responder {
 public:
  explicit Responder(std::shared_ptr<ExchangeState> state);
  Responder(Responder&&) noexcept;
  Responder& operator=(Responder&&) noexcept;
  ~Responder();

  void Send(Response response);
  // Instead of Send(): the head now (its body is the stream's first bytes), the rest as it comes.
  // To a client of HTTP/1.0, which cannot be told an end, the connection's end is the answer's.
  std::unique_ptr<ResponseStream> Stream(Response head);
  // The client has ended its side, or the connection broke: whoever works long for the answer may
  // stop. An answer that is sent all the same still reaches a client that only ended its sending.
  bool client_gone() const;

 private:
  std::shared_ptr<ExchangeState> state_;
};

using Handler = std::function<void(Request, Responder)>;

struct Options {
  size_t header_bytes_max = bounds::kHttpHeaderBytes;
  size_t header_count_max = bounds::kHttpHeaderCount;
  size_t target_bytes_max = bounds::kHttpTargetBytes;
  size_t body_bytes_max = bounds::kHttpBodyBytes;
  size_t bodies_bytes_max = bounds::kHttpBodiesBytes;  // of all requests received or not answered
  size_t pipeline_depth_max = bounds::kHttpPipelineDepth;
  size_t connections_max = bounds::kHttpConnections;
  std::chrono::milliseconds header_time = bounds::kHttpHeaderTime;
  std::chrono::milliseconds body_time = bounds::kHttpBodyTime;
  std::chrono::milliseconds idle_time = bounds::kHttpIdleTime;
  std::chrono::milliseconds drain_idle_time = bounds::kHttpDrainIdleTime;  // the same in a drain
  std::chrono::milliseconds write_time = bounds::kHttpWriteTime;
  std::chrono::milliseconds linger_time = bounds::kHttpLingerTime;
};

class Server {
 public:
  // `listener`: a bound, listening, non-blocking socket (see Listen* below).
  static Result<std::unique_ptr<Server>> Create(Loop& loop, const Clock& clock, Fd listener,
                                                Options options, Handler handler);
  // Closes every connection. May happen in its handler, and in `drained`.
  virtual ~Server() = default;

  // Goes on with a connection that another server has served, between two requests of it. A
  // connected stream socket; one that is broken is closed. Also while it drains.
  virtual void Adopt(Fd connection) = 0;

  // A connection that is idle, open and whole: every byte that was taken off it is answered.
  using Keep = std::function<void(Fd)>;
  // No new connections. A request of which a byte was received is received to its end, and
  // answered. A connection that is idle, or becomes it, is given to `keep`, and what its client
  // sends from now on is not touched. Where nobody keeps it, the last answer says Connection:
  // close; and a client that is idle already may send one more request within drain_idle_time.
  // `drained` is called once, from the loop, when no connection is left here.
  virtual void Drain(Keep keep, std::function<void()> drained) = 0;
  // The rest of the drain is as if nobody kept connections.
  virtual void StopKeeping() = 0;
  // The drain's time is over: a request that has not come whole is refused, and what is idle is
  // closed. Answers that are still owed go out.
  virtual void EndDrain() = 0;
  virtual size_t connections() const = 0;
  // Connections that were answered 503 and closed because connections_max was reached.
  virtual uint64_t turned_away() const = 0;
};

// "127.0.0.1:8080", "[::1]:8080", ":8080". Port 0 picks a free one. A port in use is kExists with
// the address in the context.
Result<Fd> ListenTcp(const std::string& address);
// The address a listener is bound to, as "127.0.0.1:8080".
Result<std::string> BoundAddress(const Fd& listener);
// A Unix socket with mode 0600. An old socket file that nobody listens on is replaced; a live one
// is kExists.
Result<Fd> ListenUnix(const std::string& path);

}  // namespace nightjar::http
