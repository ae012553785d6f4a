#include "harness/report/file/quantity.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "harness/report/file/record_file.h"
#include "harness/support/number.h"

static bool read_whole(struct quantity *quantity, const char *text)
{
    uint64_t magnitude;
    int negative;
    quantity->is_whole = number_parse_whole(text, strlen(text), &magnitude, &negative) == VALUE_SOUND;
    if (quantity->is_whole)
        quantity->whole = negative ? -(__int128)magnitude : (__int128)magnitude;
    return quantity->is_whole;
}

bool quantity_read(struct quantity *quantity, const json_t *value)
{
    *quantity = (struct quantity){.is_whole = json_is_integer(value), .whole = json_integer_value(value)};
    if (!record_number(value, &quantity->real))
        return false;
    if (json_is_string(value))
        read_whole(quantity, json_string_value(value));
    return true;
}

bool quantity_read_word(struct quantity *quantity, const char *word)
{
    json_t *text = json_string(word);
    bool is_number = text && quantity_read(quantity, text);
    json_decref(text);
    if (is_number || !read_whole(quantity, word))
        return is_number;
    quantity->real = (double)quantity->whole; /* it has a unit */
    return true;
}

int quantity_compare(const struct quantity *a, const struct quantity *b)
{
    if (a->is_whole && b->is_whole)
        return (a->whole > b->whole) - (a->whole < b->whole);
    return isnan(a->real) || isnan(b->real) ? QUANTITY_UNORDERED : (a->real > b->real) - (a->real < b->real);
}
