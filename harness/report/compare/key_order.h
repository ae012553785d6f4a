/*
 * The order in which keys of points are shown: "a:seq_len=9" before "a:seq_len=10". Files of results are sorted and
 * joined by the bytes of keys, which is another order.
 */
#ifndef HARNESS_REPORT_COMPARE_KEY_ORDER_H
#define HARNESS_REPORT_COMPARE_KEY_ORDER_H

/* Below, at or above 0, as of strcmp; 0 for equal texts alone. Keys go word by word, what stands between two of ':',
 * ',' and '=': numbers by their value, and before all other words, which go by their bytes. */
int key_order(const char *a, const char *b);

#endif
