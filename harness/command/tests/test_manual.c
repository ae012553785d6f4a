/* Man pages: every command has one, every option of argp's tables stands in it, and roff is what is meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/command/manual.h"
#include "harness/command/tests/parser_fixture.h"

static char *page_of(const struct command *command)
{
    char *page = NULL;
    size_t size;
    struct error error = {0};
    FILE *stream = open_memstream(&page, &size);
    assert_non_null(stream);
    assert_int_equal(manual_print(stream, command, &error), ERROR_NONE);
    assert_int_equal(fclose(stream), 0);
    return page;
}

static char *text_of(const char *text)
{
    char *roff = NULL;
    size_t size;
    FILE *stream = open_memstream(&roff, &size);
    assert_non_null(stream);
    manual_put_text(stream, text);
    assert_int_equal(fclose(stream), 0);
    return roff;
}

static void expect_text(const char *text, const char *roff)
{
    char *made = text_of(text);
    assert_string_equal(made, roff);
    free(made);
}

static void what_roff_would_read_is_escaped(void **state)
{
    (void)state;
    expect_text(".so file", "\\&.so file");
    expect_text("'tis", "\\(aqtis");
    expect_text("C:\\x --set -5e4", "C:\\ex \\-\\-set \\-5e4");
    expect_text("2^-b ~ \"x\"", "2\\(ha\\-b \\(ti \\(dqx\\(dq");
    expect_text("see `list keys`.", "see \\fBlist keys\\fR.");
    expect_text("a ` alone", "a \\(ga alone");
}

static void a_line_that_is_broken_begins_no_request(void **state)
{
    char text[400], *roff;
    (void)state;
    for (int i = 0; i < 50; i++)
        memcpy(text + 8 * i, ".yaml it ", 8);
    text[399] = '\0';
    roff = text_of(text);
    for (const char *line = strchr(roff, '\n'); line; line = strchr(line + 1, '\n'))
        assert_true(line[1] != '.' && line[1] != '\'');
    assert_non_null(strchr(roff, '\n'));
    free(roff);
}

static void every_option_of_every_command_is_in_its_page(void **state)
{
    char names[96][64], wanted[160];
    (void)state;
    for (int i = 0; i < COMMAND_COUNT; i++) {
        char *page = page_of(commands[i]);
        size_t count = help_options(commands[i], names, 96), found = 0;
        assert_true(count >= 2);
        for (size_t n = 0; n < count; n++) {
            char *roff = text_of(names[n]);
            snprintf(wanted, sizeof wanted, "\\fB%s\\fR", roff);
            if (!strstr(page, wanted))
                fail_msg("%s: %s is not in the page", commands[i]->name, names[n]);
            free(roff);
        }
        for (const char *option = page; (option = strstr(option, ".TP\n\\fB")); option++)
            found++;
        assert_int_equal(found, count);
        free(page);
    }
}

static void a_page_has_its_sections_and_no_other_requests(void **state)
{
    static const char *const sections[] = {".TH ALIBICHECK",  ".SH NAME",        ".SH SYNOPSIS", ".SH DESCRIPTION",
                                           ".SH EXIT STATUS", ".SH ENVIRONMENT", ".SH FILES",    ".SH SEE ALSO"};
    static const char *const requests[] = {".TH ", ".SH ", ".SS ", ".TP", ".B ", ".PP", ".nf", ".fi"};
    (void)state;
    for (int i = -1; i < COMMAND_COUNT; i++) {
        char *page = page_of(i < 0 ? NULL : commands[i]);
        for (size_t s = 0; s < sizeof sections / sizeof sections[0]; s++)
            assert_non_null(strstr(page, sections[s]));
        for (char *line = strtok(page, "\n"); line; line = strtok(NULL, "\n")) {
            size_t known = 0;
            while (line[0] == '.' && known < sizeof requests / sizeof requests[0] &&
                   strncmp(line, requests[known], strlen(requests[known])) != 0)
                known++;
            if (known == sizeof requests / sizeof requests[0] || line[0] == '\'')
                fail_msg("a line begins with what is no request of a page: %s", line);
        }
        free(page);
    }
}

static void the_programs_page_has_every_command(void **state)
{
    char *page = page_of(NULL), wanted[64];
    (void)state;
    for (int i = 0; i < COMMAND_COUNT; i++) {
        snprintf(wanted, sizeof wanted, ".TP\n.B %s\n", commands[i]->name);
        assert_non_null(strstr(page, wanted));
    }
    free(page);
}

/* What --help says behind \v: paragraphs, of which some are sections. */
static void paragraphs_of_help_go_where_they_belong(void **state)
{
    char *page = page_of(&command_sentinel);
    (void)state;
    const char *description = strstr(page, ".SH DESCRIPTION"), *options = strstr(page, ".SH OPTIONS"),
               *examples = strstr(page, ".SH EXAMPLES\n.nf\n");
    assert_true(description && options && examples && description < options && options < examples);
    const char *paragraph = strstr(page, "A sentinel that logits reach");
    assert_true(paragraph && paragraph > description && paragraph < options);
    assert_non_null(strstr(examples, "\\&  alibicheck sentinel \\-\\-num\\-heads 32\n"));
    assert_non_null(strstr(page, ".SS The model:\n"));
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_roff_would_read_is_escaped),
        cmocka_unit_test(a_line_that_is_broken_begins_no_request),
        cmocka_unit_test(every_option_of_every_command_is_in_its_page),
        cmocka_unit_test(a_page_has_its_sections_and_no_other_requests),
        cmocka_unit_test(the_programs_page_has_every_command),
        cmocka_unit_test(paragraphs_of_help_go_where_they_belong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
