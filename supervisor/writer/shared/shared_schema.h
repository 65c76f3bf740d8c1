// Makes the tables that machines share, or finds that they are there.
#pragma once

#include "supervisor/writer/shared/pg_connection.h"

namespace nightjar::shared {

// Held, within a transaction, by whoever makes or drops tables: one machine at a time.
extern const char* const kSchemaLock;

// The identity of the database. kUnsupported: it is another version's.
Result<std::string> PrepareSchema(PgConnection& db, int version);

}  // namespace nightjar::shared
