// Keeps the secrets of the loaded canvas out of its traces and messages.
//
// Programs get secrets as ordinary strings and may build others with them, so a text is searched
// for them when it is about to be written down, not when it is made. Costs nothing where a canvas
// has none. Single thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nightjar::lang {

class SecretMask {
 public:
  // Of the canvas that is loaded from now on.
  static void Set(std::vector<std::string> secrets);
  // Of the canvas's secrets, in bytes; 0: there is none.
  static size_t longest() { return secrets_.empty() ? 0 : secrets_.front().size(); }

  // `text` itself, or, where a secret is in it, what may be shown of it, in *room. Looks no further
  // than anything is ever written of a text. Where it finds one, what lies further on is left out.
  static std::string_view Apply(std::string_view text, std::string* room) {
    return secrets_.empty() ? text : Masked(text, room);
  }

  // `at`, or where the secrets end that lie across it: a text that is cut there keeps them whole.
  static size_t EndAcross(std::string_view text, size_t at);

 private:
  static std::string_view Masked(std::string_view text, std::string* room);

  static inline std::vector<std::string> secrets_;
  static inline std::string_view mask_;  // what stands for one
};

}  // namespace nightjar::lang
