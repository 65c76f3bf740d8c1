// The digests that S3 asks for beside SHA-256, from nettle. Any thread.
#pragma once

#include <string>
#include <string_view>

namespace nightjar::s3 {

// 32 bytes.
std::string HmacSha256(std::string_view key, std::string_view text);

// As Content-MD5 has it: base64.
std::string Md5Base64(std::string_view text);

}  // namespace nightjar::s3
