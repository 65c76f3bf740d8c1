#include "worker/lang/secret_mask.h"

#include <algorithm>
#include <utility>

#include "ipc/core/bounds.h"

namespace nightjar::lang {
namespace {

// What may stand for a secret; the first that holds none itself does.
constexpr std::string_view kMasks[] = {"<secret>", "***", "[...]"};

std::string_view MaskFor(const std::vector<std::string>& secrets) {
  for (std::string_view mask : kMasks) {
    bool shows = std::any_of(secrets.begin(), secrets.end(), [&](const std::string& secret) {
      return mask.find(secret) != std::string_view::npos;
    });
    if (!shows) return mask;
  }
  return "";
}

struct Place {
  size_t begin;
  size_t end;
};

// Of all secrets that begin in the first `ready` bytes, in order.
std::vector<Place> PlacesIn(std::string_view text, size_t ready,
                            const std::vector<std::string>& secrets) {
  std::vector<Place> places;
  for (const std::string& secret : secrets)
    for (size_t at = text.find(secret); at < ready; at = text.find(secret, at + 1))
      places.push_back({at, at + secret.size()});
  std::sort(places.begin(), places.end(),
            [](const Place& a, const Place& b) { return a.begin < b.begin; });
  return places;
}

}  // namespace

void SecretMask::Set(std::vector<std::string> secrets) {
  std::erase(secrets, "");
  mask_ = MaskFor(secrets);
  longest_ = 0;
  for (const std::string& secret : secrets) longest_ = std::max(longest_, secret.size());
  secrets_ = std::move(secrets);
}

size_t SecretMask::Show(std::string_view text, size_t ready, size_t hidden, std::string* shown) {
  size_t done = hidden;  // up to here it is told, or hidden
  for (const Place& place : PlacesIn(text, ready, secrets_)) {
    if (place.begin >= done) {
      shown->append(text.substr(done, place.begin - done));
      shown->append(mask_);
    }
    done = std::max(done, place.end);
  }
  if (done < ready) shown->append(text.substr(done, ready - done));
  return done - std::min(done, ready);
}

std::string_view SecretMask::Masked(std::string_view text, std::string* room) {
  // An event holds no more, so what begins behind it needs no search.
  std::string_view seen = text.substr(0, bounds::kTraceEventBytes + longest_);
  if (PlacesIn(seen, seen.size(), secrets_).empty()) return text;
  room->clear();
  Show(seen, seen.size(), 0, room);
  return *room;
}

}  // namespace nightjar::lang
