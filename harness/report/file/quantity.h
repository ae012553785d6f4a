/*
 * A number as records have it and people write it, compared without loss: a whole one to its last digit, though a
 * double could not hold it.
 */
#ifndef HARNESS_REPORT_FILE_QUANTITY_H
#define HARNESS_REPORT_FILE_QUANTITY_H

#include <jansson.h>
#include <stdbool.h>

struct quantity {
    bool is_whole;
    __int128 whole; /* every whole number of a record, with its sign */
    double real;
};

/* Reads a value of a record, also one in a text ("inf", "18446744073709551615"). False for what is no number. */
bool quantity_read(struct quantity *quantity, const json_t *value);

/* Reads a word as people write it, units included. */
bool quantity_read_word(struct quantity *quantity, const char *word);

/* -1, 0, 1 as a is below, equal to or above b; QUANTITY_UNORDERED if it is none of them. */
enum { QUANTITY_UNORDERED = 2 };
int quantity_compare(const struct quantity *a, const struct quantity *b);

#endif
