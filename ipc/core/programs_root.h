// What is agreed about the root that programs of exec handlers see: the zygote makes it, and the
// supervisor checks before what is to be shown in it.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace nightjar {

// Its own in any case, whatever is shown.
inline constexpr std::array<std::string_view, 5> kOwnPlaces = {"/proc", "/dev", "/sys", "/tmp",
                                                               "/app"};

inline bool IsOwnPlace(std::string_view place) {
  return std::find(kOwnPlaces.begin(), kOwnPlaces.end(), place) != kOwnPlaces.end();
}

}  // namespace nightjar
