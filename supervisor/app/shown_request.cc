#include "supervisor/app/shown_request.h"

#include "supervisor/front/http_message.h"

namespace nightjar {

proto::HttpRequest ShownHttp(const http::Request& request, RequestRedactor& redactor) {
  proto::HttpRequest shown;
  FillHttp(request, {}, {}, &shown);
  shown.set_url(redactor.Url(shown.url()));
  shown.set_query(redactor.Query(shown.query()));
  for (proto::RawHeader& header : *shown.mutable_headers())
    header.set_value(redactor.Header(header.name(), header.value()));
  if (request.method == "GET") return shown;
  std::string room;
  shown.set_body(
      std::string(redactor.Body(HeaderOf(request, "content-type"), request.body, &room)));
  return shown;
}

}  // namespace nightjar
