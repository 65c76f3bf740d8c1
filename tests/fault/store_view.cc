#include "tests/fault/store_view.h"

#include <gtest/gtest.h>

#include "ipc/core/bounds.h"
#include "ipc/core/ids.h"
#include "ipc/proto/control.pb.h"
#include "supervisor/writer/local_store.h"
#include "supervisor/writer/sqlite.h"
#include "supervisor/writer/trace_index.h"
#include "supervisor/writer/trace_reader.h"
#include "tests/fault/accounts.h"

namespace nightjar::fault {
namespace {

// "VERDICT_WALL_TIME" as it is called elsewhere: "wall_time".
std::string NameOf(proto::Verdict verdict) {
  std::string name = proto::Verdict_Name(verdict);
  name = name.substr(name.find('_') + 1);
  for (char& c : name) c = static_cast<char>(tolower(static_cast<unsigned char>(c)));
  return name;
}

std::string TroubleWith(ObjectStore& objects, std::string_view key, const RunId& run,
                        const proto::TraceRow& row) {
  auto object = objects.Get(key, bounds::kTraceContainerBytes);
  if (!object) return object.error().ToString();
  auto reader = TraceReader::Open(*object);
  if (!reader) return reader.error().ToString();
  if (reader->damaged()) return "it is damaged";
  const proto::StoredRun* stored = reader->Find(run);
  if (stored == nullptr) return "it is another run's";
  if (stored->row().verdict() != row.verdict())
    return "it says " + NameOf(stored->row().verdict()) + " itself";
  // A writer that died has lost nothing, and where both died the row says so.
  bool said = row.detail().find("its events were lost: ") != std::string::npos;
  uint64_t told = row.usage().trace_events() - row.usage().trace_dropped();
  // A worker that is killed may have counted the event that it was about to publish.
  if (told > 0 && LeavesIncident(NameOf(row.verdict()))) --told;
  if (!said && stored->events() < told)
    return "it has " + std::to_string(stored->events()) + " of " + std::to_string(told) + " events";
  return "";
}

void ReadRows(Database& db, TraceDay day, ObjectStore& objects, StoreView& view) {
  const std::string table = "traces_" + day.Text(TraceDay::Form::kDigits);
  auto ask = db.Prepare(("SELECT run_id, object_key, row FROM " + table).c_str());
  ASSERT_TRUE(ask.has_value()) << ask.error().ToString();
  while (ask->Step().value_or(false)) {
    auto run = RunId::FromBytes(ask->Bytes(0));
    ASSERT_TRUE(run.has_value());
    proto::TraceRow row;
    ASSERT_TRUE(row.ParseFromString(std::string(ask->Bytes(2))));
    Kept kept{row.run_id(), row.canvas(), NameOf(row.verdict()), row.request_line()};
    kept.eventless = row.detail().find("its events were lost: ") != std::string::npos;
    kept.said_lost = row.detail().find("its trace was lost: ") != std::string::npos;
    if (!kept.said_lost) kept.trouble = TroubleWith(objects, ask->Bytes(1), *run, row);
    EXPECT_TRUE(view.rows.emplace(kept.run, kept).second) << kept.run << " is listed twice";
  }
}

void ReadIncidents(Database& db, StoreView& view) {
  auto ask = db.Prepare("SELECT incident FROM incidents");
  ASSERT_TRUE(ask.has_value()) << ask.error().ToString();
  while (ask->Step().value_or(false)) {
    proto::Incident incident;
    ASSERT_TRUE(incident.ParseFromString(std::string(ask->Bytes(0))));
    Kept kept{incident.run_id(), incident.canvas(), NameOf(incident.verdict()),
              incident.request_line()};
    EXPECT_TRUE(view.incidents.emplace(kept.run, kept).second) << kept.run << " twice";
  }
}

}  // namespace

StoreView ReadStore(const std::string& state) {
  StoreView view;
  auto objects = LocalStore::Create(state + "/store/traces");
  auto db = Database::Open(state + "/store/index.db", Durability::kLazy, "", TraceIndex::kVersion);
  EXPECT_TRUE(objects.has_value()) << objects.error().ToString();
  EXPECT_TRUE(db.has_value()) << db.error().ToString();
  if (!objects || !db) return view;
  TraceOutbox outbox(**db);
  auto days = TraceDays(**db, outbox).Days();
  EXPECT_TRUE(days.has_value()) << days.error().ToString();
  if (!days) return view;
  for (TraceDay day : *days) ReadRows(**db, day, **objects, view);
  ReadIncidents(**db, view);
  for (const auto& [run, kept] : view.rows) view.rows_of[TagOf(kept.request_line)].push_back(&kept);
  for (const auto& [run, kept] : view.incidents)
    view.incidents_of[TagOf(kept.request_line)].push_back(&kept);
  return view;
}

}  // namespace nightjar::fault
