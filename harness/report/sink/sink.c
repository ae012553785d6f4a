#include "harness/report/sink/sink.h"

#define SINK_ADDRESS(name) &sink_##name,
const struct sink_kind *const sink_kinds[SINK_COUNT] = {SINK_KINDS(SINK_ADDRESS)};

enum error_kind sink_open(struct sink *sink, const struct sink_kind *kind, const char *path,
                          const struct sink_plan *plan, struct error *error)
{
    *sink = (struct sink){.kind = kind, .plan = plan, .path = path};
    return kind->open(sink, error);
}
