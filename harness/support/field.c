#include "harness/support/field.h"

#include <string.h>

#include <xxhash.h>

/* ---- members ----------------------------------------------------------------------------------------------------- */

static bool is_integer(enum field_type type)
{
    return type == FIELD_WHOLE || type == FIELD_UNSIGNED || type == FIELD_CHOICE || type == FIELD_SET;
}

static uint64_t load(const struct field *field, const void *member)
{
    uint64_t wide = 0;
    int32_t narrow;
    bool flag;
    if (field->size == sizeof narrow) {
        memcpy(&narrow, member, sizeof narrow);
        return field->type == FIELD_SET ? (uint32_t)narrow : (uint64_t)(int64_t)narrow;
    }
    if (field->size == sizeof flag) {
        memcpy(&flag, member, sizeof flag);
        return flag;
    }
    memcpy(&wide, member, sizeof wide);
    return wide;
}

/* The value fits the member: it is in the range of one, or has been loaded from one. */
static void store(const struct field *field, void *member, uint64_t wide)
{
    int32_t narrow = (int32_t)(int64_t)wide;
    bool flag = wide != 0;
    const void *value = field->size == sizeof wide     ? (const void *)&wide
                        : field->size == sizeof narrow ? (const void *)&narrow
                                                       : (const void *)&flag;
    memcpy(member, value, field->size);
}

static double load_real(const struct field *field, const void *member)
{
    float narrow;
    double wide;
    if (field->size == sizeof narrow) {
        memcpy(&narrow, member, sizeof narrow);
        return (double)narrow;
    }
    memcpy(&wide, member, sizeof wide);
    return wide;
}

int64_t field_integer(const struct field *field, const void *member)
{
    return (int64_t)load(field, member);
}

void field_put_integer(const struct field *field, void *member, int64_t integer)
{
    store(field, member, (uint64_t)integer);
}

double field_real(const struct field *field, const void *member)
{
    if (field->type == FIELD_REAL)
        return load_real(field, member);
    return field->type == FIELD_UNSIGNED ? (double)load(field, member) : (double)field_integer(field, member);
}

void field_put_real(const struct field *field, void *member, double number)
{
    float narrow = (float)number;
    memcpy(member, field->size == sizeof narrow ? (const void *)&narrow : (const void *)&number, field->size);
}

const char *field_text(const void *member)
{
    const char *text;
    memcpy(&text, member, sizeof text);
    return text;
}

void field_copy(const struct field *field, void *structure, const void *from)
{
    memcpy(field_of(field, structure), field_in(field, from), field->size);
}

void field_kind_preset(const struct field_kind *kind, const struct field_table *table, void *structure)
{
    const struct field *field = field_at(table, (size_t)kind->preset_field);
    void *member = field_of(field, structure);
    if (field->type == FIELD_REAL)
        field_put_real(field, member, kind->preset);
    else
        field_put_integer(field, member, (int64_t)kind->preset);
}

uint64_t field_distance(const struct field *field, const void *a, const void *b)
{
    return load(field, b) - load(field, a);
}

void field_advance(const struct field *field, void *member, uint64_t distance)
{
    store(field, member, load(field, member) + distance);
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

bool field_is_sound(const struct field *field)
{
    static const size_t sizes[FIELD_TYPE_COUNT][2] = {
        [FIELD_WHOLE] = {sizeof(int), sizeof(int64_t)},
        [FIELD_UNSIGNED] = {sizeof(uint64_t), 0},
        [FIELD_REAL] = {sizeof(float), sizeof(double)},
        [FIELD_CHOICE] = {sizeof(int), sizeof(bool)},
        [FIELD_SET] = {sizeof(unsigned), 0},
        [FIELD_TEXT] = {sizeof(const char *), 0},
    };
    bool sized = field->type == FIELD_OWN || field->size == sizes[field->type][0] ||
                 (sizes[field->type][1] && field->size == sizes[field->type][1]);
    bool named = field->type != FIELD_CHOICE && field->type != FIELD_SET;
    for (int i = 0; i < field->names.count; i++)
        named = field_choice_name(field, i) != NULL && (i == 0 || named);
    bool ranged = field->whole.least <= (int64_t)field->whole.greatest && field->real.least <= field->real.greatest;
    if (field->type == FIELD_WHOLE && field->size == sizeof(int))
        ranged &= field->whole.least >= INT32_MIN && field->whole.greatest <= INT32_MAX;
    if (field->type == FIELD_UNSIGNED)
        ranged = field->whole.least >= 0 && (uint64_t)field->whole.least <= field->whole.greatest;
    bool own = field->type == FIELD_OWN ? field->own || field->allowed : !field->own;
    return field->name && sized && named && ranged && own;
}

size_t field_find(const struct field_table *table, const char *name, size_t size)
{
    size_t index = 0;
    while (index < table->count &&
           (strlen(field_at(table, index)->name) != size || memcmp(field_at(table, index)->name, name, size) != 0))
        index++;
    return index;
}

const char *field_choice_name(const struct field *field, int index)
{
    return field_text((const char *)field->names.first + (size_t)index * field->names.stride);
}

int field_choice(const struct field *field, const char *text, size_t size)
{
    int index = 0;
    while (index < field->names.count && (strlen(field_choice_name(field, index)) != size ||
                                          memcmp(field_choice_name(field, index), text, size) != 0))
        index++;
    return index;
}

/* ---- order ------------------------------------------------------------------------------------------------------- */

int field_compare(const struct field *field, const void *a, const void *b)
{
    if (field->type == FIELD_OWN)
        return field->own->compare ? field->own->compare(field, a, b) : memcmp(a, b, field->size);
    if (field->type == FIELD_TEXT) {
        const char *s = field_text(a), *t = field_text(b);
        return strcmp(s ? s : "", t ? t : "");
    }
    if (field->type == FIELD_REAL) {
        double x = load_real(field, a), y = load_real(field, b);
        return (x > y) - (x < y);
    }
    uint64_t x = load(field, a), y = load(field, b);
    if (field->type == FIELD_WHOLE)
        return ((int64_t)x > (int64_t)y) - ((int64_t)x < (int64_t)y);
    return (x > y) - (x < y);
}

int fields_compare(const struct field_table *table, const void *a, const void *b)
{
    int order = 0;
    for (size_t i = 0; i < table->count && !order; i++)
        order = field_compare(field_at(table, i), field_in(field_at(table, i), a), field_in(field_at(table, i), b));
    return order;
}

uint64_t field_hash(const struct field *field, const void *member, uint64_t seed)
{
    char formatted[FIELD_TEXT_SIZE];
    const char *text = field->type == FIELD_TEXT ? field_text(member) : NULL;
    if (is_integer(field->type)) {
        uint64_t bits = load(field, member);
        return XXH64(&bits, sizeof bits, seed);
    }
    if (field->type == FIELD_REAL) {
        double number = load_real(field, member) + 0.0; /* -0 + 0 is 0 */
        return XXH64(&number, sizeof number, seed);
    }
    if (field->type == FIELD_OWN)
        text = field_format(formatted, field, member);
    return XXH64(text ? text : "", text ? strlen(text) : 0, seed);
}
