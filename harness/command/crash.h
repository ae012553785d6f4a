/*
 * A kernel that crashes on the host device: the run ends, but in order.
 *
 * Nothing sound can be done in the thread that crashed, which may be one of a team and stands on a fiber: jumping out
 * of the kernel would leave its team waiting, and a signal handler may neither allocate nor take a lock. So that thread
 * stays in its handler, which does no more than wake another thread that was waiting for this. That one ends the run as
 * any thread might: a kernel holds no lock and is in the middle of no allocation. A signal from anywhere but a kernel
 * ends the process as it always did, and so does a second one, should the kernel have destroyed what the end needs.
 */
#ifndef HARNESS_COMMAND_CRASH_H
#define HARNESS_COMMAND_CRASH_H

#include "reference/error.h"

/*
 * From now on a kernel that crashes has end(context, "SIGSEGV") called on a thread of its own, whose return value is
 * the process's exit code. ERROR_SYSTEM if there is no thread for it. One watch at a time; none in a build for the
 * address sanitizer, which reports crashes itself.
 */
enum error_kind crash_watch_begin(int (*end)(void *context, const char *signal), void *context, struct error *error);

/* Ends the watch; nothing if there is none. Does not return while `end` is at work. */
void crash_watch_end(void);

#endif
