// On how many canvases the same code is in use, told apart by what their handlers do and not by
// what they are called. Loop thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "supervisor/canvas/revision.h"

namespace nightjar {

class CodeInUse {
 public:
  // How long a canvas is in use after it was used.
  static constexpr std::chrono::hours kInUse{1};

  void Used(const Revision& revision, std::chrono::sys_seconds at);
  void Forget(std::chrono::sys_seconds now);
  // Itself included; 0: it is not in use, or has no code.
  uint64_t CanvasesLike(const std::string& canvas) const;

 private:
  struct Use {
    RevisionNumber number = 0;
    std::string code;  // the hashes of its handlers, in order
    std::chrono::sys_seconds last{};
  };
  void Drop(const std::string& code);

  std::unordered_map<std::string, Use> uses_;  // by canvas
  std::unordered_map<std::string, uint64_t> canvases_of_;
};

}  // namespace nightjar
