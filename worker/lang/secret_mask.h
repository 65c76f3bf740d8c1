// Keeps the secrets of the loaded canvas out of its traces and messages.
//
// Programs get secrets as ordinary strings and may build others with them, so a text is searched
// for them when it is about to be written down, not when it is made. Each byte that belongs to one
// is left out, also where they overlap; a word stands for those that follow each other. Costs
// nothing where a canvas has none. Single thread.
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
  static size_t longest() { return longest_; }

  // `text` itself, or, where a secret is in it, what may be shown of it, in *room. Looks no further
  // than anything is ever written of a text. Where it finds one, what lies further on is left out.
  static std::string_view Apply(std::string_view text, std::string* room) {
    return secrets_.empty() ? text : Masked(text, room);
  }

  // For a text that comes in pieces: appends what may be shown of its first `ready` bytes. `hidden`
  // of them belong to a secret that the bytes before them ended in; returns the same for the bytes
  // behind. A secret that begins in the first `ready` bytes is known if the text holds its end.
  static size_t Show(std::string_view text, size_t ready, size_t hidden, std::string* shown);

 private:
  static std::string_view Masked(std::string_view text, std::string* room);

  static inline std::vector<std::string> secrets_;  // none is empty
  static inline size_t longest_ = 0;
  static inline std::string_view mask_;  // what stands for them
};

}  // namespace nightjar::lang
