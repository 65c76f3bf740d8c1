// What a program of the host writes, in pieces as a pipe gives them: into the trace, and as an
// answer; and the environment that it gets of a stranger's request. The first byte says which of
// the two, the second how large the pieces are.
#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "ipc/core/bounds.h"
#include "ipc/core/fd.h"
#include "ipc/proto/trace.pb.h"
#include "ipc/ring/consumer.h"
#include "ipc/ring/producer.h"
#include "tests/fuzz/answer_head.h"
#include "tests/fuzz/must.h"
#include "tests/fuzz/quiet.h"
#include "tests/fuzz/request_lines.h"
#include "worker/exec/cgi.h"
#include "worker/exec/output_log.h"
#include "worker/lang/secret_mask.h"
#include "worker/lang/value.h"

namespace nightjar {
namespace {

using fuzz::Must;

struct Rig {
  Fd fd = *CreateSizedMemfd("trace", RingBytes());
  Mapping mapping = *Mapping::Create(fd, RingBytes(), Mapping::Access::kReadWrite);
  RingProducer producer{mapping.bytes()};
  RingConsumer consumer{mapping.bytes()};
  Recorder recorder{&producer};

  Rig() { lang::SecretMask::Set({"swordfish", "sword", "fish", "ab\nab", "aa"}); }
};

std::string Logged(Rig& rig, std::string_view output, size_t piece_bytes) {
  rig.recorder.StartRun(RunId(), {.trace_bytes_max = bounds::kMiB}, lang::Dval());
  OutputLog log(rig.recorder, Recorder::Stream::kStandardOutput);
  for (size_t at = 0; at < output.size(); at += piece_bytes)
    log.Add(output.substr(at, piece_bytes));
  log.Finish();
  std::string logged;
  auto take = [&](std::span<const std::byte> record) {
    proto::TraceEvent event;
    Must(event.ParseFromArray(record.data(), static_cast<int>(record.size())), "events parse");
    if (event.has_output()) logged += event.output().data();
  };
  Must(rig.consumer.Drain(take, SIZE_MAX).has_value(), "the trace's ring stays whole");
  return logged;
}

void Output(std::string_view output, size_t piece_bytes) {
  static Rig* rig = new Rig;
  std::string room;
  std::string whole(lang::SecretMask::Apply(output, &room));
  Must(Logged(*rig, output, piece_bytes) == whole, "pieces are logged as the whole would be");
  auto answer = ReadCgiAnswer(std::string(output));
  if (!answer) {
    Must(!answer.error().context.empty(), "what is wrong with an answer is told");
    return;
  }
  Must(answer->status >= 200 && answer->status <= 999, "an answer's status is one of HTTP's");
  Must(answer->headers.size() <= bounds::kHttpHeaderCount, "headers are bounded");
  Must(output.ends_with(answer->body), "the body is what the program wrote");
  fuzz::MustBeOneHead(answer->status, std::move(answer->headers), std::move(answer->body));
}

void Request(std::string_view text) {
  proto::HttpRequest http = fuzz::TakeRequestLines(text);
  http.set_url(std::string(text));
  for (const proto::RawHeader& header : http.headers()) {
    proto::Header& variable = *http.add_route_vars();
    variable.set_name(header.name());
    variable.set_value(header.value());
  }
  for (const std::string& variable : EnvironmentOf(http, text.size())) {
    std::string name = variable.substr(0, variable.find('='));
    Must(name.size() < variable.size() && !name.empty(), "a variable has a name and a value");
    Must(std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return isupper(c) || isdigit(c) || c == '_'; }),
         "a name is one for a shell");
    Must(variable.find('\0') == std::string::npos, "a variable is a C string");
    Must(name != "HTTP_PROXY", "no request says where a program's requests go");
  }
}

}  // namespace
}  // namespace nightjar

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  nightjar::fuzz::BeQuiet();
  std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  if (data[0] % 2 == 0)
    nightjar::Output(text, size_t{1} + data[1]);
  else
    nightjar::Request(text);
  return 0;
}
