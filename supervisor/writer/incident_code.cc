#include "supervisor/writer/incident_code.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>

#include "ipc/core/bounds.h"
#include "ipc/core/utf8.h"
#include "ipc/proto/program.pb.h"
#include "ipc/redact/text_mask.h"
#include "supervisor/writer/sha256.h"

namespace nightjar {
namespace {

using google::protobuf::internal::WireFormatLite;

constexpr size_t kLongestCharacter = 4;

void MaskProcess(const std::vector<std::string>& secrets, proto::ProcessSeen* process) {
  bool cut = process->command_cut() ||
             process->command().size() + kLongestCharacter > bounds::kCommandReadBytes;
  process->clear_command_cut();
  std::string command =
      MaskSecrets(process->command(), secrets, cut ? TextEnd::kCut : TextEnd::kWhole);
  if (cut || command.size() > bounds::kCommandShownBytes) {
    CutToUtf8(&command, bounds::kCommandShownBytes);
    command += "...";
  }
  process->set_command(command);
  process->set_name(MaskSecrets(process->name(), secrets, TextEnd::kCut));
  for (proto::ThreadSeen& thread : *process->mutable_threads())
    thread.set_name(MaskSecrets(thread.name(), secrets, TextEnd::kCut));
}

void LeaveWordsOut(proto::Incident* incident) {
  for (proto::ProcessSeen& process : *incident->mutable_processes()) {
    process.clear_command();
    process.clear_name();
    process.clear_command_cut();
    for (proto::ThreadSeen& thread : *process.mutable_threads()) thread.clear_name();
  }
  incident->add_left_out(
      "names and command lines: the canvas's secrets could not be read, and so not be masked");
}

}  // namespace

std::optional<std::vector<std::string>> SecretsIn(std::string_view program) {
  constexpr uint32_t kSecret = WireFormatLite::MakeTag(proto::Program::kSecretsFieldNumber,
                                                       WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const uint8_t*>(program.data()),
                                            static_cast<int>(program.size()));
  std::vector<std::string> secrets;
  while (uint32_t tag = in.ReadTag()) {
    if (tag != kSecret) {
      if (!WireFormatLite::SkipField(&in, tag)) return std::nullopt;
      continue;
    }
    int size = 0;
    std::string bytes;
    proto::Secret secret;
    if (!in.ReadVarintSizeAsInt(&size) || !in.ReadString(&bytes, size) ||
        !secret.ParseFromString(bytes))
      return std::nullopt;
    if (!secret.value().empty()) secrets.push_back(secret.value());
  }
  if (!in.ConsumedEntireMessage()) return std::nullopt;
  return secrets;
}

namespace {

TextMask MaskOf(const std::vector<std::string>& secrets) {
  HiddenTexts hidden;
  for (const std::string& secret : secrets) hidden.texts.push_back({secret, "<secret>"});
  TextMask mask;
  mask.Set(std::move(hidden));
  return mask;
}

}  // namespace

std::string MaskSecrets(std::string_view text, const std::vector<std::string>& secrets,
                        TextEnd end) {
  TextMask mask = MaskOf(secrets);
  std::string room;
  std::string masked(mask.Apply(text, &room));
  if (end == TextEnd::kCut) masked.resize(masked.size() - mask.BegunAtEnd(masked));
  return masked;
}

Result<std::string> MaskAllSecrets(std::string_view text, const std::vector<std::string>& secrets) {
  size_t bytes = 0, longest = 0;
  for (const std::string& secret : secrets) {
    bytes += secret.size();
    longest = std::max(longest, secret.size());
  }
  if (secrets.size() > bounds::kMaskedTexts || bytes > bounds::kMaskedTextsBytes)
    return Fail(ErrorCode::kExhausted, "there are more secrets in it than can be searched for");
  TextMask mask = MaskOf(secrets);
  std::string masked;
  size_t hidden = 0;
  while (!text.empty()) {
    // Together with what a secret that begins in it may need behind it.
    const size_t ready = std::min(text.size(), bounds::kMaskedPieceBytes);
    hidden = mask.Show(text.substr(0, ready + longest), ready, hidden, &masked);
    text.remove_prefix(ready);
  }
  return masked;
}

void IncidentCode::Finish(proto::Incident* incident) {
  incident->set_code_sha256(HashOf(incident->canvas(), incident->revision()));
  if (incident->processes().empty()) return;
  auto program = catalog_.Program(incident->canvas(), incident->revision());
  auto secrets = program ? SecretsIn(*program) : std::nullopt;
  if (!secrets) return LeaveWordsOut(incident);
  for (proto::ProcessSeen& process : *incident->mutable_processes())
    MaskProcess(*secrets, &process);
}

// Empty for code that is not in the catalog, such as that of a compile run.
std::string IncidentCode::HashOf(const std::string& canvas, RevisionNumber revision) {
  auto key = std::make_pair(canvas, revision);
  auto known = hashes_.find(key);
  if (known != hashes_.end()) return known->second;
  auto source = catalog_.Source(canvas, revision);
  if (!source) return "";
  if (hashes_.size() == bounds::kCodeHashes) hashes_.clear();
  return hashes_[key] = HashText(Sha256({*source}));
}

}  // namespace nightjar
