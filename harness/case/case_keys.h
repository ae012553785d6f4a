/*
 * The keys of a case file: one table row says what a key is called, what it may hold, what it defaults to, where its
 * value goes in a point, and what it means. The table parses, names points and documents the format.
 */
#ifndef HARNESS_CASE_CASE_KEYS_H
#define HARNESS_CASE_CASE_KEYS_H

#include "harness/case/case.h"
#include "harness/support/field_yaml.h"

enum key_id {
    KEY_CASE,
    KEY_ABOUT,
    KEY_KERNEL,
    KEY_SEQ_LEN,
    KEY_NUM_HEADS,
    KEY_NUM_KV_HEADS,
    KEY_HEAD_DIM,
    KEY_DTYPE,
    KEY_KV_DTYPE,
    KEY_K_SCALE,
    KEY_V_SCALE,
    KEY_RECIPE,
    KEY_SENTINEL,
    KEY_BIAS,
    KEY_EXPONENTIAL,
    KEY_CHUNK_LEN,
    KEY_PAGE_SIZE,
    KEY_PAGE_SEED,
    KEY_BATCH,
    KEY_SCALE,
    KEY_MAX_BIAS,
    KEY_SLOPES,
    KEY_HEAD_OFFSET,
    KEY_TOTAL_HEADS,
    KEY_KV_OFFSET,
    KEY_Q_POSITION,
    KEY_INPUT,
    KEY_MASK,
    KEY_SEED,
    KEY_TRUTH,
    KEY_TRUTH_PRECISION,
    KEY_TRUTH_OF,
    KEY_REFERENCE,
    KEY_JUDGE,
    KEY_TOLERANCE,
    KEY_BUDGET,
    KEY_ORACLES,
    KEY_EXPECT,
    KEY_SIGNATURE,
    KEY_BECAUSE,
    KEY_COUNT
};

/* A convention, or slopes of their own. */
struct slopes_value {
    enum slope_convention convention;
    size_t count;
    float *values; /* [count], allocated; NULL: the convention's */
};

union value {
    uint64_t integer; /* distance from the key's least value, so that one type holds every range; a name's index;
                       * of a set, bit i: name i is in it */
    double number;
    struct sentinel sentinel;
    const struct recipe_entry *recipe; /* the library's, or owned */
    struct input_spec input;
    struct mask_spec mask; /* bits is allocated */
    struct slopes_value slopes;
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

/* How values of one type are read, compared, put into a point, and written. Rows of the key table share them. */
struct value_type {
    /* How many segments a node stands for; parse is called for each. NULL: one. */
    enum error_kind (*num_segments)(const struct yaml_node *node, size_t *count, struct error *error);
    enum error_kind (*parse)(const struct key *key, const struct yaml_node *node, struct segment *segment,
                             struct error *error);
    /* A total order; integers by value. NULL if the type is never an axis. */
    int (*compare)(const union value *a, const union value *b);
    /* A second order, by what values are called in a point's key. NULL: that differs where values do. */
    int (*compare_names)(const union value *a, const union value *b);
    /* Puts the value `step` after first into the key's field. NULL if points do not hold it. */
    void (*apply)(const struct key *key, const union value *first, uint64_t step, struct point *point);
    /* The field as a point's key spells it, different for different values. text: VALUE_TEXT_SIZE. NULL: never an axis.
     */
    char *(*format)(char *text, const struct key *key, const struct point *point);
    /* What is allowed, for messages and documentation. text: ALLOWED_TEXT_SIZE. */
    char *(*allowed)(char *text, const struct key *key);
    /* What the key means, where key->about is only the beginning. text: ABOUT_TEXT_SIZE. NULL: where it is all. */
    char *(*about)(char *text, const struct key *key);
    void (*clear)(union value *value); /* NULL if a value owns nothing */
    bool takes_list;                   /* a list is one value, and parse reads it */
};

enum { VALUE_TEXT_SIZE = 384, ALLOWED_TEXT_SIZE = 800, ABOUT_TEXT_SIZE = 1024, SEQ_LEN_MAX = 1 << 27 };

extern const struct value_type type_name_text; /* letters, digits, '.', '_', '-' */
extern const struct value_type type_text;      /* one line, white space folded */
extern const struct value_type type_whole;     /* integers and ranges of them */
extern const struct value_type type_choice;    /* one of a list of names */
extern const struct value_type type_set;       /* none, one or some of a list of names */
extern const struct value_type type_real;      /* 0 < x <= limit, f32 or f64 after its field */
extern const struct value_type type_recipe;
extern const struct value_type type_sentinel;
extern const struct value_type type_input;
extern const struct value_type type_mask;
extern const struct value_type type_slopes; /* choice: the conventions */
extern const struct value_type type_tolerance;

/* Which axes vary fastest, so that points with the same inputs stand together. Within a stage: later rows faster. */
enum key_stage { STAGE_PROBLEM, STAGE_RECIPE, STAGE_SENTINEL, STAGE_KERNEL, STAGE_COUNT };

struct key {
    const char *name;
    const struct value_type *type;
    bool axis;            /* may be a list */
    bool constant_of_run; /* --set may not change it */
    enum key_stage stage;
    const char *preset;  /* default as `format` writes it; NULL: see derived */
    const char *derived; /* the default in words where it is no constant; NULL and no preset: the key is required */
    const char *about;

    size_t field, field_size; /* in struct point */

    int64_t least;                         /* whole: the least value */
    uint64_t span;                         /* whole: greatest - least */
    unsigned multiple_of;                  /* whole: 0 or a divisor of every value */
    double limit;                          /* real */
    const char *(*choice)(uint64_t index); /* choice, set: the names */
    uint64_t num_choices;                  /* choice, set */
    const char *every;                     /* choice, set: a word for all of them; NULL: none */
};

extern const struct key keys[KEY_COUNT];

/* A point before values are put in: what a derived default replaces. point_derive fills what is still unset. */
extern const struct point point_unset;
void point_derive(struct point *point);

/* Puts what key id, one of those that override the recipe, says in `from` into recipe. */
void recipe_override(struct recipe *recipe, enum key_id id, const struct recipe *from);

/* The key called name, or KEY_COUNT. */
enum key_id key_find(const char *name, size_t size);

/* "did you mean 'x'? allowed: case, about, ..." for a key that does not exist. text: ALLOWED_TEXT_SIZE. */
char *key_advice(char *text, const char *name, size_t size);

/* The default of key in this point as `format` writes it. text: VALUE_TEXT_SIZE. */
char *key_default(char *text, const struct key *key, const struct point *point);

/* "KEY WHAT: TEXT; allowed: ALLOWED" at the node's place. */
enum error_kind value_error(const struct key *key, const struct yaml_node *node, const char *what, struct error *error);

/* Reads a decimal number, all of the text; ERROR_USAGE as "KEY is ...: TEXT; allowed: ALLOWED" if it is none. */
enum error_kind parse_number(const char *key_name, const char *allowed, const struct yaml_node *node, double *number,
                             struct error *error);
/* The same as an f32, rounded once; the text is no number that f32 makes infinite, or 0 where it is not 0. */
enum error_kind parse_float(const char *key_name, const char *allowed, const struct yaml_node *node, float *number,
                            struct error *error);

#endif
