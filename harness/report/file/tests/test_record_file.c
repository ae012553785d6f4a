/* Reading results: what is a record, what is torn, what is refused. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/report/file/record_file.h"
#include "harness/support/tests/scratch.h"

#define RECORD(key) "{\"schema\": 1, \"key\": \"" key "\", \"status\": \"pass\"}"
#define BASELINE(key) "{\"baseline\": 1, \"schema\": 1, \"key\": \"" key "\", \"status\": \"pass\"}"

static char path[SCRATCH_SIZE];

static void write_text(const char *text, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

struct seen {
    char keys[64]; /* "LINE:KEY " each */
    enum error_kind result;
};

static enum error_kind note(void *context, const struct record_line *line, struct error *error)
{
    struct seen *seen = context;
    char one[32];
    assert_string_equal(line->path, path);
    assert_string_equal(line->status, "pass");
    assert_int_equal(line->text[0], '{');
    assert_int_equal(line->text[line->size - 1], '}');
    snprintf(one, sizeof one, "%zu:%s ", line->line, line->key);
    strcat(seen->keys, one);
    return seen->result ? error_set(error, seen->result, "enough") : ERROR_NONE;
}

static const struct {
    const char *text, *keys;
    size_t whole_bytes;
    bool torn;
} sound[] = {
    {"", "", 0, false},
    {"\n \t\r\n", "", 5, false},
    {RECORD("a") "\n" RECORD("b") "\r\n", "1:a 2:b ", 2 * sizeof RECORD("a") + 1, false},
    {RECORD("a") "\n\n" RECORD("b") "\n", "1:a 3:b ", 2 * sizeof RECORD("a") + 1, false},
    {RECORD("a") "\n{\"schema\": 1, \"ke", "1:a ", sizeof RECORD("a"), true},
    {RECORD("a") "\n" RECORD("b"), "1:a ", sizeof RECORD("a"), true}, /* its newline was not written */
};

static void test_whole_lines_are_records(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sound / sizeof sound[0]; i++) {
        struct record_file_info info;
        struct seen seen = {.keys = ""};
        struct error error = {0};
        write_text(sound[i].text, strlen(sound[i].text));
        assert_int_equal(record_file_read(path, note, &seen, &info, &error), ERROR_NONE);
        assert_string_equal(seen.keys, sound[i].keys);
        assert_int_equal(info.whole_bytes, sound[i].whole_bytes);
        assert_int_equal(info.torn, sound[i].torn);
    }
}

static void test_who_does_not_ask_is_told_of_a_torn_line(void **state)
{
    (void)state;
    struct seen seen = {.keys = ""};
    struct error error = {0};
    write_text(sound[4].text, strlen(sound[4].text));
    assert_int_equal(record_file_read(path, note, &seen, NULL, &error), ERROR_USAGE);
    assert_non_null(strstr(error.text, ": the end of a record is missing, as a run leaves it that was killed: '{"));
    write_text("<html>", 6);
    assert_int_equal(record_file_read(path, note, &seen, NULL, &error), ERROR_USAGE);
    assert_non_null(strstr(error.text, ":1:1: '[' or '{' expected near '<': '<html>'; allowed: records as"));
    seen = (struct seen){.keys = ""};
    write_text(sound[5].text, strlen(sound[5].text));
    assert_int_equal(record_file_read(path, note, &seen, NULL, &error), ERROR_NONE);
    assert_string_equal(seen.keys, "1:a 2:b ");
}

/* What becomes of a file in a repository, or on its way from one machine to another. */
static void test_what_is_no_record_is_called_by_its_name(void **state)
{
    static const struct {
        const char *text, *what;
    } lines[] = {
        {"<<<<<<< HEAD\n", ":1:1: a merge conflict, which is to be resolved: '<<<<<<< HEAD'; allowed: "},
        {"=======\n", ":1:1: a merge conflict"},
        {">>>>>>> theirs\n", ":1:1: a merge conflict"},
        {"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", ":1:1: a pointer of Git LFS"},
        {"\xef\xbb\xbf{\"schema\":1}\n", ":1:1: a byte order mark"},
        {"\xff\xfe{\n", ":1:1: UTF-16"},
        {"\x1f\x8b\x08\n", ":1:1: compressed (`gunzip`)"},
        {"\x28\xb5\x2f\xfd\n", ":1:1: compressed (`unzstd`)"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct seen seen = {.keys = ""};
        struct error error = {0};
        write_text(lines[i].text, strlen(lines[i].text));
        assert_int_equal(record_file_read(path, note, &seen, NULL, &error), ERROR_USAGE);
        assert_non_null(strstr(error.text, lines[i].what));
    }
}

static void test_a_baseline_is_read_by_who_asks_for_it(void **state)
{
    (void)state;
    struct seen seen = {.keys = ""};
    struct error error = {0};
    static const char text[] = RECORD("a") "\n" BASELINE("b") "\n";
    write_text(text, strlen(text));
    assert_int_equal(record_or_baseline_read(path, note, &seen, &error), ERROR_NONE);
    assert_string_equal(seen.keys, "1:a 2:b ");
    write_text(sound[4].text, strlen(sound[4].text));
    assert_int_equal(record_or_baseline_read(path, note, &seen, &error), ERROR_USAGE);
}

#define REFUSED(text, message)              \
    {                                       \
        (text), sizeof(text) - 1, (message) \
    }

static const struct {
    const char *text;
    size_t size;
    const char *message;
} refused[] = {
    REFUSED("[]\n", ":1:1: no JSON object: '[]'; allowed: records as --results writes them, one a line"),
    REFUSED("{}\n", ":1:1: schema: none; allowed: 1, that of this program's records"),
    REFUSED("{\"schema\": 2, \"key\": \"a\", \"status\": \"pass\"}\n", ":1:1: schema: 2; allowed: 1,"),
    REFUSED("{\"schema\": 1.0, \"key\": \"a\", \"status\": \"pass\"}\n", ":1:1: schema: none; allowed: 1,"),
    REFUSED(RECORD("a") "\n{\"schema\": 1, \"status\": \"pass\"}\n", ":2:1: the record has no text: key; allowed:"),
    REFUSED("{\"schema\": 1, \"key\": \"a\", \"status\": 1}\n", ":1:1: the record has no text: status; allowed:"),
    REFUSED("{\"schema\": 1, \"key\": \"a\", \"key\": \"b\", \"status\": \"pass\"}\n", "duplicate object key"),
    REFUSED(RECORD("a") "\n" BASELINE("b") "\n", ":2:1: a line of a baseline: 'b'; allowed: records as --results"),
    REFUSED("{\"schema\": 1,\n", ":1:"),
    REFUSED("\0\n", ":1:"),
    REFUSED("{\"schema\": 1\033[31m\n", "near '\xef\xbf\xbd'"),
    REFUSED("\xff\n", ":1:"),
    REFUSED(RECORD("a") RECORD("b") "\n", ":1:"),
};

static void test_what_is_no_record_is_refused_at_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct record_file_info info;
        struct seen seen = {.keys = ""};
        struct error error = {0};
        write_text(refused[i].text, refused[i].size);
        assert_int_equal(record_file_read(path, note, &seen, &info, &error), ERROR_USAGE);
        assert_memory_equal(error.text, path, strlen(path));
        if (!strstr(error.text, refused[i].message))
            fail_msg("%s", error.text);
    }
}

static void test_a_visit_ends_the_reading(void **state)
{
    (void)state;
    struct seen seen = {.result = ERROR_SYSTEM};
    struct error error = {0};
    write_text(sound[2].text, strlen(sound[2].text));
    assert_int_equal(record_file_read(path, note, &seen, NULL, &error), ERROR_SYSTEM);
    assert_string_equal(error.text, "enough");
    assert_string_equal(seen.keys, "1:a ");
}

static void test_files_that_cannot_be_read_say_so(void **state)
{
    (void)state;
    struct error error = {0};
    assert_int_equal(record_file_read("/nowhere/a.jsonl", note, NULL, NULL, &error), ERROR_USAGE);
    assert_string_equal(error.text, "cannot open /nowhere/a.jsonl: No such file or directory");
    assert_int_equal(record_file_read("/", note, NULL, NULL, &error), ERROR_USAGE);
    assert_string_equal(error.text, "/: a folder; allowed: a file of records");
}

/* Who is still waiting 10 s later would wait for ever. */
static void take(int number)
{
    static volatile sig_atomic_t times;
    (void)number;
    if (++times == 1000)
        _exit(1);
}

static void test_records_that_never_come_are_left_at_a_signal(void **state)
{
    const struct sigaction action = {.sa_handler = take, .sa_flags = SA_RESTART};
    static const char half[] = "{\"schema\": 1, \"key\": \"a";
    const struct itimerval often = {{.tv_usec = 10000}, {.tv_usec = 10000}}, never = {{0}, {0}};
    char folder[SCRATCH_SIZE];
    struct seen seen = {.keys = ""};
    struct error error;
    (void)state;
    assert_non_null(scratch_folder(folder, "test_record_pipe"));
    char pipe[sizeof folder + 5];
    strcat(strcpy(pipe, folder), "/pipe");
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    assert_int_equal(record_file_read(pipe, note, &seen, NULL, &error), ERROR_INTERRUPTED);
    assert_non_null(strstr(error.text, "interrupted while waiting for "));
    /* Nor the rest of one. */
    const int writer = open(pipe, O_RDWR | O_CLOEXEC);
    assert_true(writer >= 0 && write(writer, half, sizeof half - 1) == sizeof half - 1);
    assert_int_equal(record_file_read(pipe, note, &seen, NULL, &error), ERROR_INTERRUPTED);
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_non_null(strstr(error.text, "interrupted while waiting for "));
    close(writer);
    unlink(pipe);
    rmdir(folder);
}

static void test_numbers_are_also_in_texts(void **state)
{
    (void)state;
    double number;
    json_t *record =
        json_loads("{\"a\": {\"b\": \"-inf\"}, \"c\": \"18446744073709551615\", \"d\": \"x\", \"e\": null}", 0, NULL);
    assert_non_null(record);
    assert_true(record_number(record_at(record, "a.b"), &number) && number < -1e308);
    assert_true(record_number(record_at(record, "c"), &number) && number == 0x1p64);
    assert_false(record_number(record_at(record, "d"), &number));
    assert_false(record_number(record_at(record, "e"), &number));
    assert_false(record_number(record_at(record, "a"), &number));
    assert_null(record_at(record, "a.b.c"));
    assert_null(record_at(record, "a."));
    assert_null(record_at(record, "z"));
    json_decref(record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_lines_are_records),
        cmocka_unit_test(test_who_does_not_ask_is_told_of_a_torn_line),
        cmocka_unit_test(test_what_is_no_record_is_called_by_its_name),
        cmocka_unit_test(test_a_baseline_is_read_by_who_asks_for_it),
        cmocka_unit_test(test_what_is_no_record_is_refused_at_its_place),
        cmocka_unit_test(test_a_visit_ends_the_reading),
        cmocka_unit_test(test_files_that_cannot_be_read_say_so),
        cmocka_unit_test(test_records_that_never_come_are_left_at_a_signal),
        cmocka_unit_test(test_numbers_are_also_in_texts),
    };
    int descriptor = scratch_file(path, "test_record_file");
    if (descriptor < 0)
        return 1;
    close(descriptor);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
