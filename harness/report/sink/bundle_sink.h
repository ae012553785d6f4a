/*
 * What the sinks have in common that write a bundle a point (harness/library/bundle.h) into a folder.
 */
#ifndef HARNESS_REPORT_SINK_BUNDLE_SINK_H
#define HARNESS_REPORT_SINK_BUNDLE_SINK_H

#include "harness/library/bundle.h"
#include "harness/report/sink/sink.h"

/* Makes the folder: ERROR_SYSTEM if it cannot be written into. Closing does nothing, since each bundle is a file. */
enum error_kind bundle_sink_open(struct sink *sink, struct error *error);
enum error_kind bundle_sink_close(struct sink *sink, const struct summary *summary, struct error *error);

/* A bundle is of k and v whole: ERROR_USAGE with the option for a point of which they are not in memory at once, or
 * that is a bundle without them. */
enum error_kind bundle_sink_check(const char *option, const char *path, const struct point *point, struct error *error);

/* Whether the record has what a bundle holds: a point that did not come to an output leaves none. */
bool bundle_sink_takes(const struct record *record);

/* Where a record's bundle goes, and what all kinds say of it, but for its digests. */
struct bundle_place {
    char *path; /* KEY.SUFFIX in the sink's folder */
    char key[POINT_KEY_SIZE], seed[32], recipe[RECIPE_TEXT_SIZE];
    char *recipe_keys;
    struct bundle_facts facts; /* points into the place, which therefore stays where it is */
};

/* Kinds of bundles have suffixes of their own, so that none takes another's place. To be cleared, whatever the result.
 */
enum error_kind bundle_place_find(struct bundle_place *place, const struct sink *sink, const char *suffix,
                                  const struct record *record, struct error *error);

void bundle_place_clear(struct bundle_place *place);

/* What a bundle has of a record's point: its problem and output, or what stands for them. */
struct bundled {
    const struct problem *problem;
    const struct output *output;
    uint64_t input_digest, output_digest;
    bool turned; /* bundle_text.h */
};

/* Writes the bundle of the record's point as KEY.SUFFIX. */
enum error_kind bundle_sink_write(const struct sink *sink, const char *suffix, const struct record *record,
                                  const struct bundled *bundled, struct error *error);

#endif
