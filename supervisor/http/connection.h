// One client: reads and parses its requests, hands them out, and sends the answers in their order.
//
// It stops reading while its pipeline is full or its answers are not taken, so a client can make it
// hold no more than that. It decides alone when it ends, and tells the server it belongs to. Loop
// thread only; a handler, an answer or a timer may end it at any time, so every way in from outside
// first takes a share in it.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/http/exchange.h"
#include "supervisor/http/outbox.h"
#include "supervisor/http/peer.h"
#include "supervisor/http/request_parser.h"
#include "supervisor/http/response_head.h"

namespace nightjar::http {

struct ServerCore;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<ServerCore> core, Fd socket, Peer peer);
  ~Connection();

  void Open();
  void OnAnswered();  // one of its requests was answered, or a part of the answer came
  size_t unsent_bytes() const { return outbox_.bytes(); }
  void Resume();    // parses what was left while its pipeline was full
  void Drain();     // ends, or is given to the server's keeper, as Server::Drain has it
  void EndDrain();  // Server::EndDrain
  void Abort();     // ends at once

  std::list<std::shared_ptr<Connection>>::iterator place;  // in the server's list

 private:
  enum class Wait { kNothing, kIdle, kHeader, kBody };  // what of the client's is waited for

  void OnEvents(unsigned events);
  void OnDeadline();
  // Reading (connection.cc).
  void Read();
  void Discard();
  void OnEndOfInput();
  void TakeBytes(std::string_view bytes);
  void TakeRestOfRequest(std::string_view peeked);
  enum class Until { kEndOfBytes, kEndOfRequest };
  void ParseSome(std::string_view& bytes, Until until = Until::kEndOfBytes);
  bool CanParse() const;
  bool Wants() const;
  bool IsIdle() const;
  bool CountBody();
  void Dispatch(ParsedRequest parsed);
  void Refuse(unsigned status, std::string_view reason);
  // Writing and waiting (connection_output.cc).
  void Pump();  // parse what was kept, send what is answered, until neither goes further
  void SendAnswered();
  void Append(ExchangeState& exchange);
  void AppendStreamed(ExchangeState& exchange);
  HeadFraming FramingOf(const ExchangeState& exchange);
  void TellGone(const std::shared_ptr<ExchangeState>& exchange);
  void Settle();
  void GiveToKeeper();
  void Finish();
  void UpdateWaiting();
  void UpdateTimer();
  void Close();

  std::shared_ptr<ServerCore> core_;
  Fd socket_;
  Peer peer_;
  std::optional<FdWatch> watch_;  // gone before its socket is
  Timer timer_;
  RequestParser parser_;
  std::string kept_;                                      // read but not parsed yet
  std::vector<std::shared_ptr<ExchangeState>> pipeline_;  // in the order of arrival
  Outbox outbox_;

  bool open_ = true;
  bool busy_ = false;   // inside Pump's reach: an answer needs only to be noted
  bool taking_ = true;  // false: no further request will be taken
  bool draining_ = false;
  bool stalled_ = false;        // bytes are kept that the pipeline has no room for
  bool input_ended_ = false;    // the client sent its last byte
  bool owes_continue_ = false;  // "100 Continue", once the answers before it are out
  bool linger_ = false;         // at the end, wait for the client to have read
  bool lingering_ = false;
  size_t discarded_ = 0;
  size_t receiving_bytes_ = 0;  // of the body in the parser, as counted by the server
  Wait waiting_ = Wait::kNothing;
  MonoTime read_deadline_ = MonoTime::max();
  MonoTime write_deadline_ = MonoTime::max();
  MonoTime timer_at_ = MonoTime::max();
};

}  // namespace nightjar::http
