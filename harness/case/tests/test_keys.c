/* The table of keys, row by row, and the tables of parameters beside it: what a row says is what is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/case/case_keys.h"
#include "harness/case/case_parameter.h"
#include "harness/case/key_search.h"
#include "harness/case/recipe_library.h"
#include "harness/case/tests/case_fixture.h"
#include "harness/problem/distribution.h"
#include "harness/problem/mask_bits.h"

enum { TEXT_SIZE = 256 };

/* Reads a text as one value of a key. */
static enum error_kind read_value(const struct key *key, const char *text, struct segment *segment, struct error *error)
{
    struct source source;
    struct yaml_stream stream;
    *segment = (struct segment){0};
    assert_int_equal(source_init(&source, "test", text, strlen(text), true, error), ERROR_NONE);
    assert_int_equal(yaml_read(&stream, &source, 0, error), ERROR_NONE);
    enum error_kind kind = key_read(key, stream.first, segment, error);
    yaml_clear(&stream);
    return kind;
}

static void clear_value(const struct key *key, struct segment *segment)
{
    if (key->type && key->type->clear)
        key->type->clear(&segment->first);
}

static void assert_reads(const struct key *key, const char *text)
{
    struct segment first, second;
    struct error error;
    if (read_value(key, text, &first, &error) || read_value(key, text, &second, &error))
        fail_msg("%s: %s", key->field.name, error.text);
    if (key->axis)
        assert_int_equal(key_compare(key, &first.first, &second.first), 0);
    clear_value(key, &first);
    clear_value(key, &second);
}

/* The error names the key and tells what is allowed. */
static void assert_refuses(const struct key *key, const char *text)
{
    struct segment segment;
    struct error error = {0};
    if (read_value(key, text, &segment, &error) != ERROR_USAGE)
        fail_msg("%s reads '%s'", key->field.name, text);
    if (!strstr(error.text, key->field.name) || !strstr(error.text, "; allowed: "))
        fail_msg("%s '%s': %s", key->field.name, text, error.text);
}

static void test_rows_are_sound(void **state)
{
    (void)state;
    for (int id = 0; id < KEY_COUNT; id++) {
        const struct key *key = &keys[id];
        if (!field_is_sound(&key->field) || !key->field.about)
            fail_msg("row %d", id);
        assert_int_equal(key_find(key->field.name, strlen(key->field.name)), id);
        assert_false(key->preset && key->derived);
        assert_true(key->field.offset + key->field.size <= sizeof(struct point));
        assert_true(key->field.size <= sizeof(union value));
    }
    assert_int_equal(key_find("", 0), KEY_COUNT);
}

/* Values of keys that are no numbers nor names. */
static const struct {
    const char *good[4], *bad;
} values[KEY_COUNT] = {
    [KEY_CASE] = {{"a.B-1"}, "a b"},
    [KEY_ABOUT] = {{"Some text."}, "[text]"},
    [KEY_BECAUSE] = {{"Some text."}, "{a: b}"},
    [KEY_KNOWN_BUGS] = {{"{leak: K2}", "{nan: K6 K6B, unknown: K84}"}, "{none: K1}"},
    [KEY_RECIPE] = {{"default", "mlx", "{base: mlx, epsilon: 1e-6}"}, "no-recipe"},
    [KEY_SENTINEL] = {{"exclude", "adaptive", "-.inf", "-1e4"}, "1e4"},
    [KEY_SLOPES] = {{"bloom", "geometric", "{values: [1, 0.5]}"}, "steep"},
    [KEY_SOFT_CAP] = {{"none", "{before_bias: 30}", "{after_bias: 30}", "{before_bias: 50}"}, "{before_bias: 0}"},
    [KEY_SINK_LOGITS] = {{"none", "0.5", "{values: [1, 0.5]}", "{normal: 1}"}, "{uniform: 1}"},
    [KEY_INPUT] = {{"uniform", "{distribution: constant, value: 3}"}, "[normal]"},
    [KEY_MASK] = {{"none", "all", "{holes: 0.5, window: 4}"}, "{}"},
    [KEY_CLASS] = {{"any", "output", "f32", "f32+weights16+bias16"}, "f64"},
    [KEY_TOLERANCE] = {{"{atol: 1}", "{rtol: 0, lse: 1e-3}"}, "1e-3"},
};

static void check_numbers(const struct key *key)
{
    const struct field *field = &key->field;
    char text[TEXT_SIZE];
    long long least = field->whole.least;
    if (field->type == FIELD_REAL) {
        assert_reads(key, "0.5");
        assert_refuses(key, "0");
        assert_refuses(key, "1e400");
        assert_refuses(key, "1e");
        return;
    }
    snprintf(text, sizeof text, "%lld", least);
    assert_reads(key, text);
    snprintf(text, sizeof text, "%lld", least - 1);
    assert_refuses(key, text);
    snprintf(text, sizeof text, "%llu", (unsigned long long)field->whole.greatest);
    assert_reads(key, text);
    snprintf(text, sizeof text, "%llu0", (unsigned long long)field->whole.greatest);
    assert_refuses(key, text);
    assert_refuses(key, "0.5");
    snprintf(text, sizeof text, "%lld..%lld", least, least + 2);
    if (key->axis && field->whole.multiple_of == 0)
        assert_reads(key, text);
    else
        assert_refuses(key, text);
    snprintf(text, sizeof text, "%lld", least + 1);
    if (field->whole.multiple_of)
        assert_refuses(key, text);
}

static void test_every_key_reads_what_it_allows_and_refuses_the_rest(void **state)
{
    (void)state;
    for (int id = 0; id < KEY_COUNT; id++) {
        const struct key *key = &keys[id];
        const struct field *field = &key->field;
        bool named = field->type == FIELD_CHOICE || field->type == FIELD_SET;
        for (int i = 0; i < field->names.count; i++)
            assert_reads(key, field_choice_name(field, i));
        if (field->every)
            assert_reads(key, field->every);
        if (named)
            assert_refuses(key, "no_such_name");
        else if (field->type == FIELD_TEXT || field->type == FIELD_OWN) {
            assert_non_null(values[id].good[0]);
            for (size_t i = 0; i < COUNT(values[id].good) && values[id].good[i]; i++)
                assert_reads(key, values[id].good[i]);
            assert_refuses(key, values[id].bad);
        } else {
            check_numbers(key);
        }
        if (field->type != FIELD_OWN)
            assert_refuses(key, "{no: value}");
    }
}

/* The digest of a point with one value of a key in the place of its own. */
static uint64_t digest_with(const struct key *key, const struct point *point, const char *text)
{
    struct point with = *point;
    struct segment segment;
    struct error error;
    if (read_value(key, text, &segment, &error))
        fail_msg("%s: %s", key->field.name, error.text);
    key_apply(key, &segment.first, 0, &with);
    uint64_t digest = point_digest(&with);
    clear_value(key, &segment);
    return digest;
}

static void assert_digests_differ(const struct key *key, const struct point *point, const char *a, const char *b)
{
    assert_true(digest_with(key, point, a) == digest_with(key, point, a));
    if (digest_with(key, point, a) == digest_with(key, point, b))
        fail_msg("%s: %s and %s have one digest", key->field.name, a, b);
}

static void test_every_value_of_every_key_is_in_the_digest(void **state)
{
    (void)state;
    struct case_list list = parse(HEAD);
    struct point point;
    case_point(list.cases[0], 0, &point);
    for (int id = 0; id < KEY_COUNT; id++) {
        const struct key *key = &keys[id];
        const struct field *field = &key->field;
        char a[TEXT_SIZE], b[TEXT_SIZE];
        if (field->type == FIELD_TEXT)
            continue; /* what a case is called, and says of itself */
        for (int i = 1; i < field->names.count; i++)
            assert_digests_differ(key, &point, field_choice_name(field, i - 1), field_choice_name(field, i));
        for (size_t i = 1; i < COUNT(values[id].good) && values[id].good[i]; i++)
            assert_digests_differ(key, &point, values[id].good[i - 1], values[id].good[i]);
        if (field->type == FIELD_REAL)
            assert_digests_differ(key, &point, "0.5", "0.25");
        if (field->type == FIELD_WHOLE || field->type == FIELD_UNSIGNED) {
            long long least = field->whole.least, step = field->whole.multiple_of ? field->whole.multiple_of : 1;
            snprintf(a, sizeof a, "%lld", least);
            snprintf(b, sizeof b, "%lld", least + step);
            assert_digests_differ(key, &point, a, b);
        }
    }
    assert_digests_differ(&keys[KEY_SLOPES], &point, "{values: [1, 0.5]}", "{values: [1, 0.25]}");
    assert_digests_differ(&keys[KEY_TOLERANCE], &point, "{atol: 1, lse: 1}", "{atol: 1, lse: 2}");
    assert_digests_differ(&keys[KEY_RECIPE], &point, "{base: mlx, name: a, epsilon: 1e-6}",
                          "{base: mlx, name: b, epsilon: 1e-6}");
    case_list_clear(&list);
}

/* What a key stands for, though it is called the same: a mask's file that was changed, a recipe that was, the lengths
 * that a sequence is launched with. */
static void test_what_a_value_stands_for_is_in_the_digest(void **state)
{
    (void)state;
    uint8_t bytes[2][2] = {{1, 2}, {1, 3}};
    struct mask_bits bits[2] = {{.bytes = bytes[0], .size_bytes = 2}, {.bytes = bytes[1], .size_bytes = 2}};
    struct case_list list = parse(HEAD);
    struct point point, other;
    case_point(list.cases[0], 0, &point);
    other = point;
    assert_true(point_digest(&point) == point_digest(&other));
    point.problem.mask.bits = &bits[0];
    other.problem.mask.bits = &bits[1];
    assert_false(point_digest(&point) == point_digest(&other));
    other = point;
    other.recipe.epsilon += 1;
    assert_false(point_digest(&point) == point_digest(&other));
    case_list_clear(&list);

    uint64_t digests[2];
    static const char *const lengths[] = {"[5, 9]", "[5, 10]"};
    for (int i = 0; i < 2; i++) {
        char text[TEXT_SIZE], key[POINT_KEY_SIZE];
        snprintf(text, sizeof text, "case: a\nseq_len: %s\nnum_heads: 1\nhead_dim: 64\nbatch: together\n", lengths[i]);
        list = parse(text);
        case_point(list.cases[0], 0, &point);
        assert_string_equal(point_key(key, &point), "a:seq_len=5,num_heads=1,head_dim=64,batch=together");
        digests[i] = point_digest(&point);
        case_list_clear(&list);
    }
    assert_false(digests[0] == digests[1]);
}

/* A default that is read puts into a point what was there without it. */
static void test_defaults_read_back_to_themselves(void **state)
{
    (void)state;
    struct case_list list = parse(HEAD "input: {distribution: outliers, channels: 2}\n");
    struct point point;
    case_point(list.cases[0], 0, &point);
    for (int id = 0; id < KEY_COUNT; id++) {
        const struct key *key = &keys[id];
        char text[FIELD_TEXT_SIZE], read[FIELD_TEXT_SIZE];
        struct segment segment;
        struct error error;
        if (!key->preset && !(key->derived && key->axis))
            continue;
        key_default(text, key, &point);
        if (read_value(key, text, &segment, &error))
            fail_msg("%s: %s", key->field.name, error.text);
        struct point with = point;
        key_apply(key, &segment.first, 0, &with);
        if (key->axis)
            assert_string_equal(key_format(read, key, &with), text);
        if (key->preset)
            assert_string_equal(text, key->preset);
        if (key->axis && id != KEY_INPUT)
            assert_string_equal(key_format(read, key, &point), text);
        clear_value(key, &segment);
    }
    case_list_clear(&list);
}

/* Each kind reads the parameters of its row and no others, and is called by what differs from its own defaults. */
static void test_distributions_read_their_own_parameters(void **state)
{
    (void)state;
    const struct key *key = &keys[KEY_INPUT];
    for (int kind = 0; kind < DISTRIBUTION_COUNT; kind++) {
        const struct field_kind *row = parameter_kind(&input_parameters, kind);
        const struct input_spec preset = input_spec_of((enum distribution)kind);
        char text[TEXT_SIZE], number[FIELD_TEXT_SIZE], read[FIELD_TEXT_SIZE];
        for (size_t i = 0; i < input_fields.count; i++) {
            const struct field *field = field_at(&input_fields, i);
            struct segment segment;
            struct point point;
            struct error error = {0};
            snprintf(text, sizeof text, "{distribution: %s, %s: %s}", row->name, field->name,
                     field_format(number, field, field_in(field, &preset)));
            bool reads = row->reads >> i & 1;
            assert_int_equal(parameter_read_by(&input_parameters, i, 1u << kind), reads);
            assert_int_equal(read_value(key, text, &segment, &error), reads ? ERROR_NONE : ERROR_USAGE);
            if (!reads) {
                assert_non_null(strstr(error.text, "does not read"));
                continue;
            }
            key_apply(key, &segment.first, 0, &point);
            assert_string_equal(key_format(read, key, &point), row->name);
        }
    }
}

static void test_masks_read_their_own_parameters(void **state)
{
    (void)state;
    const struct key *key = &keys[KEY_MASK];
    for (int kind = 0; kind < mask_parameters.num_kinds; kind++) {
        const struct field_kind *row = parameter_kind(&mask_parameters, kind);
        bool is_file = strcmp(row->name, "file") == 0;
        if (!row->reads) {
            assert_reads(key, row->name);
            continue;
        }
        assert_refuses(key, row->name);
        for (size_t i = 0; i < mask_parameters.fields->count && !is_file; i++) {
            const struct field *field = field_at(mask_parameters.fields, i);
            bool names_kind = false;
            for (int other = 0; other < mask_parameters.num_kinds; other++)
                names_kind |= strcmp(field->name, parameter_kind(&mask_parameters, other)->name) == 0;
            char text[TEXT_SIZE];
            snprintf(text, sizeof text, "{%s: 1, %s: 1}", row->name, field->name);
            if (names_kind)
                continue;
            if (row->reads >> i & 1)
                assert_reads(key, text);
            else
                assert_refuses(key, text);
        }
    }
}

static int close_library(void **state)
{
    (void)state;
    recipe_library_close();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_sound),
        cmocka_unit_test(test_every_key_reads_what_it_allows_and_refuses_the_rest),
        cmocka_unit_test(test_every_value_of_every_key_is_in_the_digest),
        cmocka_unit_test(test_what_a_value_stands_for_is_in_the_digest),
        cmocka_unit_test(test_defaults_read_back_to_themselves),
        cmocka_unit_test(test_distributions_read_their_own_parameters),
        cmocka_unit_test(test_masks_read_their_own_parameters),
    };
    return cmocka_run_group_tests_name("keys", tests, NULL, close_library) ? 1 : 0;
}
