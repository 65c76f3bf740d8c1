// Digests and message authentication codes, as raw bytes. Pure.
#pragma once

#include <string>
#include <string_view>

namespace nightjar::lang {

std::string Md5(std::string_view data);
std::string Sha256(std::string_view data);
std::string Sha384(std::string_view data);
std::string HmacSha1(std::string_view key, std::string_view data);
std::string HmacSha256(std::string_view key, std::string_view data);

}  // namespace nightjar::lang
