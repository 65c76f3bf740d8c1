// Every bound of Nightjar that is not an operator's to set, in one place, with what must hold
// between them.
//
// A queue, ring, frame, header, value or retry without a line here is a defect. Operators' bounds
// (limits of a run) live in policies/. Bytes unless the name says otherwise.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace nightjar::bounds {

using std::chrono::milliseconds;
using std::chrono::seconds;

inline constexpr size_t kKiB = 1024;
inline constexpr size_t kMiB = 1024 * kKiB;

// --- ipc/wire
inline constexpr size_t kFrameBytes = 96 * kKiB;       // one packet on a control socket
inline constexpr size_t kInlineBodyBytes = 64 * kKiB;  // above it, a body travels as a sealed memfd
inline constexpr size_t kFdsPerFrame = 8;
inline constexpr size_t kPacketsPerTurn = 8;  // heard of one worker before the others' turn
static_assert(kInlineBodyBytes + 16 * kKiB <= kFrameBytes,
              "headers and ids fit beside an inline body");
// A default Unix socket buffer (net.core.wmem_default, 208 KiB) must hold a whole frame.
static_assert(kFrameBytes < 200 * kKiB);

// --- http
inline constexpr size_t kHttpHeaderBytes = 32 * kKiB;  // classic Dark's figure
inline constexpr size_t kHttpHeaderCount = 100;        // classic Dark's figure
inline constexpr size_t kHttpBodyBytes = 10 * kMiB;    // classic Dark's figure
inline constexpr size_t kHttpTargetBytes = 8 * kKiB;   // of a request line
inline constexpr size_t kHttpMethodBytes = 64;
inline constexpr size_t kHttpBodiesBytes = 512 * kMiB;  // of requests received or not yet answered
inline constexpr size_t kHttpReadBytes = 64 * kKiB;     // read from a connection in one turn
inline constexpr size_t kHttpOutboxBytes = 256 * kKiB;  // unsent answers, then no more is read
inline constexpr size_t kHttpPipelineDepth = 16;        // requests read ahead on one connection
inline constexpr size_t kHttpConnections = 4096;
inline constexpr seconds kHttpHeaderTime{10};  // first byte of a request to its last header byte
inline constexpr seconds kHttpBodyTime{30};
inline constexpr seconds kHttpIdleTime{60};
inline constexpr seconds kHttpWriteTime{30};  // without a byte taken by the client
// After a refusal, so that the client can read it before its unread bytes reset the connection.
inline constexpr seconds kHttpLingerTime{2};
inline constexpr size_t kHttpLingerBytes = 1 * kMiB;  // read and thrown away meanwhile
inline constexpr size_t kHttpAcceptsPerTurn = 64;
inline constexpr milliseconds kHttpAcceptPause{100};  // after running out of descriptors
// At a stop where nobody keeps connections: a client that is about to send its next request gets
// it answered, and is told to go. A busy client's next request comes within milliseconds, one from
// afar within a round trip; and a restart waits so long for every client that is silent.
inline constexpr milliseconds kHttpDrainIdleTime{500};
// A canvas's answers without a run (supervisor/admission/refusal_pace.h). One costs the loop some
// 15 us, so that one canvas's take 2 % of it. The delay is short, as a body counts until its
// request is answered.
inline constexpr int kRefusalsPerSecond = 1000;
inline constexpr int kRefusalsAtOnce = 100;
inline constexpr milliseconds kRefusalDelayMax{250};
static_assert(kHttpTargetBytes < kHttpHeaderBytes);
static_assert(kHttpBodyBytes < kHttpBodiesBytes);

// --- service manager
inline constexpr size_t kListeners = 64;  // that it passes; one is wanted
// Connections that it keeps through a restart. For each one that comes it asks the kernel whether
// it has it already (kcmp, 0.8 us a pair): 0.4 s of the manager's one thread for these, 7 s for as
// many as are served.
inline constexpr size_t kConnectionsKept = 1024;
inline constexpr size_t kFdsPerNotice = 253;  // the kernel's SCM_MAX_FD
// A manager that takes nothing for so long (its queue is full, or it is executed anew) keeps
// nothing.
inline constexpr milliseconds kManagerWait{1000};
inline constexpr milliseconds kManagerRetry{5};
static_assert(kConnectionsKept <= kHttpConnections);
static_assert(kHttpDrainIdleTime < kHttpIdleTime);

// --- canvases and programs
inline constexpr size_t kCanvases = 100'000;
inline constexpr size_t kSourceBytes = 4 * kMiB;    // a canvas file
inline constexpr size_t kProgramBytes = 16 * kMiB;  // a compiled program
inline constexpr size_t kHandlersPerCanvas = 500;   // a manifest fits a frame
inline constexpr size_t kHandlerNameBytes = 128;    // method and route, or name
inline constexpr size_t kUploadBytes = 16 * kMiB;   // a canvas file and files beside it, as JSON
inline constexpr size_t kCanvasFiles = 500;         // beside a canvas file
inline constexpr size_t kCanvasPathBytes = 200;     // of one of them
inline constexpr size_t kCommandWords = 64;         // of an exec handler
inline constexpr size_t kCommandBytes = 16 * kKiB;  // all of them together
inline constexpr unsigned kProgramFiles = 4096;     // in a program's /tmp
inline constexpr size_t kProgramFds = 256;          // open in one process of a program
inline constexpr size_t kDeploysWaiting = 16;       // of one canvas
inline constexpr size_t kDiagnostics = 20;          // errors reported for one file
// What a compiler may say of a program, so that it still fits the frame that saves it.
inline constexpr size_t kManifestBytes = kFrameBytes - 4 * kKiB;
static_assert(kHandlersPerCanvas * (kHandlerNameBytes + 48) < kManifestBytes);

// --- traces
inline constexpr size_t kRingStreamBytes =
    1 * kMiB;  // the stream between a worker and the writer; power of two
inline constexpr size_t kRingTailBytes = 64 * kKiB;  // the overwriting newest events; power of two
inline constexpr size_t kTraceEventBytes = 16 * kKiB;  // one encoded event
inline constexpr size_t kTraceValueBytes =
    4 * kKiB;  // one value in an event; the input and the result get kTraceEventBytes / 2
// A route's variables, in a run's first event.
inline constexpr size_t kTraceVariablesBytes = 4 * kKiB;
inline constexpr size_t kTraceNameBytes = 256;  // a function's name in an event
inline constexpr size_t kTraceArgs = 64;  // arguments written of one call; the rest is left out
// Messages nested in one value. Protobuf's JSON printer stops at 64 messages and its JSON reader at
// 100 levels of text: a value below that would take everything beside it along.
inline constexpr size_t kTraceValueLevels = 54;
inline constexpr size_t kTraceLeastBytes =
    4 * kKiB;  // a run's budget that is smaller, but not 0, counts as this
inline constexpr size_t kTraceReserveValueBytes =
    128;  // a result in an event once the budget is nearly used
inline constexpr size_t kSpineFrames =
    32;  // outermost open calls kept in a ring, and as many innermost ones
inline constexpr size_t kSpineNameBytes = 64;
inline constexpr size_t kRingPopulateBytes =
    32 * kKiB;  // pages of a fresh stream that a worker has mapped in at once
// Of a stream that was drained and is not stored: it stays in the ring for the next writer, should
// this one die. Beyond, room goes first.
inline constexpr size_t kRingKeptBytes = kRingStreamBytes / 2;
inline constexpr milliseconds kRingWait{
    5};  // a worker waits for a full stream to be drained, for one event
inline constexpr milliseconds kRingWaitPerRun{
    50};  // and for one run; then events are dropped and counted
inline constexpr size_t kTraceContainerBytes = 256 * kMiB;
static_assert((kRingStreamBytes & (kRingStreamBytes - 1)) == 0);
static_assert((kRingTailBytes & (kRingTailBytes - 1)) == 0);
static_assert(kTraceEventBytes * 4 <= kRingTailBytes);
// One value of an event that only the tail gets.
inline constexpr size_t kTraceTailValueBytes = 192;
static_assert(kTraceValueBytes * 3 <= kTraceEventBytes);
static_assert(kTraceEventBytes <= 16 * kKiB, "a length inside an event is a varint of two bytes");
static_assert(kTraceNameBytes + kTraceArgs * 64 <= kTraceEventBytes / 2,
              "each argument gets a little room");

// --- redaction
// What is shorter is left out where a policy names it, but not searched for in other texts.
inline constexpr size_t kMaskedBytesMin = 6;
inline constexpr size_t kMaskedTexts = 128;  // of one run; with more, all its texts are left out
inline constexpr size_t kMaskedTextsBytes = 256 * kKiB;  // all of them together; likewise
inline constexpr size_t kMaskedPieceBytes = 64 * kKiB;   // of a long text, searched at once
inline constexpr size_t kRedactedLevels = 128;           // of JSON; what lies deeper is left out
inline constexpr size_t kRedactionNames = 64;            // of one key of a policy
inline constexpr size_t kRedactionNameBytes = 64;
// A policy's two lists travel in one frame beside a request's header and an inline body.
static_assert(2 * kRedactionNames * (kRedactionNameBytes + 4) <= 12 * kKiB);

// --- writer
inline constexpr milliseconds kDrainPeriod{2};  // between two looks at the rings of open runs
inline constexpr size_t kDrainChunkBytes = 64 * kKiB;  // of one ring before the next ring's turn
inline constexpr size_t kDrainTurnBytes = 4 * kMiB;    // of all rings in one turn of the loop
inline constexpr size_t kTraceSlackBytes =
    64 * kKiB;  // a stream that is longer than its run's budget and this is hostile
inline constexpr size_t kTraceBlockBytes = 64 * kKiB;  // events compressed together
inline constexpr size_t kTraceFooterBytes = 1 * kMiB;
inline constexpr size_t kTracesOpenBytes =
    512 * kMiB;  // held for all open runs; beyond, events are dropped and counted
inline constexpr size_t kIndexBatchRows = 200;
inline constexpr milliseconds kIndexBatchTime{50};  // from the first row of a batch to its commit
inline constexpr size_t kArchiveTasks = 50'000;     // waiting for the disk
inline constexpr size_t kArchiveBytes =
    256 * kMiB;  // of objects waiting for the disk; beyond, traces are dropped and counted
inline constexpr size_t kTraceReads = 64;  // trace documents being put together or waiting to be
inline constexpr size_t kWriterOutbox =
    1'000;  // messages for a supervisor that is slow to read; then answers are dropped
inline constexpr size_t kWriterOutboxBytes = 256 * kMiB;  // memfds included
inline constexpr size_t kProgramsKept =
    10;  // compiled programs of one canvas; sources are all kept
inline constexpr seconds kStoreLockWait{10};    // for the last writer to finish
inline constexpr milliseconds kLastDrain{250};  // for workers to die when the supervisor is lost
static_assert(kTraceBlockBytes + kTraceEventBytes < kTraceFooterBytes);
static_assert(kTraceContainerBytes <= kTracesOpenBytes && kTraceContainerBytes <= kArchiveBytes);

// --- retention (docs/adr/0024-day-tables-and-slot-ring.md)
inline constexpr std::chrono::days kTraceDays{8};  // a day of traces and its table are kept so long
inline constexpr std::chrono::days kKeepAfter{3};  // so old, what is in the ring still is kept
inline constexpr unsigned kRingSlots = 10;         // newest traces of each handler, kept for ever
inline constexpr std::chrono::days kHandlerGone{8};  // from its removal until its slots are emptied
static_assert(kKeepAfter + std::chrono::days(1) < kTraceDays, "there is time for a late copy");
inline constexpr std::chrono::minutes kKeeperPeriod{5};  // between two looks
inline constexpr std::chrono::minutes kKeeperRetry{1};   // after one that failed
inline constexpr size_t kKeeperBatch = 100;              // traces kept in one turn
inline constexpr size_t kKeeperTasks = 64;               // holds and releases, waiting
inline constexpr size_t kExpiredFilesPerCall = 2'000;    // removed in one go
inline constexpr size_t kTracedFunctions = 64;           // of one trace, that it is found by
inline constexpr size_t kTraceIndexFields = 8;           // of a run's input, that it is found by
inline constexpr size_t kTraceIndexValueBytes = 128;     // of the value of one
inline constexpr size_t kListRowsLooked = 100'000;       // of an index, for one list
inline constexpr size_t kHoldReasonBytes = 500;          // and of a deletion
inline constexpr size_t kPatchesPerTrace = 16;
inline constexpr size_t kHoldsPerCanvas = 1'000;

// --- stores that are not on this machine (supervisor/writer/s3)
inline constexpr size_t kStoreFileBytes = 64 * kKiB;    // of settings, and of credentials
inline constexpr size_t kStoreCalls = 16;               // under way at once
inline constexpr size_t kStoreCallsWaiting = 256;       // for one of those to end; then refused
inline constexpr size_t kStoreAnswerBytes = 1 * kMiB;   // of an answer that is no object
inline constexpr size_t kStoreHeaderBytes = 64 * kKiB;  // of one answer
inline constexpr size_t kStoreWordsBytes = 200;         // of what a store says of its error; cut
inline constexpr int kStoreAttempts = 4;                // of one call, where trying again may help
inline constexpr milliseconds kStoreRetryMin{100};      // full jitter: 0 to this, doubled each time
inline constexpr milliseconds kStoreRetryMax{5000};
inline constexpr seconds kStoreConnectTime{3};
inline constexpr seconds kStoreStalledTime{10};  // without a byte in either direction
inline constexpr seconds kStoreCallTime{120};    // of one attempt, whatever comes
inline constexpr seconds kStorePutTime{20};  // for a small object, with all attempts; and for more
inline constexpr size_t kStorePutBytesPerSecond = 256 * kKiB;
// What somebody who waits for a trace waits at most for a store that does not answer.
inline constexpr seconds kStoreReadTime{8};
inline constexpr size_t kMultipartBytes = 16 * kMiB;  // an object above it travels in parts
inline constexpr size_t kMultipartPartBytes = 8 * kMiB;
static_assert(kMultipartPartBytes >= 5 * kMiB, "S3's least for all parts but the last");
static_assert(kTraceContainerBytes / kMultipartPartBytes < 10'000, "S3's most");
inline constexpr size_t kUploads = 8;               // of spooled objects at once
inline constexpr size_t kUploadsBytes = 64 * kMiB;  // held for them; one object may be larger
// Small traces of one canvas and day travel as one object: a store bills by the object.
inline constexpr size_t kPackTraceBytes = 64 * kKiB;  // a larger one travels alone
inline constexpr size_t kPackBytes = 256 * kKiB;
inline constexpr size_t kPackTraces = 200;
inline constexpr milliseconds kPackTime{1000};  // that the first of a pack waits for others
static_assert(kPackBytes < kMultipartBytes);
inline constexpr size_t kUploadKeys = 4096;  // known to wait; more are found in the spool itself
inline constexpr milliseconds kUploadRetryMin{250};  // from a failure to the next try
inline constexpr milliseconds kUploadRetryMax{30'000};
inline constexpr seconds kUploadSetAside{600};  // an object that the store refuses, or without row
inline constexpr seconds kSignedUrlTime{60};

// --- the index that machines share (supervisor/writer/shared)
inline constexpr size_t kOutboxCounted = 100'000;      // names that wait; more count as so many
inline constexpr size_t kSharedBatch = 200;            // names told in one transaction
inline constexpr size_t kSharedBatchBytes = 1 * kMiB;  // of their rows, where one is not larger
inline constexpr milliseconds kSharedGather{100};      // from a change to its telling
inline constexpr seconds kSharedConnectTime{3};
inline constexpr seconds kSharedCallTime{5};  // of one statement, whatever comes
inline constexpr seconds kSharedLockTime{2};  // of it, for somebody else's to end
inline constexpr milliseconds kSharedRetryMin{250};
inline constexpr milliseconds kSharedRetryMax{30'000};
inline constexpr size_t kSharedQuestions = 32;    // waiting; then refused
inline constexpr size_t kSharedPage = 200;        // rows of a list that are looked at in one go
inline constexpr size_t kSharedWordsBytes = 300;  // of what the server says of an error; cut
inline constexpr size_t kMachineNameBytes = 63;
// A machine that has not said for so long that a day of its own is over is not waited for.
inline constexpr std::chrono::days kSharedDays{30};
static_assert(kSharedDays > kTraceDays);
static_assert(kSharedLockTime < kSharedCallTime);

// --- priority (nice values): on a busy machine deadlines and traces go before the tenants' work
inline constexpr int kSupervisorNice = -10;  // where it may not be a real-time process
inline constexpr int kWriterNice = -5;

// --- journal (supervisor's side of the writer)
// Messages waiting for a writer that is slow to read.
inline constexpr size_t kJournalOutbox = 100'000;
// Ended runs that an absent or slow writer has not stored yet, and rings kept for them after their
// worker's end. Beyond, the oldest traces are given up and counted.
inline constexpr size_t kJournalUnstoredRuns = 20'000;
inline constexpr size_t kJournalKeptRings = 2'000;
// The ledger of runs that are not stored yet, in memory that outlives the supervisor. More runs
// than that are not in it: they are lost only if the supervisor and the writer are both killed.
inline constexpr size_t kLedgerSlots = 8'192;
inline constexpr size_t kLedgerSlotBytes = 4 * kKiB;
inline constexpr size_t kLedgerBeganBytes = 1 * kKiB;  // of what is known of a run when it begins
inline constexpr seconds kJournalQuestionTime{15};
inline constexpr size_t kJournalQuestions = 1'000;
static_assert(kSharedConnectTime + 2 * kSharedCallTime < kJournalQuestionTime);
inline constexpr size_t kTraceAnswerBytes = 64 * kMiB;  // one trace as JSON

// --- incidents
inline constexpr size_t kIncidentTailEvents = 16;
inline constexpr size_t kIncidentStackFrames = 64;
inline constexpr size_t kVerdictDetailBytes = 1 * kKiB;  // one sentence; what is longer is cut
inline constexpr size_t kThreadNameBytes = 64;           // the kernel's are 16
static_assert(kIncidentStackFrames == 2 * kSpineFrames);
inline constexpr size_t kUsageSamples = 64;  // of one run over its time
inline constexpr milliseconds kUsageSampleGap{
    50};                                       // at least, between two that nothing else asks for
inline constexpr size_t kProcessesShown = 24;  // of a program that is killed
inline constexpr size_t kThreadsShown = 4;     // of one process, beside its first
inline constexpr size_t kCommandReadBytes = 1 * kKiB;  // of one process's command line
inline constexpr size_t kCommandShownBytes = 256;      // of it, once secrets are masked
inline constexpr milliseconds kProcessLookTime{2};   // that the kill of a program waits for a look
inline constexpr size_t kLooksWaiting = 64;          // of programs that are killed at once
inline constexpr size_t kCodeHashes = 64;            // of revisions, kept in memory
inline constexpr size_t kChainRows = 1000;           // incidents verified in one turn
inline constexpr size_t kChainBytes = 8 * kMiB;      // likewise
inline constexpr size_t kAuditFileBytes = 4 * kMiB;  // then the log goes on in the next file
inline constexpr size_t kAuditEntryBytes = 16 * kKiB;
inline constexpr size_t kAuditTextBytes = 500;    // of a reason, an outcome or a parameter
inline constexpr size_t kAuditLooked = 20'000;    // entries, for one list
inline constexpr size_t kAuditRemembered = 4096;  // ids that are not written again
inline constexpr size_t kAuditUnwritten = 1024;   // entries kept while they cannot be written
inline constexpr seconds kAuditAnswerTime{2};     // an answer waits for its entry
inline constexpr size_t kRecordTasks = 256;       // of the thread that writes them
inline constexpr std::chrono::hours kChainHeadLogged{
    1};                                           // between two log lines of the chain's head
inline constexpr size_t kSimilarCounted = 1000;   // incidents like one; more count as so many
inline constexpr size_t kSimilarShown = 5;        // of them
inline constexpr size_t kTimelineRows = 200;      // where nobody says how many
inline constexpr size_t kDeploysLooked = 10'000;  // revisions of a canvas, for one timeline
// The supervisor's part of an incident travels beside a run's end in one packet.
static_assert(kHttpTargetBytes + kVerdictDetailBytes + kUsageSamples * 48 +
                  kProcessesShown * (kCommandReadBytes + 96 + kThreadsShown * 160) + 16 * kKiB <=
              kFrameBytes);

// --- processes
// What the loop may be late for a deadline before the guard's thread kills in its place: four times
// what it is held to beside competitors (docs/benchmarks.md).
inline constexpr milliseconds kGuardGrace{20};
inline constexpr seconds kArmTime{10};  // from the fork to "ready to run"
// From the kill to "a read of its disk may be what it waits for".
inline constexpr milliseconds kDiskThrottleWait{200};
inline constexpr seconds kExitWait{2};  // from the kill to "quarantined"
inline constexpr milliseconds kRestartBackoffMin{50};
inline constexpr milliseconds kRestartBackoffMax{5000};
inline constexpr uint32_t kHelperFirstTries = 3;  // before the supervisor serves; then it gives up
inline constexpr uint64_t kStateFreeBytes = 16 * kMiB;  // on the state's disk, to start at all
inline constexpr size_t kWorkers = 4096;  // live at once; also the size of the uid range
static_assert(kLedgerSlots >= 2 * kWorkers && kLedgerSlots % 64 == 0);
// Where an incident is shortened to what a list shows of it, that fits.
static_assert(kLedgerBeganBytes + 2 * kVerdictDetailBytes + 768 < kLedgerSlotBytes);
inline constexpr size_t kKillsAsked = 2 * kWorkers;  // of the nest, not yet sent
inline constexpr size_t kStartsAtOnce = 4;  // of one zygote, so that it has the next one before it
inline constexpr size_t kSpawnsAsked = 512;  // workers asked of the zygote and not yet answered
inline constexpr size_t kWorkerFds = 16;  // its two, a listener to hand over, memfds on their way
inline constexpr size_t kWorkerFileBytes = 256 * kMiB;  // of a memfd that a worker fills
inline constexpr size_t kWorkerSignals = 64;            // pending, of one worker's user
static_assert(kProgramBytes <= kWorkerFileBytes && kHttpBodyBytes <= kWorkerFileBytes);

// --- cells
inline constexpr size_t kCellIdlePerCanvas = 16;  // emptied cells kept for the canvas's next runs
inline constexpr unsigned kCellIdleSweeps =
    30;  // sweeps (seconds) an unused cell, then its canvas's group, is kept
inline constexpr size_t kCellRemovalsPerSweep =
    16;  // some 70 us each, with tails of milliseconds in the kernel
inline constexpr size_t kCellGiveBackBytes = 8 * kMiB;  // of one cell in one sweep, before it goes
inline constexpr size_t kCellFds = 12;  // descriptors an open cell holds; for RLIMIT_NOFILE
inline constexpr milliseconds kCellClearWait{
    2000};  // killing and removing what an earlier supervisor left
// Before that, for the helpers of one that was killed to end by themselves.
inline constexpr milliseconds kLastHelpersWait{300};
static_assert(kLastHelpersWait > kLastDrain);
inline constexpr milliseconds kCellStopWait{500};      // the same at a clean stop
inline constexpr size_t kCellMembersRead = 64 * kKiB;  // of one cgroup.procs, at a time
inline constexpr size_t kProcessesCounted = 4096;      // of a run, where no cgroup counts them

// --- the feed of events
inline constexpr size_t kEventsKept = 4096;   // for readers who were away a moment
inline constexpr seconds kEventsKeptFor{60};  // without any reader: then nothing is kept
inline constexpr size_t kEventReaders = 64;
inline constexpr size_t kEventTextBytes = 256;  // of one text in an event; what is longer is cut
inline constexpr size_t kEventsPerTurn = 256;   // to one reader
inline constexpr milliseconds kEventRetry{50};  // of a reader who has not taken what was sent
inline constexpr seconds kEventBeat{15};        // between two signs of life

// --- policies
inline constexpr size_t kPolicyBytes = 4 * kMiB;
inline constexpr size_t kPolicyErrors = 20;   // told of one file
inline constexpr size_t kPolicyFiles = 1000;  // in a directory
inline constexpr size_t kDeniedCalls = 64;  // of limit denied_calls
inline constexpr size_t kProfilesTaken = 32;  // lists of them that a zygote has a filter for
inline constexpr size_t kUrgentNames = 8;
// A file that changed less than this ago is taken to be under way, and looked at again.
inline constexpr milliseconds kPolicySettle{100};
inline constexpr milliseconds kPolicySettleMax{2000};

// --- reruns
// What an earlier run's impure calls returned, in one message; those behind it are made again.
inline constexpr size_t kReplayBytes = 4 * kMiB;
static_assert(kReplayBytes + kTraceEventBytes < kHttpBodyBytes);

// --- import of traces that classic Dark stored
inline constexpr size_t kImportBytes = 64 * kMiB;         // of one, as JSON
inline constexpr size_t kImportMemoryBytes = 768 * kMiB;  // of the worker that reads it
inline constexpr size_t kImportValueBytes = 512 * kMiB;   // of the values in it, once they are read
inline constexpr int kImportLevels = 256;                 // of its JSON; two for each of a value
inline constexpr size_t kImportCalls = 100'000;
inline constexpr size_t kImports = 4;  // under way at once
static_assert(kImportBytes + kImportValueBytes < kImportMemoryBytes);

// --- requests that no route took
inline constexpr size_t kMissedRoutesKept = 100;          // of a canvas
inline constexpr size_t kMissedRoutesWaiting = 4096;      // for the writer, of all canvases
inline constexpr size_t kMissedTextBytes = 200;           // of a method, a path, a caller, ...
inline constexpr size_t kMissedRequestBytes = 16 * kKiB;  // of a request with its body that is kept
inline constexpr size_t kMissedRequestsBytes = 4 * kMiB;  // of those that wait for the writer
inline constexpr size_t kMissedToldBytes = 64 * kKiB;     // in one message
static_assert(kMissedToldBytes + kMissedRequestBytes + 4 * kMissedTextBytes + 200 < kFrameBytes);

// --- what canvases use
inline constexpr unsigned kUsageMonths = 13;  // kept, beside the month that it is
// Of canvases and hours that the writer has not been told of; beyond, what opens another is lost,
// and counted.
inline constexpr size_t kUsageRowsWaiting = 2 * kCanvases;
inline constexpr size_t kUsageRowBytes = 1 * kKiB;         // one, with all verdicts that there are
inline constexpr size_t kUsageToldBytes = 64 * kKiB;       // in one message
inline constexpr size_t kUsageMessagesPerTell = 64;        // the rest is told a second later
inline constexpr size_t kUsageAnswerRows = kCanvases / 2;  // in one answer of the writer
inline constexpr size_t kUsageListRows = 10'000;           // in one of the control plane
inline constexpr size_t kUsageRowsLooked = 5'000'000;      // of the disk, for one answer
inline constexpr size_t kCanvasSeries = 50;                // canvases with metrics of their own
inline constexpr seconds kCanvasSeriesTurn{60};            // between two looks at who has them
inline constexpr std::chrono::hours kCanvasSeriesTime{1};  // that a canvas keeps them at least
static_assert(kUsageToldBytes + kUsageRowBytes < kFrameBytes);
static_assert(kUsageMessagesPerTell < kJournalQuestions / 2, "others ask too");
static_assert(kUsageAnswerRows * kUsageRowBytes < kTraceAnswerBytes);

// --- what abuse rules count
inline constexpr seconds kCounterSlot{60};
inline constexpr std::chrono::days kCounterDays{8};     // kept: a week can always be looked back
inline constexpr size_t kCounterRowBytes = 2 * kKiB;    // one canvas's slot, with all counters
inline constexpr size_t kCounterToldBytes = 64 * kKiB;  // in one message
inline constexpr size_t kCounterPartsWaiting = 256;     // of slots that the writer has not kept yet
inline constexpr size_t kCounterStoreBytes = 512 * kMiB;  // on the disk; beyond, the oldest go
inline constexpr size_t kHistoryAnswerBytes = 1 * kMiB;   // more is another answer's
inline constexpr size_t kRuleHitsEnded = 1000;            // hits that are over and still known
static_assert(kCounterToldBytes + kCounterRowBytes < kFrameBytes);

// --- control plane and logs
inline constexpr size_t kControlBodyBytes = 64 * kMiB;
inline constexpr size_t kListRows = 1000;
inline constexpr size_t kCliAnswerBytes = 512 * kMiB;  // an answer that `nightjar` reads
static_assert(kTraceAnswerBytes < kCliAnswerBytes);
inline constexpr size_t kLogQueueLines = 8192;
static_assert(kSourceBytes < kUploadBytes && kUploadBytes <= kControlBodyBytes);
static_assert(kImportBytes <= kControlBodyBytes && kImportBytes <= kWorkerFileBytes);

}  // namespace nightjar::bounds
