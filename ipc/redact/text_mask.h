// Searches texts for other texts that must not be shown, and leaves them out.
//
// A text is searched when it is about to be written down, not when it is made. Each byte that
// belongs to a hidden text is left out, also where they overlap; a word stands for those that
// follow each other. Costs nothing where there is nothing to hide. What was changed on its way
// (encoded, cut into pieces) is not found. Single thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nightjar {

struct HiddenText {
  std::string text;
  std::string shown;  // what stands for it, unless that would show a hidden text itself
};

// Values that were left out of a run's input. Bounded: with more or larger ones than could be
// searched for, `all` says that no text of the run can be shown.
struct HiddenTexts {
  std::vector<HiddenText> texts;
  bool all = false;

  // Short ones would be found everywhere, and are not added.
  void Add(std::string_view text, std::string_view shown);

 private:
  size_t bytes_ = 0;
};

class TextMask {
 public:
  // Hides these from now on, and nothing else. `all`: no text at all may be shown.
  void Set(HiddenTexts hidden);

  bool empty() const { return texts_.empty() && !all_; }

  // `text` itself, or, where a hidden text is in it, what may be shown of it, in *room. Looks no
  // further than anything is ever written of a text into a trace. Where it finds one, what lies
  // further on is left out.
  std::string_view Apply(std::string_view text, std::string* room) const {
    return empty() ? text : Masked(text, room);
  }

  // For a text that comes in pieces: appends what may be shown of its first `ready` bytes. `hidden`
  // of them belong to a hidden text that the bytes before them ended in; returns the same for the
  // bytes behind. A hidden text that begins in the first `ready` bytes is known if the text holds
  // its end.
  size_t Show(std::string_view text, size_t ready, size_t hidden, std::string* shown) const;

  // How much of the end of `text` may be the beginning of a hidden text.
  size_t BegunAtEnd(std::string_view text) const;

 private:
  struct Place;
  std::vector<Place> PlacesIn(std::string_view text, size_t ready) const;
  std::string_view Masked(std::string_view text, std::string* room) const;

  std::vector<HiddenText> texts_;  // none is empty
  size_t longest_ = 0;
  bool all_ = false;
  std::string for_all_;
};

}  // namespace nightjar
