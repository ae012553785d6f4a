#include "harness/report/sink/sink.h"

#define SINK_ADDRESS(name) &sink_##name,
const struct sink_kind *const sink_kinds[SINK_COUNT] = {SINK_KINDS(SINK_ADDRESS)};

const char *sink_argument(const struct sink_kind *kind)
{
    switch (kind->target) {
    case SINK_TO_FOLDER:
        return "DIR";
    case SINK_TO_FILE:
    case SINK_TO_FILE_OR_STDOUT:
        return "FILE";
    case SINK_TO_STDOUT:
    case SINK_BEHIND_STDOUT:
        break;
    }
    return NULL;
}

enum error_kind sink_open(struct sink *sink, const struct sink_kind *kind, const char *path,
                          const struct sink_plan *plan, struct error *error)
{
    *sink = (struct sink){.kind = kind, .plan = plan, .path = path};
    return kind->open(sink, error);
}
