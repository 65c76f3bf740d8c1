// What an incident needs of its revision before it is stored: the hash of its code, and masks over
// the canvas's secrets in what its programs said of themselves.
//
// Secrets are read out of the stored program; nothing else of it is looked at. One thread, the
// archive's.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ipc/core/result.h"
#include "ipc/proto/control.pb.h"
#include "supervisor/writer/catalog.h"

namespace nightjar {

// The values of the secrets in a compiled program; nullopt for bytes that are none.
std::optional<std::vector<std::string>> SecretsIn(std::string_view program);

// `text` with every secret replaced. One that the text's end cut through is cut off whole, where
// `end` says that there is more behind it.
enum class TextEnd { kWhole, kCut };
std::string MaskSecrets(std::string_view text, const std::vector<std::string>& secrets,
                        TextEnd end);

// Of a text of any length, piece by piece. kExhausted: there is more to search for than can be.
Result<std::string> MaskAllSecrets(std::string_view text, const std::vector<std::string>& secrets);

class IncidentCode {
 public:
  // `catalog` outlives it.
  explicit IncidentCode(Catalog& catalog) : catalog_(catalog) {}

  // Fills in code_sha256; masks and cuts names and command lines. What cannot be masked is left
  // out, and the incident says so.
  void Finish(proto::Incident* incident);

 private:
  std::string HashOf(const std::string& canvas, RevisionNumber revision);

  Catalog& catalog_;
  std::map<std::pair<std::string, RevisionNumber>, std::string> hashes_;
};

}  // namespace nightjar
