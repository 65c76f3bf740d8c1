// Values of a run's input that its trace is found by, as policy names them (trace_index).
//
// Of a request: a variable of its route, a parameter of the query, a field of a JSON body (with
// dots: a field of a field), of a form, a header or a cookie, in this order; of an event: a field
// of it. The input is as the trace has it, so what redaction leaves out is no value. It comes from
// a worker, and nothing of it is believed but that it is that worker's canvas's. Pure; any thread.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <string>
#include <string_view>

#include "ipc/proto/trace.pb.h"
#include "ipc/proto/writer.pb.h"

namespace nightjar {

// As much of a value as is found by.
std::string_view FieldValue(std::string_view value);

// A field for each name that the input has; those of the first kTraceIndexFields names.
google::protobuf::RepeatedPtrField<proto::InputField> InputFields(
    const proto::RunStart& start, const google::protobuf::RepeatedPtrField<std::string>& names);

}  // namespace nightjar
