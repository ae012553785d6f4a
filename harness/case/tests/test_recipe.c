/* Recipes as data: the library that the program carries, the table of fields, recipes that a case spells. Mistakes in
 * case files are in test_case_errors.c. */
#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/case/recipe_library.h"
#include "harness/case/tests/case_fixture.h"
#include "harness/support/field_yaml.h"

static int open_library(void **state)
{
    struct error error = {0};
    (void)state;
    return recipe_library_open(&error);
}

static int close_library(void **state)
{
    (void)state;
    recipe_library_close();
    return 0;
}

static const struct recipe *recipe_of(const char *name)
{
    const struct recipe_entry *entry = recipe_library_find(name);
    if (!entry)
        fail_msg("no recipe '%s'", name);
    return &entry->recipe;
}

static struct point first_point(const struct case_list *list)
{
    struct point point;
    case_point(list->cases[0], 0, &point);
    return point;
}

static const char *written(const struct recipe *recipe, const char *name)
{
    static char text[FIELD_TEXT_SIZE];
    const struct field *field = recipe_field_find(name);
    assert_non_null(field);
    return field_format(text, field, field_in(field, recipe));
}

/* ---- the library ---- */

static void test_every_recipe_says_what_it_is_and_where_it_comes_from(void **state)
{
    (void)state;
    assert_true(recipe_library_count() >= 20);
    for (size_t i = 0; i < recipe_library_count(); i++) {
        const struct recipe_entry *entry = recipe_library_at(i);
        if (strlen(entry->about) < 20 || strlen(entry->source) < 20)
            fail_msg("%s has no sentence or no source", entry->name);
        if (recipe_contradiction(&entry->recipe))
            fail_msg("%s: %s", entry->name, recipe_contradiction(&entry->recipe));
        assert_ptr_equal(entry->recipe.name, entry->name);
        assert_ptr_equal(recipe_library_find(entry->name), entry);
        assert_false(entry->owned);
    }
    assert_null(recipe_library_find("relative-polynomial"));
}

static void test_recipes_are_told_apart_by_their_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < recipe_library_count(); i++)
        for (size_t j = 0; j < recipe_library_count(); j++)
            if ((recipe_compare(&recipe_library_at(i)->recipe, &recipe_library_at(j)->recipe) == 0) != (i == j))
                fail_msg("%s and %s", recipe_library_at(i)->name, recipe_library_at(j)->name);
}

static void test_default_is_the_sound_choice_of_every_field(void **state)
{
    (void)state;
    assert_int_equal(recipe_compare(recipe_of("default"), &recipe_sound), 0);
    assert_int_equal(recipe_sound.sentinel.policy, SENTINEL_EXCLUDE);
}

/* The numbers that the known bugs turn on, as their sources have them. */
static void test_recipes_have_the_numbers_of_their_sources(void **state)
{
    static const struct {
        const char *recipe, *field, *value;
    } facts[] = {
        {"vllm-paged-v1", "epsilon", "1e-06"},
        {"vllm-paged-v1", "initial_max", "-FLT_MAX"},
        {"vllm-paged-v2", "merge", "normalized"},
        {"ggml-flash-attention", "max_offset", "2.0793"},
        {"ggml-flash-attention", "merge_cutoff", "-20"},
        {"ggml-flash-attention", "position_dtype", "f16"},
        {"deepspeed-inference", "sentinel", "-10000"},
        {"deepspeed-inference", "initial_max", "-10000"},
        {"transformer-engine-fused-softmax", "empty_row", "zero_at_sentinel"},
        {"fastertransformer-prefill", "initial_max", "-1e+20"},
        {"flashinfer-to-2026", "sentinel", "-50000"},
        {"flashinfer-to-2026", "initial_sum", "1"},
        {"flashinfer", "sentinel", "-inf"},
        {"flash-attention-2", "scale_entry", "sum"},
        {"jax-pallas", "sentinel", "-0.7*FLT_MAX"},
        {"jax-pallas-decode", "epsilon", "1.1920929e-07"},
        {"hf-bloom", "bias_dtype", "input"},
        {"vllm-triton-alibi-prefix", "guards", "false"},
        {"vllm-triton-alibi-prefix", "positive_bias", "masked"},
        {"vllm-triton-unified", "guards", "true"},
        {"vllm-triton-unified-2025", "guards", "zero_max"},
        {"tensorrt-llm-decode", "masked_entry", "add"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(facts); i++)
        assert_string_equal(written(recipe_of(facts[i].recipe), facts[i].field), facts[i].value);
    assert_true(recipe_of("jax-pallas-decode")->epsilon == 0x1p-23f);
    assert_true(recipe_of("jax-pallas")->sentinel.value == (float)(-0.7 * (double)FLT_MAX));
    assert_true(recipe_of("hf-bloom")->sentinel.value == -0x1.fep127f);
}

static void test_a_printed_recipe_reads_back_as_itself(void **state)
{
    (void)state;
    for (size_t i = 0, count = recipe_library_count(); i < count; i++) {
        const struct recipe_entry *entry = recipe_library_at(i);
        struct recipe_entry other = *entry;
        struct error error = {0};
        char *text = NULL;
        size_t size;
        snprintf(other.name, sizeof other.name, "copy-%zu", i);
        FILE *stream = open_memstream(&text, &size);
        assert_non_null(stream);
        recipe_print(stream, &other);
        assert_int_equal(fclose(stream), 0);
        if (recipe_library_parse("copy.yaml", text, size, &error))
            fail_msg("%s: %s", entry->name, error.text);
        const struct recipe_entry *copy = recipe_library_find(other.name);
        assert_non_null(copy);
        assert_int_equal(recipe_compare(&copy->recipe, &entry->recipe), 0);
        assert_string_equal(copy->about, entry->about);
        assert_string_equal(copy->source, entry->source);
        free(text);
    }
}

/* ---- the table of fields ---- */

/* Rows cover the bytes of struct recipe but name and padding. */
static void test_every_field_has_one_row(void **state)
{
    unsigned char covered[sizeof(struct recipe)] = {0};
    (void)state;
    for (size_t i = 0; i < recipe_fields.count; i++) {
        const struct field *field = field_at(&recipe_fields, i);
        assert_true(field_is_sound(field));
        assert_non_null(field->about);
        assert_ptr_equal(recipe_field_find(field->name), field);
        for (size_t byte = 0; byte < field->size; byte++)
            assert_int_equal(covered[field->offset + byte]++, 0);
    }
    /* Behind the last field there is room for the name's alignment, and none between fields. */
    size_t end = offsetof(struct recipe, name);
    while (end > 0 && !covered[end - 1])
        end--;
    assert_true(offsetof(struct recipe, name) - end < sizeof(char *));
    for (size_t byte = 0; byte < end; byte++)
        assert_int_equal(covered[byte], 1);
}

/* Texts that parse reads and format writes, for each field. */
static void test_fields_write_what_they_read(void **state)
{
    static const struct {
        const char *field, *text, *written; /* written NULL: text */
    } values[] = {
        {"sentinel", "-50000", NULL},
        {"sentinel", "-1e4", "-10000"},
        {"sentinel", "-.inf", "-inf"},
        {"sentinel", "adaptive", NULL},
        {"sentinel", "-65504", "f16_min"},
        {"sentinel", "-FLT_MAX", NULL},
        {"initial_max", "as_sentinel", NULL},
        {"initial_max", "-inf", NULL},
        {"initial_max", "-1e20", "-1e+20"},
        {"initial_max", "-FLT_MAX/2", NULL},
        {"initial_max", "-0", "0"},
        {"initial_sum", "1", NULL},
        {"guards", "false", NULL},
        {"guards", "zero_max", NULL},
        {"epsilon", "1e-6", "1e-06"},
        {"key_shift", "-1", NULL},
        {"key_shift", "+3", "3"},
        {"merge_cutoff", "-20", NULL},
        {"slope_factor", "-1", NULL},
        {"slope_factor", "1.0", "1"},
        {"scale_factor", "0.125", NULL},
        {"slope_head_shift", "-3", NULL},
        {"window", "127", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(values); i++) {
        const struct field *field = recipe_field_find(values[i].field);
        struct recipe recipe = recipe_sound, zero = recipe_sound;
        struct error error = {0};
        struct source source = {.name = "test", .text = values[i].text, .size = strlen(values[i].text)};
        struct yaml_node node = {
            .plain = true, .place = source_place(&source, 0), .text = source.text, .size = source.size};
        if (field_read(field, &node, field_of(field, &recipe), &error))
            fail_msg("%s: %s", values[i].field, error.text);
        assert_string_equal(written(&recipe, field->name), values[i].written ? values[i].written : values[i].text);
        memcpy((char *)&zero + field->offset, (const char *)&recipe + field->offset, field->size);
        assert_int_equal(recipe_compare(&zero, &recipe), 0); /* nothing else was written */
    }
}

/* A factor of 1 is no choice: the recipe is the sound one, and has its digest. */
static void test_a_factor_of_1_is_none(void **state)
{
    (void)state;
    struct case_list list = parse(HEAD "recipe: [{base: default}, {name: a, slope_factor: 2}]\n");
    struct case_list one = parse(HEAD "recipe: {name: a, slope_factor: 1, scale_factor: 1.0}\n");
    struct point sound = first_point(&list), point = first_point(&one), twice;
    case_point(list.cases[0], 1, &twice);
    assert_int_equal(recipe_compare(&point.recipe, &sound.recipe), 0);
    assert_true(recipe_digest(&point.recipe) == recipe_digest(&recipe_sound));
    assert_true(recipe_digest(&twice.recipe) != recipe_digest(&recipe_sound));
    case_list_clear(&one);
    case_list_clear(&list);
}

/* What a recipe does otherwise than a problem says, and nothing else. */
static void test_contracts_are_written(void **state)
{
    static const struct {
        struct recipe recipe;
        const char *text;
    } rows[] = {
        {{.epsilon = 1, .merge = MERGE_LSE, .slopes = SLOPES_FROM_BLOOM, .empty_row = EMPTY_ROW_DIVIDE}, ""},
        {{.empty_row = EMPTY_ROW_UNWRITTEN}, "empty_row unwritten"},
        {{.contract = {.slope_head_shift = 1, .lse_base = LSE_BASE_2, .slope_factor = -1}},
         "lse_base 2, slope_factor -1, slope_head_shift 1"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[RECIPE_CONTRACT_TEXT_SIZE];
        assert_string_equal(recipe_contract_format(text, &rows[i].recipe), rows[i].text);
    }
    struct recipe all = {.contract = {.window = INT32_MAX, .slope_head_shift = -4096}};
    for (size_t i = 0; i < recipe_fields.count; i++) { /* the longest text fits */
        const struct field *field = field_at(&recipe_fields, i);
        if (field->type == FIELD_CHOICE && field->offset >= offsetof(struct recipe, contract))
            field_put_integer(field, field_of(field, &all), field->names.count - 1);
    }
    all.empty_row = EMPTY_ROW_UNWRITTEN;
    all.contract.scale_factor = all.contract.slope_factor = -1.2345678e-20f;
    char text[RECIPE_CONTRACT_TEXT_SIZE];
    assert_true(strlen(recipe_contract_format(text, &all)) < RECIPE_CONTRACT_TEXT_SIZE - 1);
    assert_non_null(strstr(text, "slope_head_shift -4096"));
}

static void test_every_choice_is_read_by_its_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < recipe_fields.count; i++)
        for (int choice = 0; choice < field_at(&recipe_fields, i)->names.count; choice++) {
            const struct field *field = field_at(&recipe_fields, i);
            const char *name = field_choice_name(field, choice);
            struct recipe recipe = recipe_sound;
            struct error error = {0};
            struct source source = {.name = "test", .text = name};
            struct yaml_node node = {
                .plain = true, .place = source_place(&source, 0), .text = source.text, .size = strlen(name)};
            assert_int_equal(field_read(field, &node, field_of(field, &recipe), &error), ERROR_NONE);
            assert_string_equal(written(&recipe, field->name), name);
        }
}

/* ---- recipes in cases ---- */

static void test_a_case_names_a_recipe(void **state)
{
    char text[RECIPE_TEXT_SIZE], key[POINT_KEY_SIZE];
    (void)state;
    struct case_list list = parse(HEAD "recipe: vllm-paged-v2\n");
    struct point point = first_point(&list);
    assert_int_equal(recipe_compare(&point.recipe, recipe_of("vllm-paged-v2")), 0);
    assert_string_equal(recipe_format(text, &point.recipe), "vllm-paged-v2");
    assert_string_equal(point_key(key, &point), "a:seq_len=33,num_heads=8,head_dim=64,recipe=vllm-paged-v2");
    case_list_clear(&list);
}

/* Records of cases without the key keep the name that they had before there was one. */
static void test_a_case_without_a_recipe_has_the_sound_one_without_a_name(void **state)
{
    char text[RECIPE_TEXT_SIZE];
    (void)state;
    struct case_list list = parse(HEAD "bias: absolute\n");
    struct point point = first_point(&list);
    assert_null(point.recipe.name);
    assert_string_equal(recipe_format(text, &point.recipe), "absolute-polynomial");
    case_list_clear(&list);
}

static void test_all_is_every_recipe_and_keeps_inputs_together(void **state)
{
    (void)state;
    struct case_list list = parse(HEAD "recipe: all\nseed: 0..1\n");
    size_t count = recipe_library_count();
    assert_int_equal(case_num_points(list.cases[0]), 2 * count);
    for (size_t i = 0; i < 2 * count; i++) {
        struct point point;
        case_point(list.cases[0], i, &point);
        assert_int_equal(point.problem.seed, i / count);
        assert_ptr_equal(point.recipe.name, recipe_library_at(i % count)->name);
    }
    case_list_clear(&list);
}

/* Whatever its own choice of a sentinel is. */
static bool agrees_with(const struct recipe_entry *entry, struct sentinel sentinel)
{
    struct recipe recipe = entry->recipe, with = {.sentinel = sentinel};
    recipe_override(&recipe, OVERRIDE_SENTINEL, &with);
    return !recipe_contradiction(&recipe);
}

static void test_all_leaves_out_what_any_value_of_another_key_contradicts(void **state)
{
    static const struct sentinel sentinels[] = {{.policy = SENTINEL_EXCLUDE},
                                                {.policy = SENTINEL_VALUE, .value = -1e4f}};
    (void)state;
    struct case_list list = parse(HEAD "recipe: all\nsentinel: [exclude, -1e4]\n");
    size_t agreeing[2] = {0}, both = 0;
    for (size_t i = 0; i < recipe_library_count(); i++) {
        bool first = agrees_with(recipe_library_at(i), sentinels[0]);
        bool second = agrees_with(recipe_library_at(i), sentinels[1]);
        agreeing[0] += first;
        agreeing[1] += second;
        both += first && second;
    }
    assert_true(both > 0 && both < agreeing[0] && both < agreeing[1]); /* each value leaves out some */
    assert_int_equal(case_num_points(list.cases[0]), 2 * both);
    case_list_clear(&list);
}

static void test_keys_of_the_case_override_the_recipe(void **state)
{
    char key[POINT_KEY_SIZE];
    (void)state;
    struct case_list list =
        parse(HEAD "recipe: flashinfer-to-2026\nsentinel: -inf\nbias: relative\nexponential: exp2\n");
    struct point point = first_point(&list);
    struct recipe expected = *recipe_of("flashinfer-to-2026");
    assert_int_equal(expected.initial_max, INITIAL_MAX_VALUE);
    expected.sentinel = (struct sentinel){.policy = SENTINEL_INFINITY};
    expected.initial_max = INITIAL_MAX_AS_SENTINEL; /* the key stands for both */
    expected.initial_max_value = 0;
    expected.bias = BIAS_RELATIVE;
    expected.exponential = EXPONENTIAL_EXP2;
    assert_int_equal(recipe_compare(&point.recipe, &expected), 0);
    assert_true(point.recipe.initial_sum == 1);
    assert_string_equal(point_key(key, &point),
                        "a:seq_len=33,num_heads=8,head_dim=64,recipe=flashinfer-to-2026,sentinel=-inf,bias=relative,"
                        "exponential=exp2");
    case_list_clear(&list);
}

/* A value that is the recipe's own is left out of the key, as every default is. */
static void test_the_recipes_own_values_leave_the_key_alone(void **state)
{
    char key[POINT_KEY_SIZE];
    (void)state;
    struct case_list list = parse(HEAD "recipe: [default, flashinfer]\nsentinel: [exclude, -inf]\n");
    static const char *const expected[] = {"", ",sentinel=-inf", ",recipe=flashinfer,sentinel=exclude",
                                           ",recipe=flashinfer"};
    for (size_t i = 0; i < COUNT(expected); i++) {
        struct point point;
        case_point(list.cases[0], i, &point);
        assert_string_equal(point_key(key, &point) + strlen("a:seq_len=33,num_heads=8,head_dim=64"), expected[i]);
    }
    case_list_clear(&list);
}

static void test_a_case_spells_a_recipe_on_top_of_a_base(void **state)
{
    char text[RECIPE_TEXT_SIZE], key[POINT_KEY_SIZE];
    (void)state;
    struct case_list list = parse(HEAD "recipe: [{epsilon: 0, base: vllm-paged-v2}, {name: mine, guards: false}]\n");
    struct point point = first_point(&list);
    struct recipe expected = *recipe_of("vllm-paged-v2");
    expected.epsilon = 0;
    assert_int_equal(recipe_compare(&point.recipe, &expected), 0);
    assert_string_equal(recipe_format(text, &point.recipe), "vllm-paged-v2:epsilon=0");
    assert_string_equal(point_key(key, &point), "a:seq_len=33,num_heads=8,head_dim=64,recipe=vllm-paged-v2:epsilon=0");

    case_point(list.cases[0], 1, &point);
    expected = *recipe_of("default");
    expected.guards = GUARDS_NONE;
    assert_int_equal(recipe_compare(&point.recipe, &expected), 0);
    assert_string_equal(recipe_format(text, &point.recipe), "mine");
    case_list_clear(&list);
}

/* ---- the user's own ---- */

#define RECIPE(name) "recipe: " name "\nabout: For a test.\nsource: this file\n"

static void test_a_digest_is_of_choices_and_not_of_names(void **state)
{
    (void)state;
    const struct recipe epsilon = {.sentinel.policy = SENTINEL_EXCLUDE, .epsilon = 0.5f};
    const struct recipe sum = {.sentinel.policy = SENTINEL_EXCLUDE, .initial_sum = 0.5f};
    struct recipe named = epsilon;
    named.name = "mine";
    assert_true(recipe_digest(&epsilon) == recipe_digest(&named));
    assert_true(recipe_digest(&epsilon) != recipe_digest(&sum));
    assert_true(recipe_digest(&epsilon) != recipe_digest(&recipe_sound));
    /* A digest of today, which records of tomorrow are compared by. */
    assert_true(recipe_digest(&recipe_sound) == 0xef46db3751d8e999);
}

/* Records know a recipe by its name alone. */
static void test_a_name_is_one_recipes_in_a_run(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second;
        const char *message; /* NULL: they go together */
    } rows[] = {
        {"{name: mine, epsilon: 0.5}", "{name: mine, epsilon: 0.5}", NULL},
        {"{name: mine, epsilon: 0.5}", "{name: other, epsilon: 0.25}", NULL},
        {"{base: mlx, epsilon: 0.5}", "{base: mlx, epsilon: 0.25}", NULL},
        {"[mlx, {name: mine, epsilon: 0.5}]", "{name: mine, epsilon: 0.25}",
         "test.yaml:7:7: case 'd' has a recipe of a name that another has: 'mine', epsilon 0.25, which is 0.5 in case "
         "'a' at test.yaml:1:7; allowed: one recipe a name in a run"},
        {"{name: mine, guards: false}", "[default, {name: mine, base: mlx}]",
         "test.yaml:7:7: case 'd' has a recipe of a name that another has: 'mine', "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[1024];
        struct case_list list = {0};
        struct error error = {0};
        snprintf(text, sizeof text, "%srecipe: %s\n---\n%.*sd%srecipe: %s\n", HEAD, rows[i].first,
                 (int)strlen("case: "), HEAD, &HEAD[strlen("case: c")], rows[i].second);
        enum error_kind kind = case_list_parse(&list, "test.yaml", text, strlen(text), NULL, 0, &error);
        if (kind != (rows[i].message ? ERROR_USAGE : ERROR_NONE))
            fail_msg("%s and %s: %s", rows[i].first, rows[i].second, kind ? error.text : "taken");
        if (rows[i].message && !strstr(error.text, rows[i].message))
            fail_msg("%s", error.text);
        case_list_clear(&list);
    }
}

static void test_own_recipes_join_the_library(void **state)
{
    struct error error = {0};
    (void)state;
    size_t count = recipe_library_count();
    assert_int_equal(
        recipe_library_parse("own.yaml", TEXT(RECIPE("own-a") "epsilon: 0.5\n---\n" RECIPE("own-b")), &error),
        ERROR_NONE);
    assert_int_equal(recipe_library_count(), count + 2);
    assert_true(recipe_of("own-a")->epsilon == 0.5f);
    struct case_list list = parse(HEAD "recipe: {base: own-a, bias: absolute}\n");
    assert_true(first_point(&list).recipe.epsilon == 0.5f);
    case_list_clear(&list);
}

static const struct {
    const char *text, *says;
} bad_files[] = {
    {"", "own.yaml:1:1: the file has no recipe: ''; allowed: "},
    {"- a\n", "own.yaml:1:1: a recipe is a mapping of keys, not: a list; allowed: "},
    {"recipe: own-c\nabout: A.\n", "own.yaml:1:1: required key is missing: 'source'; allowed: "},
    {"recipe: Own\nabout: A.\nsource: s\n", "own.yaml:1:9: a recipe's name is none: 'Own'; allowed: 1 to 40 of a-z"},
    {"recipe: own-c\nabout: [A]\nsource: s\n", "own.yaml:2:8: about is no text: a list; allowed: text"},
    {RECIPE("own-c") "epsilom: 0\n",
     "own.yaml:4:1: unknown key of a recipe: 'epsilom'; did you mean 'epsilon'? allowed: recipe, about, source, "},
    {RECIPE("own-c") "slopes_max_bias: 16\n",
     "own.yaml:4:18: slopes_max_bias contradicts the rest of its recipe: '16'; slopes_max_bias is of slopes that"},
    {RECIPE("own-c") "---\n" RECIPE("mlx"), "own.yaml:5:9: duplicate recipe: 'mlx', already at built-in recipes:"},
    {RECIPE("own-c") "---\n" RECIPE("own-c"), "own.yaml:5:9: duplicate recipe: 'own-c', already at own.yaml:1:9; "},
};

static void test_wrong_recipe_files_are_refused_with_their_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad_files); i++) {
        struct error error = {0};
        size_t count = recipe_library_count();
        const char *text = bad_files[i].text;
        assert_int_equal(recipe_library_parse("own.yaml", text, strlen(text), &error), ERROR_USAGE);
        if (strncmp(error.text, bad_files[i].says, strlen(bad_files[i].says)) != 0)
            fail_msg("'%s' does not start with '%s'", error.text, bad_files[i].says);
        assert_int_equal(recipe_library_count(), count);
    }
    assert_null(recipe_library_find("own-c"));
}

/* ---- */

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_recipe_says_what_it_is_and_where_it_comes_from),
        cmocka_unit_test(test_recipes_are_told_apart_by_their_fields),
        cmocka_unit_test(test_default_is_the_sound_choice_of_every_field),
        cmocka_unit_test(test_recipes_have_the_numbers_of_their_sources),
        cmocka_unit_test(test_every_field_has_one_row),
        cmocka_unit_test(test_fields_write_what_they_read),
        cmocka_unit_test(test_a_factor_of_1_is_none),
        cmocka_unit_test(test_contracts_are_written),
        cmocka_unit_test(test_every_choice_is_read_by_its_name),
        cmocka_unit_test(test_a_case_names_a_recipe),
        cmocka_unit_test(test_a_case_without_a_recipe_has_the_sound_one_without_a_name),
        cmocka_unit_test(test_all_is_every_recipe_and_keeps_inputs_together),
        cmocka_unit_test(test_all_leaves_out_what_any_value_of_another_key_contradicts),
        cmocka_unit_test(test_keys_of_the_case_override_the_recipe),
        cmocka_unit_test(test_the_recipes_own_values_leave_the_key_alone),
        cmocka_unit_test(test_a_case_spells_a_recipe_on_top_of_a_base),
        cmocka_unit_test(test_a_printed_recipe_reads_back_as_itself),
        cmocka_unit_test(test_a_digest_is_of_choices_and_not_of_names),
        cmocka_unit_test(test_a_name_is_one_recipes_in_a_run),
        cmocka_unit_test(test_own_recipes_join_the_library),
        cmocka_unit_test(test_wrong_recipe_files_are_refused_with_their_place),
    };
    return cmocka_run_group_tests_name("recipe", tests, open_library, close_library) ? 1 : 0;
}
