#include "harness/command/manual.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "harness/command/option_list.h"
#include "harness/support/build_info.h"
#include "harness/support/file.h"

enum { LINE_WIDTH = 78 };

/* ---- roff ---- */

/* What roff would take for something else, or print as a typographic mark. */
static const char *escape(char c)
{
    switch (c) {
    case '\\':
        return "\\e";
    case '-':
        return "\\-";
    case '\'':
        return "\\(aq";
    case '^':
        return "\\(ha";
    case '~':
        return "\\(ti";
    case '"':
        return "\\(dq";
    default:
        return NULL;
    }
}

static int put_character(FILE *stream, char c)
{
    const char *escaped = escape(c);
    if (escaped)
        fputs(escaped, stream);
    else
        fputc(c, stream);
    return escaped ? (int)strlen(escaped) : 1;
}

/* At the beginning of a line it would be a request. */
static int guard(FILE *stream, char first)
{
    return first == '.' ? fprintf(stream, "\\&") : 0;
}

/* How long the word at text becomes at most. */
static int word_columns(const char *text)
{
    int columns = 0;
    for (; *text && *text != ' '; text++)
        columns += escape(*text) ? (int)strlen(escape(*text)) : *text == '`' ? 3 : 1;
    return columns;
}

void manual_put_text(FILE *stream, const char *text)
{
    bool code = false;
    int column = guard(stream, *text);
    for (const char *c = text; *c; c++) {
        if (*c == ' ' && column + 1 + word_columns(c + 1) > LINE_WIDTH) {
            fputc('\n', stream);
            column = guard(stream, c[1]);
        } else if (*c != '`') {
            column += put_character(stream, *c);
        } else if (code || strchr(c + 1, '`')) {
            code = !code;
            column += fprintf(stream, code ? "\\fB" : "\\fR");
        } else {
            column += fprintf(stream, "\\(ga");
        }
    }
}

/* Lines as they are. */
static void put_verbatim(FILE *stream, const char *text, size_t size)
{
    fputs(".nf\n", stream);
    while (size) {
        const char *end = memchr(text, '\n', size);
        size_t length = end ? (size_t)(end - text) : size;
        fputs("\\&", stream);
        for (size_t i = 0; i < length; i++)
            put_character(stream, text[i]);
        fputc('\n', stream);
        text += length + (end != NULL);
        size -= length + (end != NULL);
    }
    fputs(".fi\n", stream);
}

static void put_words(FILE *stream, const char *text, size_t size)
{
    char *copy = strndup(text, size);
    for (char *c = copy; c && *c; c++)
        if (*c == '\n')
            *c = ' ';
    if (copy)
        manual_put_text(stream, copy);
    fputc('\n', stream);
    free(copy);
}

/* ---- the texts of --help ---- */

/* A part of what --help says behind the options: a paragraph, which may have a section of its own. */
static const struct {
    const char *begins, *section;
} own_sections[] = {
    {"Examples:", "EXAMPLES"},
    {"Exit code: ", "EXIT STATUS"},
};

enum { NUM_OWN_SECTIONS = sizeof own_sections / sizeof own_sections[0] };

/* The index of the section that the paragraph is, or NUM_OWN_SECTIONS. */
static size_t section_of(const char *paragraph)
{
    size_t section = 0;
    while (section < NUM_OWN_SECTIONS &&
           strncmp(paragraph, own_sections[section].begins, strlen(own_sections[section].begins)) != 0)
        section++;
    return section;
}

static void put_paragraph(FILE *stream, const char *text, size_t size)
{
    size_t lead = 0; /* words before lines that are indented */
    while (lead < size &&
           !(text[lead] == ' ' && (lead == 0 || text[lead - 1] == '\n') && lead + 1 < size && text[lead + 1] == ' '))
        lead++;
    if (lead)
        put_words(stream, text, lead - (text[lead - 1] == '\n'));
    if (lead < size)
        put_verbatim(stream, text + lead, size - lead);
}

/* The paragraphs of one section, those of none for NUM_OWN_SECTIONS. Whether there were any. */
static bool put_paragraphs(FILE *stream, const char *text, size_t section)
{
    bool found = false;
    while (*text) {
        const char *gap = strstr(text, "\n\n"), *begin = text;
        size_t size = gap ? (size_t)(gap - text) : strlen(text);
        text += size;
        text += strspn(text, "\n");
        while (size && begin[size - 1] == '\n')
            size--;
        if (!size || strspn(begin, " ") == size || section_of(begin) != section)
            continue;
        size_t title = section < NUM_OWN_SECTIONS ? strlen(own_sections[section].begins) : 0;
        if (title)
            fprintf(stream, ".SH %s\n", own_sections[section].section);
        else
            fputs(".PP\n", stream);
        title += begin[title] == '\n';
        put_paragraph(stream, begin + title, size - title);
        found = true;
    }
    return found;
}

/* ---- sections ---- */

static void put_title(FILE *stream, const char *name, const char *about)
{
    fputs(".TH ALIBICHECK", stream);
    if (name)
        fputs("\\-", stream);
    for (const char *c = name ? name : ""; *c; c++)
        put_character(stream, (char)toupper((unsigned char)*c));
    fprintf(stream, " 1 \"%s\" \"alibicheck %s\" \"alibicheck\"\n.SH NAME\nalibicheck", build_info.date,
            build_info.version);
    if (name)
        fputs("\\-", stream);
    manual_put_text(stream, name ? name : "");
    fputs(" \\-\n", stream);
    manual_put_text(stream, about);
    fputc('\n', stream);
}

static void put_option(FILE *stream, const struct option_row *row)
{
    fputs(".TP\n", stream);
    if (row->letter)
        fprintf(stream, "\\fB\\-%c\\fR%s", row->letter, row->name ? ", " : "");
    if (row->name) {
        fputs("\\fB\\-\\-", stream);
        manual_put_text(stream, row->name);
        fputs("\\fR", stream);
    }
    if (row->arg) {
        fputs(row->arg_optional ? "[=\\fI" : row->name ? "=\\fI" : " \\fI", stream);
        manual_put_text(stream, row->arg);
        fputs(row->arg_optional ? "\\fR]" : "\\fR", stream);
    }
    fputc('\n', stream);
    manual_put_text(stream, row->about);
    fputc('\n', stream);
}

static enum error_kind put_options(FILE *stream, const struct argp *parser, struct error *error)
{
    struct option_list list;
    const char *header = NULL;
    enum error_kind kind = option_list_make(&list, parser, error);
    if (!kind)
        fputs(".SH OPTIONS\n", stream);
    for (size_t i = 0; i < list.count && !kind; i++) {
        if (list.rows[i].header && list.rows[i].header != header) {
            fputs(".SS ", stream);
            manual_put_text(stream, list.rows[i].header);
            fputc('\n', stream);
        }
        header = list.rows[i].header;
        put_option(stream, &list.rows[i]);
    }
    option_list_clear(&list);
    return kind;
}

/* What is the same on every page. */
static const struct {
    const char *section;
    struct {
        const char *name, *about;
    } items[6];
} common[] = {
    {"ENVIRONMENT",
     {
         {"OMP_NUM_THREADS", "CPU threads where `--threads` is not given. Results do not depend on it."},
         {"NO_COLOR", "If it is set to anything, the table has no colour."},
         {"CUDA_VISIBLE_DEVICES", "Which GPU `--device cuda` and `auto` take, as for every CUDA program: the first."},
     }},
    {"FILES",
     {
         {"../share/alibicheck/cases",
          "From the folder of the program: the shipped cases, which can be given by name. Of one that was built in a "
          "checkout, ../cases."},
         {"libopenblas.so.0", "Loaded where a case asks for a conventional reference (`reference`)."},
         {"libcuda.so.1", "The GPU's driver, loaded by a program that was built with CUDA."},
     }},
};

static void put_common(FILE *stream)
{
    for (size_t s = 0; s < sizeof common / sizeof common[0]; s++) {
        fprintf(stream, ".SH %s\n", common[s].section);
        for (size_t i = 0; common[s].items[i].name; i++) {
            fputs(".TP\n.B ", stream);
            manual_put_text(stream, common[s].items[i].name);
            fputc('\n', stream);
            manual_put_text(stream, common[s].items[i].about);
            fputc('\n', stream);
        }
    }
}

static void put_exit_status(FILE *stream, const char *codes)
{
    fputs(".SH EXIT STATUS\n", stream);
    manual_put_text(stream, codes);
    fputc('\n', stream);
}

/* The pages of the other commands. */
static void put_see_also(FILE *stream, const struct command *command)
{
    const char *before = "";
    fputs(".SH SEE ALSO\n", stream);
    if (command) {
        fputs("\\fBalibicheck\\fR(1)", stream);
        before = ",\n";
    }
    for (int i = 0; i < COMMAND_COUNT; i++) {
        if (commands[i] == command)
            continue;
        fprintf(stream, "%s\\fBalibicheck\\-", before);
        manual_put_text(stream, commands[i]->name);
        fputs("\\fR(1)", stream);
        before = ",\n";
    }
    fputc('\n', stream);
}

/* ---- pages ---- */

static void put_synopsis(FILE *stream, const struct command *command)
{
    const char *arguments = command->parser()->args_doc;
    fputs(".SH SYNOPSIS\n\\fBalibicheck ", stream);
    manual_put_text(stream, command->name);
    fprintf(stream, "\\fR [\\fIOPTION\\fR...]%s", arguments ? " " : "");
    manual_put_text(stream, arguments ? arguments : "");
    fputc('\n', stream);
}

static enum error_kind put_command(FILE *stream, const struct command *command, struct error *error)
{
    const struct argp *parser = command->parser();
    char *before = parser_text(parser, ARGP_KEY_HELP_PRE_DOC), *after = parser_text(parser, ARGP_KEY_HELP_POST_DOC);
    enum error_kind kind = before && after ? ERROR_NONE : error_memory(error, "a man page", 0);
    if (kind)
        goto out;
    put_title(stream, command->name, command->about);
    put_synopsis(stream, command);
    fputs(".SH DESCRIPTION\n", stream);
    put_words(stream, before, strlen(before));
    put_paragraphs(stream, after, NUM_OWN_SECTIONS);
    if ((kind = put_options(stream, parser, error)))
        goto out;
    put_paragraphs(stream, after, 0);
    if (!put_paragraphs(stream, after, 1))
        put_exit_status(stream, "0 done, 2 usage or a bad file, 3 device or system failure.");
    put_common(stream);
    put_see_also(stream, command);
out:
    free(before);
    free(after);
    return kind;
}

static void put_program(FILE *stream)
{
    put_title(stream, NULL, "numerical accuracy of GPU ALiBi decode attention");
    fputs(".SH SYNOPSIS\n\\fBalibicheck\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR...] [\\fIARGUMENT\\fR...]\n"
          ".SH DESCRIPTION\n",
          stream);
    manual_put_text(stream, "Measures the numerical accuracy of attention with ALiBi biases against the exact result: "
                            "which of two implementations is wrong, by how much, and because of what.");
    fputs("\n.SH COMMANDS\n", stream);
    for (int i = 0; i < COMMAND_COUNT; i++) {
        fputs(".TP\n.B ", stream);
        manual_put_text(stream, commands[i]->name);
        fputc('\n', stream);
        manual_put_text(stream, commands[i]->about);
        fputc('\n', stream);
    }
    fputs(".PP\n", stream);
    manual_put_text(stream, "`alibicheck COMMAND --help` lists a command's options, `alibicheck --version` says which "
                            "build this is and what it can do.");
    fputc('\n', stream);
    put_exit_status(stream,
                    "0 as expected, 1 an expectation was not met, 2 usage or a bad case file, 3 device or system "
                    "failure, 130 interrupted.");
    put_common(stream);
    fputs(".SH EXAMPLES\n", stream);
    put_verbatim(stream, "  alibicheck run seed\n", strlen("  alibicheck run seed\n"));
    put_see_also(stream, NULL);
}

enum error_kind manual_print(FILE *stream, const struct command *command, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    if (command)
        kind = put_command(stream, command, error);
    else
        put_program(stream);
    if (!kind)
        kind = file_flush(stream, error);
    return kind;
}
