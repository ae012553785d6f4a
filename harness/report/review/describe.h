/* Values of records for people. */
#ifndef HARNESS_REPORT_REVIEW_DESCRIBE_H
#define HARNESS_REPORT_REVIEW_DESCRIBE_H

#include <jansson.h>

/* A word as it is, numbers in the fewest digits, an object by its members ("normal, mean=0"), a list
 * by how many it has. A new string, "" for what is not known; or NULL if memory ran out. */
char *describe_json(const json_t *value);

#endif
