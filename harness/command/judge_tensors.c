#include "harness/command/judge_tensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/command/judge_reading.h"
#include "harness/support/text.h"
#include "harness/support/text_stream.h"

/* Whether a word of the command line says where results go, that less of them is to be seen, or what else is judged. */
static bool is_aside(const struct judge_options *options, const char *word)
{
    for (size_t e = 0; e < options->exhibits.count; e++)
        if (options->exhibits.items[e] == word && e != options->at)
            return true;
    for (int i = 0; i < options->num_aside; i++)
        if (options->aside[i] == word)
            return true;
    return !strcmp(word, "--quiet");
}

enum error_kind judge_input_quote(struct judge_input *input, const struct judge_options *options, struct error *error)
{
    size_t size;
    FILE *stream = text_stream_open(&input->command, &size);
    bool complete = stream && fprintf(stream, "alibicheck judge") > 0;
    for (int i = 1; i < options->num_words && complete; i++) {
        if (is_aside(options, options->words[i]))
            continue;
        char *word = text_shell_quote(options->words[i], false);
        complete = word && fprintf(stream, " %s", word) > 0;
        free(word);
    }
    complete = stream && fclose(stream) == 0 && complete;
    return complete ? ERROR_NONE : error_memory(error, "the command line", 4096);
}

enum error_kind judge_input_open_tensors(struct judge_input *input, const struct judge_options *options,
                                         struct judge_bundle *bundle, struct error *error)
{
    struct judge_reading reading = {.input = input, .bundle = bundle, .options = options};
    int64_t mask_row = 0;
    enum error_kind kind = judge_facts_read(&reading.facts, options, error);
    if (!kind)
        kind = judge_open_files(&reading, error);
    if (!kind)
        kind = judge_reinterpret(&reading, error);
    if (!kind)
        kind = judge_bind_shapes(&reading, error);
    if (!kind)
        kind = judge_check_shapes(&reading, error);
    if (!kind)
        kind = judge_read_problem(&reading, error);
    if (!kind)
        kind = judge_read_queries(&reading, error);
    if (!kind)
        kind = judge_read_lengths(&reading, error);
    if (!kind)
        kind = judge_read_positions(&reading, error);
    if (!kind)
        kind = judge_read_mask(&reading, &mask_row, error);
    if (!kind)
        kind = judge_read_lse(&reading, error);
    if (!kind)
        kind = judge_make_sequences(&reading, mask_row, error);
    free(reading.first_query);
    free(reading.first_key);
    free(reading.seq_lens);
    free(reading.positions);
    return kind;
}
