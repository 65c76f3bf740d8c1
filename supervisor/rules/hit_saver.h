// Keeps hits of abuse rules with the storage writer, so that a restart does not forget them.
//
// Nothing waits for the writer: what it could not save is tried again. The newest word about a hit
// is what is saved. Loop thread only.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "ipc/proto/control.pb.h"
#include "supervisor/journal/journal.h"

namespace nightjar {

class HitSaver {
 public:
  explicit HitSaver(Journal& journal) : journal_(journal) {}

  void Save(const proto::RuleHit& hit);
  // Tries again what could not be saved. Call every second or so.
  void Retry();
  // All that was to be saved is.
  bool settled() const { return unsaved_.empty(); }

 private:
  // At one time; the others wait.
  static constexpr size_t kAsked = 16;

  struct Unsaved {
    proto::RuleHit hit;
    bool asked = false;
    bool changed = false;  // since
  };
  void OnAnswer(const std::string& id, bool saved);

  Journal& journal_;
  std::map<std::string, Unsaved> unsaved_;  // by id
  size_t asked_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace nightjar
