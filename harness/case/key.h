/*
 * A key of a case file: a field of struct point, and what values it may be given. A key's values are those of its field
 * but for what its value_type says.
 */
#ifndef HARNESS_CASE_KEY_H
#define HARNESS_CASE_KEY_H

#include "harness/case/point.h"
#include "harness/support/field.h"
#include "harness/support/yaml.h"

/* A convention, or slopes of their own. */
struct slopes_value {
    enum slope_convention convention;
    size_t count;
    float *values; /* [count], allocated; NULL: the convention's */
};

/* As struct sink_spec. */
struct sinks_value {
    enum sink_logits_kind kind;
    float number;
    size_t count;
    float *values; /* [count], allocated */
};

/* The member of a point that a key stands for, or what becomes one. */
union value {
    uint64_t whole; /* no narrower member needs more room or alignment */
    double number;
    struct sentinel sentinel;
    const struct recipe_entry *recipe; /* the library's, or owned */
    struct input_spec input;
    struct mask_spec mask; /* bits is allocated */
    struct slopes_value slopes;
    struct soft_cap_spec soft_cap;
    struct sinks_value sinks;
    struct class_demand demand;
    struct tolerance tolerance; /* negative: the default of the point's dtype */
    char *text;                 /* allocated */
};

/* Successive values of an axis: one, or a range of integers. */
struct segment {
    union value first;
    uint64_t extra;               /* integers that follow first */
    uint64_t before;              /* values of the axis in earlier segments; saturates */
    size_t rank;                  /* among the segments that node stands for */
    const struct yaml_node *node; /* where it stands; NULL for a default, and once the case has been read */
};

struct key;

/* What a key's values do otherwise than its field. NULL: what the field does. */
struct value_type {
    /* How many segments a node stands for; read is called for each. NULL: one. */
    enum error_kind (*num_segments)(const struct yaml_node *node, size_t *count, struct error *error);
    enum error_kind (*read)(const struct key *key, const struct yaml_node *node, struct segment *segment,
                            struct error *error);
    int (*compare)(const union value *a, const union value *b);
    /* A second order, by what values are called in a point's key. NULL: that differs where values do. */
    int (*compare_names)(const union value *a, const union value *b);
    /* Puts the value into a point. */
    void (*apply)(const union value *value, struct point *point);
    /* The point's value as its key spells it, different for different values. text: FIELD_TEXT_SIZE. */
    char *(*format)(char *text, const struct point *point);
    /* What the key means, where its field's `about` is only the beginning. text: ABOUT_TEXT_SIZE. */
    char *(*about)(char *text, const struct field *field);
    void (*clear)(union value *value); /* NULL: a value owns nothing */
    bool aside;                        /* points do not hold it */
};

enum { ABOUT_TEXT_SIZE = 1024, SEQ_LEN_MAX = 1 << 27 };

/* Which axes vary fastest, so that points with the same inputs stand together. Within a stage: later rows faster. */
enum key_stage { STAGE_PROBLEM, STAGE_RECIPE, STAGE_SENTINEL, STAGE_KERNEL, STAGE_COUNT };

struct key {
    struct field field;            /* of struct point */
    const struct value_type *type; /* NULL: values are those of the field */
    bool axis;                     /* may be a list, and whole numbers a range */
    bool constant_of_run;          /* --set may not change it */
    bool of_kernel;                /* says nothing of an output that is given: of its making, or of its inputs' */
    bool of_shipped;               /* of those, one of the kernels that come with the program */
    bool of_pages;                 /* of those, one of where k and v lie: it is of every kernel that takes pages */
    bool is_kernel;                /* what is run, ours or not */
    enum key_stage stage;
    const char *preset;  /* default as key_format writes it; NULL: see derived */
    bool added;          /* at its default it is not in a point's digest: digests that were kept before it stay */
    const char *derived; /* the default in words where it is no constant; NULL and no preset: the key is required */
};

/* How many segments a node stands for; key_read is called for each, with its rank in segment. Those of a node stand in
 * a row in memory. */
enum error_kind key_num_segments(const struct key *key, const struct yaml_node *node, size_t *count,
                                 struct error *error);

/* Reads a node that is no list of values into segment->first and extra. ERROR_USAGE at the place. */
enum error_kind key_read(const struct key *key, const struct yaml_node *node, struct segment *segment,
                         struct error *error);

/* Whether a list is one value of the key, and key_read reads it. */
bool key_takes_list(const struct key *key);

/* Whether values of the key follow each other, so that a segment may hold several. */
bool key_counts(const struct key *key);

/* Whether the key says nothing of the point, whose kernel is not ours. */
bool key_is_of_others(const struct key *key, const struct point *point);

/* A total order of values; numbers by value. */
int key_compare(const struct key *key, const union value *a, const union value *b);

/* Puts the value `step` after first into the point. */
void key_apply(const struct key *key, const union value *first, uint64_t step, struct point *point);

/* The point's value as its key spells it, different for different values; what is no axis has none. text:
 * FIELD_TEXT_SIZE. */
char *key_format(char *text, const struct key *key, const struct point *point);

/* The default of key in this point as key_format writes it. text: FIELD_TEXT_SIZE. */
char *key_default(char *text, const struct key *key, const struct point *point);

/* What the key means. text: ABOUT_TEXT_SIZE; what is returned may be another. */
const char *key_about(char *text, const struct key *key);

#endif
