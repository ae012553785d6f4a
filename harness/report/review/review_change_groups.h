/*
 * Before and after at a glance: the largest errors of points that both sides have, in groups.
 */
#ifndef HARNESS_REPORT_REVIEW_REVIEW_CHANGE_GROUPS_H
#define HARNESS_REPORT_REVIEW_REVIEW_CHANGE_GROUPS_H

#include "harness/report/page/document.h"
#include "harness/report/review/review_change.h"

/* By what the plots tell apart (--by), and by length where there are several. */
void review_write_change_groups(struct document *document, const struct review_changes *changes);

#endif
