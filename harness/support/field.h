/*
 * Fields: what a member of a struct is called, what it may hold, how it is read and written, and what it means.
 *
 * One row describes a member for every purpose: a case file's key, a recipe's choice, a distribution's parameter, an
 * option, a member of a record. Operations take the row and the member itself, which field_of finds in a struct; a copy
 * of it elsewhere, of field->size bytes and as aligned, serves as well.
 *
 *     static const struct field fields[] = {
 *         {.name = "window", .type = FIELD_WHOLE, FIELD_MEMBER(struct mask_spec, window), .whole = {0, 1 << 27}},
 *         {.name = "bias", .type = FIELD_CHOICE, FIELD_MEMBER(struct recipe, bias), .names = FIELD_NAMES(bias_names)},
 *     };
 *
 * Reading of YAML is in field_yaml.h, writing of JSON in field_json.h.
 */
#ifndef HARNESS_SUPPORT_FIELD_H
#define HARNESS_SUPPORT_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/support/number.h"
#include "reference/error.h"

struct field;
struct yaml_node;

enum field_type {
    FIELD_WHOLE,    /* int or int64_t */
    FIELD_UNSIGNED, /* uint64_t */
    FIELD_REAL,     /* float or double */
    FIELD_CHOICE,   /* one of the names: an enumeration or a bool that holds its index */
    FIELD_SET,      /* some of the names: an unsigned whose bit i is name i's */
    FIELD_TEXT,     /* const char *; NULL where there is none */
    FIELD_OWN,      /* what field->own says; without it, field->allowed alone */
    FIELD_TYPE_COUNT
};

/* Ranges of 0 to 0: every number that the member holds. */
struct whole_range {
    int64_t least; /* above INT64_MIN */
    uint64_t greatest;
    unsigned multiple_of; /* 0: of anything */
};

struct real_range {
    double least, greatest;
    bool above; /* more than least */
};

/* count names, stride bytes apart: an array of them, or a member of an array of structs. */
struct field_names {
    const void *first; /* of a const char * */
    size_t stride;
    int count;
};

#define FIELD_NAMES(array)                                               \
    {                                                                    \
        (array), sizeof *(array), (int)(sizeof(array) / sizeof *(array)) \
    }
#define FIELD_NAMES_FIRST(array, first_names)   \
    {                                           \
        (array), sizeof *(array), (first_names) \
    }
#define FIELD_NAMES_OF(table, member, first_rows)         \
    {                                                     \
        &(table)[0].member, sizeof *(table), (first_rows) \
    }

/* A number that has a name; it is read and written by either. */
struct field_number {
    const char *name;
    double value;
};

enum { FIELD_TEXT_SIZE = 384, FIELD_ALLOWED_SIZE = 800 };

/* A type of its own. */
struct field_own {
    /* ERROR_USAGE at the node's place; the member is then as it was. NULL: it is not read. */
    enum error_kind (*read)(const struct field *field, const struct yaml_node *node, void *member, struct error *error);
    char *(*format)(char *text, const struct field *field, const void *member);
    char *(*allowed)(char *text, const struct field *field);                 /* NULL: field->allowed */
    int (*compare)(const struct field *field, const void *a, const void *b); /* NULL: by the bytes */
};

struct field {
    const char *name;
    enum field_type type;
    size_t offset, size;      /* of the member */
    struct whole_range whole; /* whole, unsigned */
    struct real_range real;
    const char *range_prefix;           /* of numbers: before "LEAST to GREATEST" in what is allowed; NULL: nothing */
    struct field_names names;           /* choice, set */
    const char *every;                  /* choice, set: a word for all of them; NULL: none */
    int num_every;                      /* choice: the first names, which alone `every` stands for; 0: all */
    const struct field_number *numbers; /* real: those that have names */
    int num_numbers;
    const char *allowed; /* in words; NULL: told from the rest */
    const struct field_own *own;
    const char *about; /* what it means, a sentence */
};

#define FIELD_MEMBER(structure, member) .offset = offsetof(structure, member), .size = sizeof(((structure *)0)->member)

/* Fields that stand in the rows of a table, stride bytes apart. */
struct field_table {
    const struct field *first;
    size_t stride, count;
};

#define FIELD_TABLE(array)                                        \
    {                                                             \
        (array), sizeof *(array), sizeof(array) / sizeof *(array) \
    }
#define FIELD_TABLE_OF(rows, member)                                     \
    {                                                                    \
        &(rows)[0].member, sizeof *(rows), sizeof(rows) / sizeof *(rows) \
    }

static inline const struct field *field_at(const struct field_table *table, size_t index)
{
    return (const struct field *)((const char *)table->first + index * table->stride);
}

/* The index of the field called name[0, size), or table->count. */
size_t field_find(const struct field_table *table, const char *name, size_t size);

/* The member that a field describes. */
static inline void *field_of(const struct field *field, void *structure)
{
    return (char *)structure + field->offset;
}

static inline const void *field_in(const struct field *field, const void *structure)
{
    return (const char *)structure + field->offset;
}

/* Whether the row describes something: a name, a size that its type has, a range or names, an own type's operations. */
bool field_is_sound(const struct field *field);

/*
 * Reads text[0, size) into the member, which is as it was if there is a fault. Not for sets nor own types. A text
 * becomes the member itself: it lives as long and ends at size.
 */
enum value_fault field_parse(const struct field *field, const char *text, size_t size, void *member);

/* Puts a whole number into the member, unless it is out of range. */
enum value_fault field_take_integer(const struct field *field, int64_t integer, void *member);

/* The index of the choice, or of the set's name, called text[0, size), or names.count. */
int field_choice(const struct field *field, const char *text, size_t size);
const char *field_choice_name(const struct field *field, int index);

/* As field_parse reads it (a set: names with commas between them, "none"). text: FIELD_TEXT_SIZE, returned. */
char *field_format(char *text, const struct field *field, const void *member);

/* What is allowed, for messages and documentation: "1 to 1024", "relative, absolute". text: FIELD_ALLOWED_SIZE. */
char *field_allowed(char *text, const struct field *field);

/* A total order: numbers and choices by value, texts by letters with none first. */
int field_compare(const struct field *field, const void *a, const void *b);

/* The order of two structs by one field after the other. */
int fields_compare(const struct field_table *table, const void *a, const void *b);

/* The number b - a of whole numbers or choices, a up to b; the value that many beyond. */
uint64_t field_distance(const struct field *field, const void *a, const void *b);
void field_advance(const struct field *field, void *member, uint64_t distance);

/* Whole numbers, choices and sets, sign extended: a uint64_t is its two's complement. */
int64_t field_integer(const struct field *field, const void *member);
void field_put_integer(const struct field *field, void *member, int64_t integer);
/* Numbers of every kind; beyond 2^53 a whole one is rounded. */
double field_real(const struct field *field, const void *member);
/* Of FIELD_REAL; a float is rounded to. */
void field_put_real(const struct field *field, void *member, double number);
/* Of a text. */
const char *field_text(const void *member);

/* Puts the field of from, a struct, into another. */
void field_copy(const struct field *field, void *structure, const void *from);

/* A kind of thing of which each reads fields of its own of one struct: {window: 256}, {distribution: uniform}. */
struct field_kind {
    const char *name;
    uint64_t reads;    /* bit i: field i of the struct's table */
    int preset_field;  /* the field with a default of the kind's own, */
    double preset;     /* and that; zeroed where there is none, as field 0 is 0 by default */
    const char *about; /* what it is, to follow its name; NULL: the name says it */
};

/* Puts the kind's own default into the structure. */
void field_kind_preset(const struct field_kind *kind, const struct field_table *table, void *structure);

/* Equal for members that compare equal. Each field's hash as the seed of the next is a hash of them all. */
uint64_t field_hash(const struct field *field, const void *member, uint64_t seed);

#endif
