/* Completion: every command, every option, and the values that tables know. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/case/case_keys.h"
#include "harness/case/recipe_library.h"
#include "harness/command/completion.h"
#include "harness/command/list.h"
#include "harness/command/tests/parser_fixture.h"
#include "harness/support/tests/scratch.h"

enum { WORDS_MAX = 16 };

/* What is offered for a line of words with spaces between them, "\nWORD\tABOUT\n...". */
static char *offered(const char *line)
{
    const char *words[WORDS_MAX];
    size_t count = 0, size;
    char copy[512], *text = NULL;
    struct error error = {0};
    snprintf(copy, sizeof copy, "%s", line);
    for (char *next = copy, *word; (word = strsep(&next, " "));)
        words[count++] = word;
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    fputc('\n', stream);
    assert_int_equal(completion_print(stream, words, count, &error), ERROR_NONE);
    assert_int_equal(fclose(stream), 0);
    return text;
}

static bool has(const char *offers, const char *word)
{
    char wanted[256];
    snprintf(wanted, sizeof wanted, "\n%s\t", word);
    return strstr(offers, wanted);
}

static void expect(const char *line, const char *word)
{
    char *offers = offered(line);
    if (!has(offers, word))
        fail_msg("'%s' does not go on with '%s' but:%s", line, word, offers);
    free(offers);
}

static void expect_only(const char *line, const char *all)
{
    char *offers = offered(line);
    assert_string_equal(offers, all);
    free(offers);
}

static void every_command_is_offered(void **state)
{
    char line[64];
    (void)state;
    for (int i = 0; i < COMMAND_COUNT; i++) {
        expect("", commands[i]->name);
        expect("help ", commands[i]->name);
        expect("man ", commands[i]->name);
        snprintf(line, sizeof line, "%.3s", commands[i]->name);
        expect(line, commands[i]->name);
    }
    expect("", "--version");
}

static void every_option_of_every_command_is_offered(void **state)
{
    char names[96][64], line[64];
    (void)state;
    for (int i = 0; i < COMMAND_COUNT; i++) {
        size_t count = help_options(commands[i], names, 96), lines = 0;
        snprintf(line, sizeof line, "%s --", commands[i]->name);
        for (size_t n = 0; n < count; n++)
            expect(line, names[n]);
        char *offers = offered(line);
        for (const char *c = offers + 1; *c; c++)
            lines += *c == '\n';
        assert_int_equal(lines, count);
        free(offers);
    }
}

static void every_key_of_a_case_can_be_set(void **state)
{
    char word[64], line[96];
    (void)state;
    for (int id = 0; id < KEY_COUNT; id++) {
        snprintf(word, sizeof word, "%s=", keys[id].field.name);
        char *offers = offered("run --set ");
        assert_int_equal(has(offers, word), !keys[id].constant_of_run);
        free(offers);
        snprintf(line, sizeof line, "run --set %s", word);
        for (int i = 0; keys[id].field.type == FIELD_CHOICE && i < keys[id].field.names.count; i++) {
            snprintf(word, sizeof word, "%s=%s", keys[id].field.name, field_choice_name(&keys[id].field, i));
            expect(line, word);
        }
    }
    expect("run --set sentinel=", "sentinel=-inf");
    expect("run --set sentinel=ad", "sentinel=adaptive");
    expect_only("run --set seq_len=", "\n");
    expect_only("run --set no_such_key=", "\n");
}

static void every_recipe_is_offered(void **state)
{
    char line[128];
    (void)state;
    expect("run --recipe ", "all");
    for (size_t i = 0; i < recipe_library_count(); i++) {
        const char *name = recipe_library_at(i)->name;
        expect("run --recipe ", name);
        snprintf(line, sizeof line, "default,%s", name);
        expect("run --recipe default,", line);
        snprintf(line, sizeof line, "recipe=[%s", name);
        expect("run --set recipe=[", line);
    }
    assert_true(recipe_library_count() > 20);
    recipe_library_close();
}

static void values_come_where_the_option_and_its_value_are_a_word(void **state)
{
    (void)state;
    expect("run --device ", "host");
    expect("run --device=", "--device=host");
    expect("run --dev=c", "--dev=cuda"); /* as argp takes it */
    expect("run --set=dtype=", "--set=dtype=bf16");
    expect("sentinel --slopes ", "geometric");
    expect("sentinel --bias=r", "--bias=relative");
    expect("sentinel --dtype bf16,", "bf16,e4m3");
    expect("completion ", "fish");
    expect("sweep --dtype f16,", "f16,bf16");
    expect("run --junit-style ", "gitlab");
    expect("report --format ", "markdown");
    expect("report --by ", "sentinel");
}

static void topics_are_offered_before_files(void **state)
{
    (void)state;
    for (size_t i = 0; list_topic(i); i++)
        expect("list ", list_topic(i));
    expect("list -v --recipes x ", "kernels");
    expect_only("list points ", "\n\tfiles\n");
    expect_only("man run ", "\n");
}

static void files_and_folders_are_the_shells(void **state)
{
    (void)state;
    expect_only("run ", "\n\tfiles\n");
    expect_only("run ca", "\n\tfiles\n");
    expect_only("run --results ", "\n\tfiles\n");
    expect_only("run --results=out", "\n\tfiles\n");
    expect_only("run --dump ", "\n\tfolders\n");
    expect_only("run -- --device ", "\n\tfiles\n");
    expect_only("sentinel ", "\n");
    expect_only("sentinel --q ", "\n\tfiles\n");
    expect_only("run --threads ", "\n");
}

/* Nothing that is typed ends in more than silence. */
static void what_is_unknown_is_passed_over(void **state)
{
    static const char *const parts[] = {
        "run",      "list",   "--",     "-",          "--set", "--set=", "=",      "--no-such", "--=",       "",
        "--only",   "points", "x.yaml", "[",          ",",     "help",   "-v",     "-?",        "--r",       "explain",
        "sentinel", "--dump", "--bias", "recipe=[a,", "a=b=c", "man",    "--json", "\t",        "completion"};
    enum { NUM_PARTS = sizeof parts / sizeof parts[0], LINES = 20000 };
    uint64_t random = 1;
    (void)state;
    for (int i = 0; i < LINES; i++) {
        char line[256];
        size_t length = 0;
        for (int words = 1 + i % 5; words > 0; words--) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            length += (size_t)snprintf(line + length, sizeof line - length, "%s%s", parts[(random >> 33) % NUM_PARTS],
                                       words > 1 ? " " : "");
        }
        free(offered(line));
    }
    expect_only("nonsense ", "\n");
    expect_only("run --no-such=", "\n");
    recipe_library_close();
}

static void points_of_the_cases_on_the_line_are_offered(void **state)
{
    (void)state;
    char folder[SCRATCH_SIZE];
    const int before = open(".", O_RDONLY | O_DIRECTORY);
    assert_true(before >= 0 && scratch_folder(folder, "test_completion") && chdir(folder) == 0);
    FILE *file = fopen("two.yaml", "w");
    assert_non_null(file);
    fputs("case: one\nseq_len: [3, 5]\nnum_heads: 2\nhead_dim: 64\n", file);
    assert_int_equal(fclose(file), 0);
    expect("run two.yaml --only ", "one:seq_len=3,num_heads=2,head_dim=64");
    expect("list -v points --set num_heads=1 two.yaml --only one:seq_len=5", "one:seq_len=5,num_heads=1,head_dim=64");
    expect_only("run no-such-file.yaml --only ", "\n");
    assert_int_equal(remove("two.yaml") | fchdir(before) | close(before) | rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_is_offered),
        cmocka_unit_test(every_option_of_every_command_is_offered),
        cmocka_unit_test(every_key_of_a_case_can_be_set),
        cmocka_unit_test(every_recipe_is_offered),
        cmocka_unit_test(values_come_where_the_option_and_its_value_are_a_word),
        cmocka_unit_test(topics_are_offered_before_files),
        cmocka_unit_test(files_and_folders_are_the_shells),
        cmocka_unit_test(what_is_unknown_is_passed_over),
        cmocka_unit_test(points_of_the_cases_on_the_line_are_offered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
