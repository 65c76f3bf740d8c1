// Walks over JSON text and leaves out the values of fields that are named, everything else as it
// stands.
//
// Not a reader of JSON: text that is none is walked over as far as strings, colons and brackets
// make sense of it, so that a body that a handler refuses is redacted as well. Nesting beyond
// bounds::kRedactedLevels leaves out the rest. One text; single thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ipc/redact/rules.h"

namespace nightjar {

class JsonScan {
 public:
  using Kind = RedactionRules::Kind;
  // Where values that are left out go to; the word that stands for one comes back.
  class Sink {
   public:
    virtual ~Sink() = default;
    // `raw` is how it stands in the text, without quotes.
    virtual std::string Hide(Kind kind, std::string_view value, std::string_view raw) = 0;
    // What lies deeper was not looked at.
    virtual void GiveUp() = 0;
  };

  // `text` outlives it; nothing is written behind the first `shown_max` bytes of *shown.
  JsonScan(std::string_view text, const RedactionRules& rules, Sink& sink, std::string* shown,
           size_t shown_max)
      : text_(text), rules_(rules), sink_(sink), shown_(*shown), shown_max_(shown_max) {}

  // True: something was left out.
  bool Run();

 private:
  struct Level {
    size_t names;    // in path_ around it
    Kind inherited;  // of everything in it
  };

  void String();
  void Word();
  void Comment();
  bool Open();
  void Close();
  void NextField();
  size_t SkipBlanks(size_t at) const;
  size_t CommentEnd(size_t at) const;
  void Put(std::string_view part);
  void PutHidden(std::string_view value, std::string_view raw);

  const std::string_view text_;
  const RedactionRules& rules_;
  Sink& sink_;
  std::string& shown_;
  const size_t shown_max_;
  size_t at_ = 0;
  bool changed_ = false;
  std::vector<Level> levels_{{0, Kind::kKeep}};
  std::vector<std::string> path_;  // names, from the outermost
  Kind kind_ = Kind::kKeep;        // of the value that comes next
  // A name was read: what comes next is its value, whatever follows.
  bool named_ = false;
};

}  // namespace nightjar
