/* One row a member: every type is read, written, ordered, copied, documented. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <float.h>
#include <math.h>

#include <cmocka.h>

#include "harness/support/field_json.h"
#include "harness/support/field_yaml.h"

enum colour { RED, GREEN, BLUE, COLOUR_COUNT };

static const char *const colour_names[COLOUR_COUNT] = {"red", "green", "blue"};
static const char *const flag_names[] = {"pass", "fail"};
static const struct {
    int size;
    const char *name;
} shapes[] = {{1, "round"}, {2, "square"}};

static const struct field_number named_numbers[] = {{"lowest", -FLT_MAX}, {"third", (double)(1 / 3.0f)}};

/* The members of every type and size, between bytes that must stay as they are. */
struct sample {
    unsigned char before[8];
    int narrow;
    int64_t wide;
    uint64_t seed;
    float scale;
    double budget;
    enum colour colour;
    bool flag;
    int shape;
    unsigned colours;
    const char *text;
    int binary;
    int own; /* "#7" */
    unsigned char after[8];
};

static enum error_kind own_read(const struct field *field, const struct yaml_node *node, void *member,
                                struct error *error)
{
    if (node->kind != YAML_SCALAR || node->text[0] != '#')
        return field_error(field, node, "has no hash", error);
    *(int *)member = atoi(node->text + 1);
    return ERROR_NONE;
}

static char *own_format(char *text, const struct field *field, const void *member)
{
    (void)field;
    snprintf(text, FIELD_TEXT_SIZE, "#%d", *(const int *)member);
    return text;
}

/* The greatest first. */
static int own_compare(const struct field *field, const void *a, const void *b)
{
    (void)field;
    return *(const int *)b - *(const int *)a;
}

static const struct field_own own = {own_read, own_format, NULL, own_compare};

#define MEMBER(member) .name = #member, .about = "A member.", FIELD_MEMBER(struct sample, member)

enum { NARROW, WIDE, SEED, SCALE, BUDGET, COLOUR, FLAG, SHAPE, COLOURS, TEXT, BINARY, OWN, NUM_FIELDS };

static const struct field fields[NUM_FIELDS] = {
    [NARROW] = {MEMBER(narrow), .type = FIELD_WHOLE, .whole = {-8, 64, 8}},
    [WIDE] = {MEMBER(wide), .type = FIELD_WHOLE, .whole = {-(INT64_C(1) << 53), INT64_C(1) << 62, 0}},
    [SEED] = {MEMBER(seed), .type = FIELD_UNSIGNED, .whole = {0, UINT64_MAX, 0}},
    [SCALE] = {MEMBER(scale), .type = FIELD_REAL, .real = {-(double)FLT_MAX, 1, false}, .numbers = named_numbers,
               .num_numbers = 2, .range_prefix = "numbers from "},
    [BUDGET] = {MEMBER(budget), .type = FIELD_REAL, .real = {0, 64, true}, .range_prefix = "numbers "},
    [COLOUR] = {MEMBER(colour), .type = FIELD_CHOICE, .names = FIELD_NAMES(colour_names), .every = "all"},
    [FLAG] = {MEMBER(flag), .type = FIELD_CHOICE, .names = FIELD_NAMES(flag_names)},
    [SHAPE] = {MEMBER(shape), .type = FIELD_CHOICE, .names = FIELD_NAMES_OF(shapes, name, 2)},
    [COLOURS] = {MEMBER(colours), .type = FIELD_SET, .names = FIELD_NAMES_FIRST(colour_names, 3), .every = "all"},
    [TEXT] = {MEMBER(text), .type = FIELD_TEXT},
    [BINARY] = {MEMBER(binary), .type = FIELD_WHOLE, .whole = {0, 1 << 20, 0}},
    [OWN] = {MEMBER(own), .type = FIELD_OWN, .own = &own, .allowed = "# and a number"},
};

static const struct field_table table = FIELD_TABLE(fields);

static struct sample sample_filled(int byte)
{
    struct sample sample;
    memset(&sample, byte, sizeof sample);
    return sample;
}

/* Asserts that nothing but the field's member differs between a and b. */
static void assert_rest_same(const struct field *field, const struct sample *a, const struct sample *b)
{
    struct sample rest = *a;
    memcpy((char *)&rest + field->offset, (const char *)b + field->offset, field->size);
    assert_memory_equal(&rest, b, sizeof rest);
}

/* What each field reads, in ascending order, and how it writes it. */
static const struct good {
    int field;
    const char *text, *written;
} good[] = {
    {NARROW, "-8", "-8"},
    {NARROW, "-0", "0"},
    {NARROW, "0.8e1", "8"},
    {NARROW, "64.0", "64"},
    {WIDE, "-9007199254740992", "-9007199254740992"},
    {WIDE, "-1", "-1"},
    {WIDE, "+0", "0"},
    {WIDE, "4611686018427387904", "4611686018427387904"},
    {SEED, "-0", "0"},
    {SEED, "9223372036854775808", "9223372036854775808"},
    {SEED, "18446744073709551615", "18446744073709551615"},
    {SCALE, "lowest", "lowest"},
    {SCALE, "-0.1", "-0.1"},
    {SCALE, "-0", "0"},
    {SCALE, "1e-45", "1e-45"},
    {SCALE, "0.33333334", "third"},
    {SCALE, "1", "1"},
    {BUDGET, "5e-324", "5e-324"},
    {BUDGET, "0.1", "0.1"},
    {BUDGET, "64", "64"},
    {COLOUR, "red", "red"},
    {COLOUR, "blue", "blue"},
    {FLAG, "pass", "pass"},
    {FLAG, "fail", "fail"},
    {SHAPE, "round", "round"},
    {SHAPE, "square", "square"},
    {TEXT, "", ""},
    {TEXT, "a b", "a b"},
    {BINARY, "0.5Ki", "512"},
    {BINARY, "1024", "1024"},
    {BINARY, "1Mi", "1048576"},
};

enum { NUM_GOOD = sizeof good / sizeof good[0] };

static void test_what_is_read_is_written_and_nothing_else_touched(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_GOOD; i++)
        for (int byte = 0; byte < 256; byte += 255) {
            const struct field *field = &fields[good[i].field];
            struct sample before = sample_filled(byte), after = before, copy = before;
            char text[FIELD_TEXT_SIZE];
            assert_int_equal(field_parse(field, good[i].text, strlen(good[i].text), field_of(field, &after)),
                             VALUE_SOUND);
            assert_rest_same(field, &before, &after);
            assert_string_equal(field_format(text, field, field_in(field, &after)), good[i].written);
            field_copy(field, &copy, &after);
            assert_memory_equal(&copy, &after, sizeof copy);
        }
}

/* Whole numbers in other words. */
static void test_whole_numbers_have_exponents_and_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t number;
    } words[] = {
        {"1k", 1000},
        {"1Ki", 1024},
        {"2M", 2000000},
        {"16Mi", 16777216},
        {"1.5Ki", 1536},
        {"0.25k", 250},
        {"4.096e3", 4096},
        {"40960e-1", 4096},
        {"1.0", 1},
        {"0.000Ki", 0},
        {"007", 7},
        {"1e19", UINT64_C(10000000000000000000)},
        {"1.8446744073709551615e19", UINT64_MAX},
        {"18446744073709551615000e-3", UINT64_MAX},
        {"18014398509481983Ki", UINT64_C(18014398509481983) << 10},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        uint64_t seed = 1;
        assert_int_equal(field_parse(&fields[SEED], words[i].text, strlen(words[i].text), &seed), VALUE_SOUND);
        assert_true(seed == words[i].number);
    }
}

static void test_values_are_ordered_and_hashed(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_GOOD; i++)
        for (size_t j = 0; j < NUM_GOOD; j++) {
            const struct field *field = &fields[good[i].field];
            struct sample a = sample_filled(0), b = a;
            if (good[j].field != good[i].field)
                continue;
            field_parse(field, good[i].text, strlen(good[i].text), field_of(field, &a));
            field_parse(field, good[j].text, strlen(good[j].text), field_of(field, &b));
            int order = field_compare(field, field_in(field, &a), field_in(field, &b));
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
            assert_int_equal(fields_compare(&table, &a, &b), order);
            assert_int_equal(field_hash(field, field_in(field, &a), 1) == field_hash(field, field_in(field, &b), 1),
                             i == j);
            assert_true(field_hash(field, field_in(field, &a), 1) != field_hash(field, field_in(field, &a), 2));
        }
}

static void test_texts_without_letters_are_equal(void **state)
{
    (void)state;
    struct sample none = {.text = NULL}, empty = {.text = ""}, some = {.text = "a"};
    char text[FIELD_TEXT_SIZE];
    assert_int_equal(field_compare(&fields[TEXT], &none.text, &empty.text), 0);
    assert_true(field_compare(&fields[TEXT], &none.text, &some.text) < 0);
    assert_string_equal(field_format(text, &fields[TEXT], &none.text), "");
    assert_true(field_hash(&fields[TEXT], &none.text, 0) == field_hash(&fields[TEXT], &empty.text, 0));
}

static const struct bad {
    int field;
    const char *text;
    enum value_fault fault;
} bad[] = {
    {NARROW, "", VALUE_NOT_WHOLE},
    {NARROW, "8x", VALUE_NOT_WHOLE},
    {NARROW, "nan", VALUE_NOT_WHOLE},
    {NARROW, "-.Inf", VALUE_NOT_WHOLE},
    {NARROW, "1e400", VALUE_OUT_OF_RANGE},
    {NARROW, "0.5", VALUE_NOT_WHOLE},
    {NARROW, "100.5", VALUE_NOT_WHOLE},
    {NARROW, "65", VALUE_OUT_OF_RANGE},
    {NARROW, "-9", VALUE_OUT_OF_RANGE},
    {NARROW, "-4", VALUE_OUT_OF_STEP},
    {NARROW, "12", VALUE_OUT_OF_STEP},
    {WIDE, "", VALUE_NOT_WHOLE},
    {WIDE, "-", VALUE_NOT_WHOLE},
    {WIDE, " 1", VALUE_NOT_WHOLE},
    {WIDE, "-9007199254740993", VALUE_OUT_OF_RANGE},
    {WIDE, "4611686018427387905", VALUE_OUT_OF_RANGE},
    {WIDE, "99999999999999999999999", VALUE_OUT_OF_RANGE},
    {SEED, "-1", VALUE_OUT_OF_RANGE},
    {SEED, "18446744073709551616", VALUE_OUT_OF_RANGE},
    {SCALE, "1.0000001", VALUE_OUT_OF_RANGE},
    {SCALE, "-1e39", VALUE_OUT_OF_RANGE},
    {SCALE, "1e-46", VALUE_LOST},
    {SCALE, "lowes", VALUE_NO_NUMBER},
    {BUDGET, "0", VALUE_OUT_OF_RANGE},
    {BUDGET, "1e-400", VALUE_OUT_OF_RANGE},
    {BUDGET, "64.00000000000001", VALUE_OUT_OF_RANGE},
    {COLOUR, "re", VALUE_UNKNOWN},
    {COLOUR, "redd", VALUE_UNKNOWN},
    {COLOUR, "", VALUE_UNKNOWN},
    {FLAG, "1", VALUE_UNKNOWN},
    {BINARY, "1.0001k", VALUE_NOT_WHOLE},
    {BINARY, "1.0001Ki", VALUE_NOT_WHOLE},
    {BINARY, "0.1Ki", VALUE_NOT_WHOLE},
    {BINARY, "4K", VALUE_UNIT_K},
    {BINARY, "1e", VALUE_NOT_WHOLE},
    {BINARY, "1e+", VALUE_NOT_WHOLE},
    {BINARY, "1..2", VALUE_NOT_WHOLE},
    {BINARY, ".", VALUE_NOT_WHOLE},
    {BINARY, "1e-1", VALUE_NOT_WHOLE},
    {BINARY, "1e99999999999", VALUE_OUT_OF_RANGE},
    {SEED, "18446744073709551616", VALUE_OUT_OF_RANGE},
    {SEED, "1e20", VALUE_OUT_OF_RANGE},
    {SEED, "18446744073709552k", VALUE_OUT_OF_RANGE},
    {BINARY, "k", VALUE_NOT_WHOLE},
    {BINARY, "1G", VALUE_NOT_WHOLE},
    {BINARY, "2M", VALUE_OUT_OF_RANGE},
};

static void test_what_is_wrong_is_told_and_the_member_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct field *field = &fields[bad[i].field];
        struct sample before = sample_filled(0x55), after = before;
        enum value_fault fault = field_parse(field, bad[i].text, strlen(bad[i].text), field_of(field, &after));
        if (fault != bad[i].fault)
            fail_msg("%s '%s' %s", field->name, bad[i].text, value_fault_sentences[fault]);
        assert_memory_equal(&before, &after, sizeof before);
    }
}

static void test_a_part_of_a_text_is_read(void **state)
{
    (void)state;
    struct sample sample = sample_filled(0);
    assert_int_equal(field_parse(&fields[BINARY], "4k,8k", 2, &sample.binary), VALUE_SOUND);
    assert_int_equal(sample.binary, 4000);
    assert_int_equal(field_parse(&fields[SEED], "1..2", 1, &sample.seed), VALUE_SOUND);
    assert_int_equal(sample.seed, 1);
    assert_int_equal(field_parse(&fields[COLOUR], "blue,red", 4, &sample.colour), VALUE_SOUND);
    assert_int_equal(sample.colour, BLUE);
    assert_int_equal(field_parse(&fields[SCALE], "0.5;", 3, &sample.scale), VALUE_SOUND);
    assert_true(sample.scale == 0.5f);
}

static void test_what_is_allowed(void **state)
{
    (void)state;
    static const char *const allowed[NUM_FIELDS] = {
        [NARROW] = "-8 to 64, multiples of 8",
        [WIDE] = "-9007199254740992 to 4611686018427387904",
        [SEED] = "0 to 18446744073709551615",
        [SCALE] = "numbers from -3.40282e+38 to 1",
        [BUDGET] = "numbers above 0 up to 64",
        [COLOUR] = "red, green, blue, all",
        [FLAG] = "pass, fail",
        [SHAPE] = "round, square",
        [COLOURS] = "none, red, green, blue, all, lists of names",
        [TEXT] = "text",
        [BINARY] = "0 to 1048576",
        [OWN] = "# and a number",
    };
    char text[FIELD_ALLOWED_SIZE];
    for (int i = 0; i < NUM_FIELDS; i++)
        assert_string_equal(field_allowed(text, &fields[i]), allowed[i]);
    struct field unlimited = fields[NARROW];
    unlimited.whole = (struct whole_range){0};
    assert_string_equal(field_allowed(text, &unlimited), "whole numbers");
    unlimited.allowed = "what serves";
    assert_string_equal(field_allowed(text, &unlimited), "what serves");
}

static void test_a_range_of_nothing_is_what_the_member_holds(void **state)
{
    (void)state;
    static const struct {
        int field;
        const char *last, *beyond;
    } rows[] = {
        {NARROW, "2147483647", "2147483648"},
        {NARROW, "-2147483648", "-2147483649"},
        {WIDE, "9223372036854775807", "9223372036854775808"},
        {SEED, "18446744073709551615", "18446744073709551616"},
        {BUDGET, "-1.7976931348623157e308", "-1e309"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sample sample;
        struct field field = fields[rows[i].field];
        field.whole = (struct whole_range){0};
        field.real = (struct real_range){0};
        void *member = field_of(&field, &sample);
        assert_int_equal(field_parse(&field, rows[i].last, strlen(rows[i].last), member), VALUE_SOUND);
        assert_int_equal(field_parse(&field, rows[i].beyond, strlen(rows[i].beyond), member), VALUE_OUT_OF_RANGE);
    }
}

static void test_steps_between_values(void **state)
{
    (void)state;
    struct sample a = {.narrow = -8, .wide = -(INT64_C(1) << 40), .seed = UINT64_MAX - 2, .colour = RED}, b = a;
    static const int ids[] = {NARROW, WIDE, SEED, COLOUR};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        const struct field *field = &fields[ids[i]];
        field_advance(field, field_of(field, &b), 2);
        assert_int_equal(field_distance(field, field_in(field, &a), field_in(field, &b)), 2);
        assert_true(field_compare(field, field_in(field, &a), field_in(field, &b)) < 0);
        assert_true(field_real(field, field_in(field, &b)) >= field_real(field, field_in(field, &a)));
    }
    assert_int_equal(b.narrow, -6);
    assert_int_equal(b.seed, UINT64_MAX);
    assert_int_equal(b.colour, BLUE);
}

static void test_a_real_number_is_put_as_wide_as_its_member(void **state)
{
    (void)state;
    static const int ids[] = {SCALE, BUDGET};
    const struct sample before = sample_filled(0x5a);
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        const struct field *field = &fields[ids[i]];
        struct sample after = before;
        field_put_real(field, field_of(field, &after), 0.1);
        assert_rest_same(field, &before, &after);
        assert_true(field_real(field, field_in(field, &after)) == (ids[i] == SCALE ? (double)0.1f : 0.1));
    }
}

static void test_a_kind_puts_its_own_default(void **state)
{
    (void)state;
    static const struct field_kind kinds[] = {
        {.name = "plain", .reads = 1},
        {.name = "whole", .preset_field = WIDE, .preset = -10000},
        {.name = "narrow", .preset_field = SCALE, .preset = 0.5},
        {.name = "real", .preset_field = BUDGET, .preset = 0.1},
    };
    struct sample sample = {.wide = 1}, zero = {0};
    field_kind_preset(&kinds[0], &table, &zero);
    assert_int_equal(fields_compare(&table, &zero, &(struct sample){0}), 0);
    for (size_t i = 1; i < 4; i++)
        field_kind_preset(&kinds[i], &table, &sample);
    assert_int_equal(sample.wide, -10000);
    assert_true(sample.scale == 0.5f && sample.budget == 0.1);
}

static void test_fields_are_found_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_FIELDS; i++)
        assert_int_equal(field_find(&table, fields[i].name, strlen(fields[i].name)), i);
    assert_int_equal(field_find(&table, "scales", 6), NUM_FIELDS);
    assert_int_equal(field_find(&table, "scales", 5), SCALE);
}

static void test_rows_that_describe_nothing_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_FIELDS; i++) {
        struct field odd = fields[i], nameless = fields[i];
        odd.size = 3;
        nameless.name = NULL;
        assert_true(field_is_sound(&fields[i]));
        assert_int_equal(field_is_sound(&odd), fields[i].type == FIELD_OWN);
        assert_false(field_is_sound(&nameless));
    }
    struct field backwards = fields[WIDE], beyond = fields[NARROW], unnamed = fields[COLOUR], no_own = fields[OWN];
    backwards.whole = (struct whole_range){3, 1, 0};
    beyond.whole.greatest = INT64_C(1) << 31;
    unnamed.names.count = 0;
    no_own.own = NULL;
    no_own.allowed = NULL;
    assert_false(field_is_sound(&backwards));
    assert_false(field_is_sound(&beyond));
    assert_false(field_is_sound(&unnamed));
    assert_false(field_is_sound(&no_own));
}

/* ---- YAML ---- */

static enum error_kind read_yaml(int id, const char *text, void *member, struct error *error)
{
    struct source source;
    struct yaml_stream stream;
    assert_int_equal(source_init(&source, "test", text, strlen(text), true, error), ERROR_NONE);
    assert_int_equal(yaml_read(&stream, &source, 0, error), ERROR_NONE);
    enum error_kind kind = field_read(&fields[id], stream.first, member, error);
    yaml_clear(&stream);
    return kind;
}

static void test_yaml_is_read(void **state)
{
    (void)state;
    static const struct {
        int field;
        const char *text, *written;
    } rows[] = {
        {NARROW, "8", "8"},
        {SCALE, "'lowest'", "lowest"},
        {COLOUR, "\"blue\"", "blue"},
        {COLOURS, "none", "none"},
        {COLOURS, "all", "red, green, blue"},
        {COLOURS, "blue", "blue"},
        {COLOURS, "[blue, red]", "red, blue"},
        {OWN, "'#7'", "#7"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct field *field = &fields[rows[i].field];
        struct sample before = sample_filled(0x55), after = before;
        struct error error;
        char text[FIELD_TEXT_SIZE];
        assert_int_equal(read_yaml(rows[i].field, rows[i].text, field_of(field, &after), &error), ERROR_NONE);
        assert_rest_same(field, &before, &after);
        assert_string_equal(field_format(text, field, field_in(field, &after)), rows[i].written);
    }
}

static void test_bad_yaml_is_refused_at_its_place(void **state)
{
    (void)state;
    static const struct {
        int field;
        const char *text, *says;
    } rows[] = {
        {NARROW, "[8]", "test:1: narrow is not a single value: a list; allowed: -8 to 64, multiples of 8"},
        {NARROW, "~", "test:1: narrow has no value: '~'; allowed: -8 to 64, multiples of 8"},
        {NARROW, "'8'", "test:1: narrow is quoted text, not a whole number: '8'; allowed: -8 to 64, multiples of 8"},
        {NARROW, "12", "test:1: narrow is out of step: '12'; allowed: -8 to 64, multiples of 8"},
        {SEED, "'8'", "test:1: seed is quoted text, not a whole number: '8'; allowed: 0 to 18446744073709551615"},
        {SCALE, "1e-50",
         "test:1: scale is not 0, but f32 rounds it to 0: '1e-50'; allowed: numbers from -3.40282e+38 "
         "to 1"},
        {COLOUR, "bleu", "test:1: unknown colour: 'bleu'; did you mean 'blue'? allowed: red, green, blue, all"},
        {COLOURS, "[]", "test:1: colours has no values: '[]'; allowed: none, red, green, blue, all, lists of names"},
        {COLOURS, "[red, none]",
         "test:7: colours takes 'none' alone, not in a list; allowed: none, red, green, blue, "
         "all, lists of names"},
        {COLOURS, "[red, red]", "test:7: duplicate value of colours: 'red'; allowed: each value once"},
        {COLOURS, "[red, pink]",
         "test:7: unknown colours: 'pink'; allowed: none, red, green, blue, all, lists of "
         "names"},
        {OWN, "7", "test:1: own has no hash: '7'; allowed: # and a number"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct field *field = &fields[rows[i].field];
        struct sample before = sample_filled(0x55), after = before;
        struct error error = {0};
        assert_int_equal(read_yaml(rows[i].field, rows[i].text, field_of(field, &after), &error), ERROR_USAGE);
        assert_string_equal(error.text, rows[i].says);
        assert_memory_equal(&before, &after, sizeof before);
    }
}

/* ---- JSON ---- */

static void test_members_as_json(void **state)
{
    (void)state;
    const struct sample sample = {.narrow = -8,
                                  .wide = INT64_C(1) << 60,
                                  .seed = UINT64_MAX,
                                  .scale = 0.5f,
                                  .budget = NAN,
                                  .colour = GREEN,
                                  .flag = true,
                                  .shape = 1,
                                  .colours = 1 << RED | 1 << BLUE,
                                  .binary = 1,
                                  .own = 7};
    static const char *const expected[NUM_FIELDS] = {
        [NARROW] = "-8",
        [WIDE] = "1152921504606846976",
        [SEED] = "\"18446744073709551615\"",
        [SCALE] = "0.5",
        [BUDGET] = "\"nan\"",
        [COLOUR] = "\"green\"",
        [FLAG] = "\"fail\"",
        [SHAPE] = "\"square\"",
        [COLOURS] = "[\"red\", \"blue\"]",
        [TEXT] = "null",
        [BINARY] = "1",
        [OWN] = "\"#7\"",
    };
    for (int i = 0; i < NUM_FIELDS; i++) {
        json_t *value = field_to_json(&fields[i], field_in(&fields[i], &sample));
        char *text = json_dumps(value, JSON_ENCODE_ANY);
        assert_string_equal(text, expected[i]);
        free(text);
        json_decref(value);
    }
}

static void test_json_is_read(void **state)
{
    (void)state;
    static const struct {
        int field;
        const char *json;
        enum value_fault fault;
        const char *written;
    } rows[] = {
        {WIDE, "-9007199254740992", VALUE_SOUND, "-9007199254740992"},
        {WIDE, "-9007199254740993", VALUE_OUT_OF_RANGE, NULL},
        {WIDE, "4611686018427387905", VALUE_OUT_OF_RANGE, NULL},
        {NARROW, "64", VALUE_SOUND, "64"},
        {NARROW, "65", VALUE_OUT_OF_RANGE, NULL},
        {NARROW, "8.0", VALUE_NOT_WHOLE, NULL},
        {NARROW, "\"8\"", VALUE_NOT_WHOLE, NULL},
        {NARROW, "null", VALUE_NOT_WHOLE, NULL},
        {COLOUR, "\"blue\"", VALUE_SOUND, "blue"},
        {COLOUR, "\"blu\"", VALUE_UNKNOWN, NULL},
        {COLOUR, "2", VALUE_UNKNOWN, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct field *field = &fields[rows[i].field];
        struct sample before = sample_filled(0x55), after = before;
        char text[FIELD_TEXT_SIZE];
        json_t *value = json_loads(rows[i].json, JSON_DECODE_ANY, NULL);
        assert_int_equal(field_from_json(field, value, field_of(field, &after)), rows[i].fault);
        assert_rest_same(field, &before, &after);
        if (rows[i].fault)
            assert_memory_equal(&before, &after, sizeof before);
        else
            assert_string_equal(field_format(text, field, field_in(field, &after)), rows[i].written);
        json_decref(value);
    }
    struct sample sample;
    assert_int_equal(field_from_json(&fields[WIDE], NULL, &sample.wide), VALUE_NOT_WHOLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_read_is_written_and_nothing_else_touched),
        cmocka_unit_test(test_whole_numbers_have_exponents_and_units),
        cmocka_unit_test(test_values_are_ordered_and_hashed),
        cmocka_unit_test(test_texts_without_letters_are_equal),
        cmocka_unit_test(test_what_is_wrong_is_told_and_the_member_kept),
        cmocka_unit_test(test_a_part_of_a_text_is_read),
        cmocka_unit_test(test_what_is_allowed),
        cmocka_unit_test(test_a_range_of_nothing_is_what_the_member_holds),
        cmocka_unit_test(test_steps_between_values),
        cmocka_unit_test(test_a_real_number_is_put_as_wide_as_its_member),
        cmocka_unit_test(test_a_kind_puts_its_own_default),
        cmocka_unit_test(test_fields_are_found_by_name),
        cmocka_unit_test(test_rows_that_describe_nothing_are_told),
        cmocka_unit_test(test_yaml_is_read),
        cmocka_unit_test(test_bad_yaml_is_refused_at_its_place),
        cmocka_unit_test(test_members_as_json),
        cmocka_unit_test(test_json_is_read),
    };
    return cmocka_run_group_tests_name("field", tests, NULL, NULL) ? 1 : 0;
}
