/*
 * Reading a bundle without k and v (exhibit_bundle.h), a text or a tensor at a time. Nothing of the file is believed:
 * each function below reports what is not what it can be, ERROR_USAGE with the file, and what is allowed.
 */
#ifndef HARNESS_LIBRARY_EXHIBIT_READING_H
#define HARNESS_LIBRARY_EXHIBIT_READING_H

#include "harness/library/exhibit_bundle.h"
#include "harness/support/source.h"
#include "harness/support/tensor_file.h"

struct exhibit_reading {
    struct exhibit_bundle *bundle; /* NULL: another kind of file is read */
    const char *written;           /* what is allowed: "what ... wrote" */
    struct tensor_archive archive;
    char path[PATH_QUOTE_SIZE];
    int64_t queries, heads, dim, rows; /* of out */
};

extern const char exhibit_written[]; /* of a bundle without k and v */

/* ---- texts (exhibit_text.c) -------------------------------------------------------------------------------------- */

/* That a text is missing, or is not what is allowed. */
enum error_kind exhibit_refuse(const struct exhibit_reading *reading, const char *key, const char *allowed,
                               struct error *error);

enum error_kind exhibit_read_whole(const struct exhibit_reading *reading, const char *key, int64_t least,
                                   int64_t greatest, int64_t *number, struct error *error);
enum error_kind exhibit_read_float(const struct exhibit_reading *reading, const char *key, float *number,
                                   struct error *error);

/* A number of 0 or more, or infinity. */
enum error_kind exhibit_read_size(const struct exhibit_reading *reading, const char *key, double *number,
                                  struct error *error);
enum error_kind exhibit_read_digest(const struct exhibit_reading *reading, const char *key, uint64_t *digest,
                                    struct error *error);

/* The index of one of several names. */
enum error_kind exhibit_read_choice(const struct exhibit_reading *reading, const char *key, const char *const *names,
                                    int count, int *choice, struct error *error);

/* Whose operations an output is of, each in new memory; recipe NULL: nobody knows. With a recipe the others are there.
 */
struct exhibit_arithmetic {
    char *kernel, *recipe, *recipe_keys;
    uint64_t recipe_digest;
    int64_t chunk_len;
};

/* What bundle_text_arithmetic says of both kinds of bundles. arithmetic is to be freed, whatever the result. */
enum error_kind exhibit_read_arithmetic(const struct exhibit_reading *reading, struct exhibit_arithmetic *arithmetic,
                                        struct error *error);

/* How it judges; budget is above 0, and set unless the tolerance judges alone. */
enum error_kind exhibit_read_mode(const struct exhibit_reading *reading, enum judge_mode *mode, double *budget,
                                  struct error *error);

/* A copy of a text that may be missing: *copy is then NULL. */
enum error_kind exhibit_read_name(const struct exhibit_reading *reading, const char *key, char **copy,
                                  struct error *error);

/* ---- tensors (exhibit_tensor.c) ---------------------------------------------------------------------------------- */

enum error_kind exhibit_describe(const struct exhibit_reading *reading, const char *name, struct tensor_layout *layout,
                                 struct error *error);

/* A new copy of a tensor that has exactly this type and shape; ERROR_SYSTEM where the file does not have it any more.
 */
enum error_kind exhibit_read_tensor(const struct exhibit_reading *reading, const char *name, enum element_type type,
                                    int num_axes, const int64_t *shape, void **copy, struct error *error);

/* What every number of a tensor has to be. */
enum exhibit_range { EXHIBIT_ANY, EXHIBIT_FINITE, EXHIBIT_NOT_NEGATIVE, EXHIBIT_NOT_NEGATIVE_FINITE };

/* ERROR_USAGE: element `at` of the tensor called name is out of the range. */
enum error_kind exhibit_refuse_number(const struct exhibit_reading *reading, const char *name, size_t at, double number,
                                      enum exhibit_range range, struct error *error);

/* The same of doubles; *numbers is to be freed, whatever the result. */
enum error_kind exhibit_read_doubles(const struct exhibit_reading *reading, const char *name, int num_axes,
                                     const int64_t *shape, enum exhibit_range range, double **numbers,
                                     struct error *error);

/* Of finite f32, one a head. */
enum error_kind exhibit_read_of_heads(const struct exhibit_reading *reading, const char *name, float **numbers,
                                      struct error *error);

/* ---- the problem (exhibit_problem.c) ----------------------------------------------------------------------------- */

/* Shape, dtypes, scales, positions, slopes and sinks. */
enum error_kind exhibit_read_problem(struct exhibit_reading *reading, struct error *error);

#endif
