/*
 * Keys that no point of a case has a use for: what is asked for by them is not tried, and who asked is to know.
 */
#ifndef HARNESS_CASE_CASE_UNUSED_H
#define HARNESS_CASE_CASE_UNUSED_H

#include "harness/case/case.h"

/*
 * ERROR_USAGE with the key where a case gives one, and beside it the key that uses it with no value that does. A case
 * that leaves the second open leaves it to settings, and a setting that leaves the first without a use narrows what the
 * case is about: neither is an error. A setting is to be of use in one case of the list at least.
 */
enum error_kind case_list_check_use(const struct case_list *list, struct error *error);

#endif
