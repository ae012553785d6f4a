/*
 * --dry-run: what a run would do, and what it is expected to take.
 */
#ifndef HARNESS_COMMAND_DRY_RUN_H
#define HARNESS_COMMAND_DRY_RUN_H

#include "harness/command/run_options.h"
#include "harness/report/file/kept.h"
#include "harness/run/side_by_side.h"

/*
 * Prints the number of points, those that will be skipped, the time and the memory on stdout. kept[i] is NULL for a
 * point that is to be run; foreign is NULL for kernels of ours.
 */
enum error_kind dry_run(const struct run_options *options, const struct selection *selection,
                        const struct work_order *order, const struct side_by_side *beside,
                        const struct foreign_subject *foreign, const struct kept_record **kept, struct error *error);

#endif
