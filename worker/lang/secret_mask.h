// Keeps what must not be shown out of traces and messages: the secrets of the loaded canvas, and
// what policy leaves out of the current run's input.
//
// Programs get both as ordinary strings and may build others with them; ipc/redact/text_mask.h says
// what is found of that. One a process, which serves one canvas; single thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ipc/redact/request_redactor.h"
#include "ipc/redact/text_mask.h"

namespace nightjar::lang {

class SecretMask {
 public:
  // Of the canvas that is loaded from now on.
  static void Set(std::vector<std::string> secrets);
  // Of the run that begins: what its input was relieved of, and by which rules.
  static void SetRun(const RequestRedactor& input);
  // One text more of the run that is going on.
  static void HideInRun(std::string_view text);

  // As of TextMask.
  static std::string_view Apply(std::string_view text, std::string* room) {
    return mask_.Apply(text, room);
  }
  static const TextMask& mask() { return mask_; }
  // Of a response's header, which has a name that the rules may know.
  static std::string_view ApplyToHeader(std::string_view name, std::string_view value,
                                        std::string* room);

 private:
  static void Remake();

  static inline std::vector<std::string> secrets_;
  static inline HiddenTexts run_;
  static inline RedactionRules rules_;
  static inline TextMask mask_;
};

}  // namespace nightjar::lang
