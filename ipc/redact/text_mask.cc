#include "ipc/redact/text_mask.h"

#include <algorithm>
#include <array>
#include <utility>

#include "ipc/core/bounds.h"

namespace nightjar {
namespace {

// What may stand for a hidden text; the first that shows none itself does.
constexpr std::string_view kOtherWords[] = {"***", "[...]"};

bool ShowsNone(std::string_view word, const std::vector<HiddenText>& hidden) {
  return std::none_of(hidden.begin(), hidden.end(), [&](const HiddenText& one) {
    return word.find(one.text) != std::string_view::npos;
  });
}

std::string WordFor(const std::string& wanted, const std::vector<HiddenText>& hidden) {
  if (ShowsNone(wanted, hidden)) return wanted;
  for (std::string_view word : kOtherWords)
    if (ShowsNone(word, hidden)) return std::string(word);
  return "";
}

}  // namespace

void HiddenTexts::Add(std::string_view text, std::string_view shown) {
  if (all || text.size() < bounds::kMaskedBytesMin) return;
  for (const HiddenText& known : texts)
    if (known.text == text) return;
  bytes_ += text.size();
  all = texts.size() == bounds::kMaskedTexts || bytes_ > bounds::kMaskedTextsBytes;
  if (!all) texts.push_back({std::string(text), std::string(shown)});
}

struct TextMask::Place {
  size_t begin;
  size_t end;
  const std::string* shown;
};

void TextMask::Set(HiddenTexts hidden) {
  texts_ = std::move(hidden.texts);
  all_ = hidden.all;
  std::erase_if(texts_, [](const HiddenText& one) { return one.text.empty(); });
  longest_ = 0;
  for (const HiddenText& one : texts_) longest_ = std::max(longest_, one.text.size());
  // Most share a word, and looking through all for each would cost their square.
  std::pair<std::string, std::string> last;
  for (HiddenText& one : texts_) {
    if (one.shown != last.first || last.first.empty())
      last = {one.shown, WordFor(one.shown, texts_)};
    one.shown = last.second;
  }
  for_all_ = all_ ? WordFor("<redacted>", texts_) : "";
}

// Of all hidden texts that begin in the first `ready` bytes, in order.
std::vector<TextMask::Place> TextMask::PlacesIn(std::string_view text, size_t ready) const {
  std::vector<Place> places;
  for (const HiddenText& one : texts_)
    for (size_t at = text.find(one.text); at < ready; at = text.find(one.text, at + 1))
      places.push_back({at, at + one.text.size(), &one.shown});
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
  });
  return places;
}

size_t TextMask::Show(std::string_view text, size_t ready, size_t hidden,
                      std::string* shown) const {
  if (all_) {
    if (ready > 0) shown->append(for_all_);
    return 0;
  }
  size_t done = hidden;  // up to here it is told, or hidden
  for (const Place& place : PlacesIn(text, ready)) {
    if (place.begin >= done) {
      shown->append(text.substr(done, place.begin - done));
      shown->append(*place.shown);
    }
    done = std::max(done, place.end);
  }
  if (done < ready) shown->append(text.substr(done, ready - done));
  return done - std::min(done, ready);
}

std::string_view TextMask::Masked(std::string_view text, std::string* room) const {
  // An event holds no more, so what begins behind it needs no search.
  std::string_view seen = text.substr(0, bounds::kTraceEventBytes + longest_);
  if (!all_ && PlacesIn(seen, seen.size()).empty()) return text;
  room->clear();
  Show(seen, seen.size(), 0, room);
  return *room;
}

size_t TextMask::BegunAtEnd(std::string_view text) const {
  size_t begun = 0;
  for (const HiddenText& one : texts_) {
    // From the longest down: the first that fits is the answer.
    for (size_t size = std::min(text.size(), one.text.size() - 1); size > begun; --size)
      if (text.substr(text.size() - size) == std::string_view(one.text).substr(0, size))
        begun = size;
  }
  return begun;
}

}  // namespace nightjar
