#include "worker/exec/request_again.h"

#include <utility>

#include "ipc/proto/replay.pb.h"

namespace nightjar {
namespace {

const proto::Value& FieldOf(const proto::ValueObject& object, std::string_view name) {
  for (const proto::ValueField& field : object.fields())
    if (field.key() == name) return field.value();
  return proto::Value::default_instance();
}

std::string TextOf(const proto::Value& value) {
  return value.has_bytes() ? value.bytes() : value.string();
}

// Of a URL with scheme and host.
void SplitUrl(const std::string& url, proto::HttpRequest* http) {
  size_t scheme = url.find("://");
  size_t path = url.find('/', scheme == std::string::npos ? 0 : scheme + 3);
  std::string target = path == std::string::npos ? "/" : url.substr(path);
  size_t query = target.find('?');
  http->set_url(url);
  http->set_path(target.substr(0, query));
  if (query != std::string::npos) http->set_query(target.substr(query + 1));
}

}  // namespace

Status FillAgain(std::string_view bytes, proto::Run* run, std::string* body) {
  proto::Replay replay;
  if (!replay.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return Fail(ErrorCode::kProtocol, "not a replay");
  const proto::Value& input = replay.input();
  if (!input.has_object() || input.has_truncated())
    return Fail(ErrorCode::kInvalid, "the trace does not have the whole input of that run");
  proto::HttpRequest& http = *run->mutable_http();
  SplitUrl(TextOf(FieldOf(input.object(), "url")), &http);
  for (const proto::Value& pair : FieldOf(input.object(), "headers").list().items()) {
    if (pair.tuple().items_size() != 2) continue;
    proto::RawHeader& header = *http.add_headers();
    header.set_name(TextOf(pair.tuple().items(0)));
    header.set_value(TextOf(pair.tuple().items(1)));
  }
  *http.mutable_route_vars() = std::move(*replay.mutable_variables());
  *body = TextOf(FieldOf(input.object(), "body"));
  return {};
}

}  // namespace nightjar
