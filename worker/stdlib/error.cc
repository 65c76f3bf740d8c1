#include "worker/stdlib/library.h"

namespace nightjar::lang {

void AddError(Tables& tables) {
  Module m(tables, "Error");
  // Nothing reaches it: an error as an argument is the result of the call before it is made.
  m.Add("toString", 0, {{"err", {Kind::kError, "Error"}}}, kStr, [](const Call& call) {
     return call.String(call[0].error->message);
   }).Deprecated("errors are not values to work with");
}

}  // namespace nightjar::lang
