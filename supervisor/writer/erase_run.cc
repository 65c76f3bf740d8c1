#include "supervisor/writer/erase_run.h"

#include "ipc/core/bounds.h"
#include "ipc/core/log.h"
#include "supervisor/writer/trace_pack.h"
#include "supervisor/writer/trace_reader.h"

namespace nightjar {

Status EraseRun(ObjectStore& objects, const std::string& key, const RunId& run) {
  const std::string id = run.ToString();
  if (key.find(id) != key.npos) return objects.Delete(key);  // it is the run's own
  auto object = objects.Get(key, bounds::kTraceContainerBytes);
  if (!object && object.error().code == ErrorCode::kNotFound) return objects.Delete(key);
  if (!object) return tl::unexpected<Error>(object.error());
  NJ_ASSIGN(TraceReader reader, TraceReader::Open(*object));
  if (!reader.damaged() && reader.Find(run) == nullptr) return {};
  Compressor compressor;
  TracePack rest(compressor);
  bool read = rest.Add(*object,
                       [&](const proto::StoredRun& stored) { return stored.row().run_id() != id; });
  if (!read) LogError("damaged_object_deleted", {{"key", key}, {"run", id}});
  if (!read || rest.runs() == 0) return objects.Delete(key);
  return objects.Replace(key, rest.Seal());
}

Result<std::string> ExtractRun(std::string_view object, const RunId& run) {
  const std::string id = run.ToString();
  Compressor compressor;
  TracePack alone(compressor);
  bool read = alone.Add(
      object, [&](const proto::StoredRun& stored) { return stored.row().run_id() == id; });
  if (!read) return Fail(ErrorCode::kProtocol, "the object of several traces is damaged");
  if (alone.runs() == 0) return Fail(ErrorCode::kNotFound, "the object has no run " + id);
  return alone.Seal();
}

}  // namespace nightjar
