/* What a call and its return are as LTTng's events: the fields that Nightjar's have. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER nightjar_bench

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "./provider.h"

#if !defined(NIGHTJAR_BENCH_PROVIDER_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define NIGHTJAR_BENCH_PROVIDER_H

#include <lttng/tracepoint.h>
#include <stdint.h>

LTTNG_UST_TRACEPOINT_EVENT(
    nightjar_bench, call,
    LTTNG_UST_TP_ARGS(uint64_t, call_id, uint64_t, parent, const char*, fn, uint64_t, expr_id,
                      int64_t, argument),
    LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(uint64_t, call_id, call_id)
                            lttng_ust_field_integer(uint64_t, parent, parent)
                                lttng_ust_field_string(fn, fn)
                                    lttng_ust_field_integer(uint64_t, expr_id, expr_id)
                                        lttng_ust_field_integer(int64_t, argument, argument)))

LTTNG_UST_TRACEPOINT_EVENT(
    nightjar_bench, returned,
    LTTNG_UST_TP_ARGS(uint64_t, call_id, int64_t, result),
    LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(uint64_t, call_id, call_id)
                            lttng_ust_field_integer(int64_t, result, result)))

#endif

#include <lttng/tracepoint-event.h>
