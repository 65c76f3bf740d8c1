// The bytes of answers on their way to one client.
//
// Small pieces are copied together, so that pipelined answers leave in one system call; large
// bodies are moved in and sent from where they are. It bounds nothing: its connection stops reading
// requests while it is large. One thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nightjar::http {

class Outbox {
 public:
  // To write to behind what is there; valid until the next call. Say Wrote() afterwards.
  std::string& Tail();
  void Wrote() { CountTail(); }
  void AppendBody(std::string body);

  enum class Sent { kAll, kSome, kNothing, kBroken };  // kSome: the client must take bytes first
  Sent WriteTo(int fd);

  bool empty() const { return bytes_ == 0; }
  size_t bytes() const { return bytes_; }

 private:
  void CountTail();
  void Consume(size_t bytes);
  void Clear();

  std::vector<std::string> pieces_;
  size_t first_ = 0;       // the piece that is being sent
  size_t offset_ = 0;      // what of it is sent
  size_t bytes_ = 0;       // unsent in all
  size_t tail_bytes_ = 0;  // of the last piece, as counted in bytes_
  bool tail_open_ = false;
};

}  // namespace nightjar::http
