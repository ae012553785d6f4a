#include "harness/judge/class/class_find.h"
#include "harness/report/record/record.h"

/* No element of the output that was judged says anything of it. */
const char *const record_oracles_alone_meanings[ORACLES_ALONE_COUNT] = {
    [ORACLES_ALONE_COPIES] =
        "The output that was judged is within all that is asked of it; on a changed copy of the problem, of which the "
        "oracle's line tells, the kernel is wrong. `alibicheck list oracles` says what must hold there.",
    [ORACLES_ALONE_WRITES] =
        "The output that was judged is within all that is asked of it. What the kernel writes to beside its outputs, "
        "or reads beyond its inputs, of which the oracle's line tells, is somebody else's.",
    [ORACLES_ALONE_DETERMINISM] =
        "The output that was judged is within all that is asked of it; a run on the same inputs gave other bits. Sums "
        "whose order changes from run to run, as atomics have them, do that: where it is meant, ask for the other "
        "oracles by name (`oracles`). Else look for a race, or for memory that is read before it is written.",
    [ORACLES_ALONE_BOTH] =
        "The output that was judged is within all that is asked of it; a run on the same inputs gave other bits, and "
        "what the kernel writes to beside its outputs, or reads beyond its inputs, of which the oracle's line tells, "
        "is somebody else's. Mend that first: it may be what changes the bits.",
};

enum oracles_alone record_oracles_alone(const struct record *record)
{
    const struct signature_finding *finding = record->finding;
    const unsigned of_writes = 1u << ORACLE_INPUTS | 1u << ORACLE_GUARDS;
    const unsigned violated = record->oracles ? oracles_violated_mask(record->oracles) : 0;
    if (!finding || finding->signature != SIGNATURE_UNKNOWN || finding->num_rows_failing != 0 || !violated ||
        (record->classes && class_is_missed(record->classes, &record->point->demand)))
        return ORACLES_ALONE_NOT;
    const unsigned of_runs = 1u << ORACLE_DETERMINISM;
    if (violated & ~of_writes & ~of_runs)
        return ORACLES_ALONE_COPIES;
    if (!(violated & of_runs))
        return ORACLES_ALONE_WRITES;
    return violated & of_writes ? ORACLES_ALONE_BOTH : ORACLES_ALONE_DETERMINISM;
}
