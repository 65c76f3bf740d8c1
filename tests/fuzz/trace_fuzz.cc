// A stored trace object that is damaged or forged, and what the control plane, a terminal and other
// programs are shown of it.
//
// The first byte says what the rest is: a whole object; an object's blocks, which get checksums
// that are right; events as a worker wrote them; an incident; or a trace as JSON, as `nightjar`
// hears it from whoever has the control socket.
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "ipc/core/bounds.h"
#include "ipc/proto/writer.pb.h"
#include "supervisor/cli/export_chrome.h"
#include "supervisor/cli/export_otlp.h"
#include "supervisor/cli/render_incident.h"
#include "supervisor/cli/render_trace.h"
#include "supervisor/writer/container_format.h"
#include "supervisor/writer/event_head.h"
#include "supervisor/writer/trace_builder.h"
#include "supervisor/writer/trace_document.h"
#include "supervisor/writer/trace_reader.h"
#include "tests/fuzz/must.h"
#include "tests/fuzz/quiet.h"
#include "tests/fuzz/script.h"

namespace nightjar {
namespace {

using fuzz::Must;
using fuzz::Script;

constexpr const char* kRun = "61616161-6161-6161-6161-616161616161";

// Lines of text, and nothing that a terminal takes for a command.
void MustBeHarmless(std::string_view text) {
  for (size_t at = 0; at < text.size(); ++at) {
    auto byte = static_cast<unsigned char>(text[at]);
    Must((byte >= 0x20 && byte != 0x7f) || byte == '\n', "no control character is shown");
    bool c1 =
        byte == 0xc2 && at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) < 0xa0;
    Must(!c1, "no control character is shown");
  }
}

void MustBeJson(const std::string& text) {
  MustBeHarmless(text);
  Must(nlohmann::json::accept(text), "an export is JSON");
}

void Show(const proto::TraceDocument& document) {
  constexpr ptrdiff_t kLinesShort = 2000;
  cli::Paint plain;
  std::string brief = cli::RenderTrace(document, cli::Detail::kShort, plain);
  MustBeHarmless(brief);
  Must(std::count(brief.begin(), brief.end(), '\n') < kLinesShort, "a short trace is short");
  MustBeHarmless(cli::RenderTrace(document, cli::Detail::kFull, plain));
  for (cli::Detail detail : {cli::Detail::kShort, cli::Detail::kFull}) {
    MustBeJson(cli::ExportChrome(document, detail));
    if (auto otlp = cli::ExportOtlp(document, detail)) MustBeJson(*otlp);
  }
}

void Read(std::string_view object) {
  proto::TraceRow row;
  row.set_run_id(kRun);
  constexpr size_t kAnswerBytes = 256 * bounds::kKiB;
  auto answer = EncodeTraceAnswer(7, row, object, kAnswerBytes);
  if (!answer) return;
  Must(answer->size() <= kAnswerBytes, "an answer is bounded");
  proto::FromWriter message;
  Must(message.ParseFromString(*answer) && message.ticket() == 7, "an answer parses");
  proto::TraceDocument document;
  Must(google::protobuf::util::JsonStringToMessage(message.trace_json(), &document).ok(),
       "a trace is JSON");
  Show(document);
}

void AppendBlock(uint32_t kind, uint32_t run, std::string_view raw, std::string& object) {
  static Compressor* compressor = new Compressor;
  size_t at = object.size();
  container::BlockHeader header{};
  header.mark = container::kBlockMark;
  header.kind = kind;
  header.run = run;
  header.raw_bytes = static_cast<uint32_t>(raw.size());
  container::Put(object, header);
  header.stored_bytes = static_cast<uint32_t>(compressor->Append(raw, object));
  header.checksum =
      container::BlockChecksum(header, std::string_view(object).substr(at + sizeof header));
  memcpy(object.data() + at, &header, sizeof header);
}

// Blocks whose content is the script's: events, a footer, or something else.
void ReadBlocks(Script& script) {
  container::FileHeader header{{}, container::kVersion, 0};
  container::kMagic.copy(header.magic, sizeof header.magic);
  std::string object;
  container::Put(object, header);
  proto::TraceFooter footer;
  proto::StoredRun& stored = *footer.add_runs();
  stored.mutable_row()->set_run_id(kRun);
  while (script.Byte() % 2 != 0 && !script.done()) {
    proto::StoredBlock& block = *stored.add_blocks();
    block.set_offset(object.size() + script.Byte() % 3);
    block.set_first_seq(script.Byte());
    AppendBlock(script.Byte() % 3, script.Byte() % 2, script.Text(), object);
  }
  uint64_t at = object.size();
  std::string said = footer.SerializeAsString();
  // Merged into what is true.
  said += script.rest();
  AppendBlock(container::kFooter, 0, said, object);
  container::Trailer trailer{at, {}};
  container::kEndMagic.copy(trailer.magic, sizeof trailer.magic);
  container::Put(object, trailer);
  Read(object);
}

void ReadEvents(Script& script) {
  static Compressor* compressor = new Compressor;
  TraceBuilder builder(*compressor);
  while (!script.done()) {
    std::string_view event = script.Text();
    auto head = ReadEventHead(event);
    if (head && !event.empty()) builder.Append(event, head->seq);
  }
  Must(builder.Newest(3).size() <= 3, "no more than was asked for");
  proto::StoredRun stored;
  stored.mutable_row()->set_run_id(kRun);
  Read(builder.Seal(std::move(stored)));
}

}  // namespace
}  // namespace nightjar

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nightjar;
  fuzz::BeQuiet();
  Script script({reinterpret_cast<const char*>(data), size});
  switch (script.Byte() % 5) {
    case 0:
      Read(script.rest());
      break;
    case 1:
      ReadBlocks(script);
      break;
    case 2:
      ReadEvents(script);
      break;
    case 3: {
      proto::Incident incident;
      if (!incident.ParseFromString(std::string(script.rest()))) break;
      for (cli::Detail detail : {cli::Detail::kFull, cli::Detail::kShort})
        for (cli::Glyphs glyphs : {cli::Glyphs::kAscii, cli::Glyphs::kUnicode})
          MustBeHarmless(cli::RenderIncident(incident, detail, glyphs, cli::Paint()));
      break;
    }
    default: {
      proto::TraceDocument document;
      std::string json(script.rest());
      if (google::protobuf::util::JsonStringToMessage(json, &document).ok()) Show(document);
    }
  }
  return 0;
}
