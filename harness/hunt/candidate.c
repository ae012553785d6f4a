#include "harness/hunt/candidate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/case/case_write.h"
#include "harness/support/text_stream.h"

static enum error_kind no_memory(struct error *error)
{
    return error_memory(error, "a candidate", FIELD_TEXT_SIZE);
}

/* Whether a key of a point is one of its candidate's. */
static bool is_kept(enum key_id id, const struct point_kernel *kernel)
{
    bool of_case = id == KEY_CASE || id == KEY_ABOUT;
    bool of_failure = id == KEY_EXPECT || id == KEY_SIGNATURE || id == KEY_BECAUSE;
    return !of_case && !of_failure && !(kernel->name && keys[id].of_shipped && !(keys[id].of_pages && kernel->pages));
}

/* A window that is longer than the cache removes nothing, and is of a case with longer ones alone. */
static void forget_window(struct problem_spec *problem)
{
    struct mask_spec *mask = &problem->mask;
    if (mask->window <= problem->seq_len && mask->sinks <= problem->seq_len)
        return;
    mask->kind &= ~(unsigned)MASK_WINDOW;
    mask->window = mask->sinks = 0;
}

enum error_kind candidate_of_point(struct candidate *candidate, const struct point *of_case,
                                   const struct point_kernel *kernel, struct error *error)
{
    struct point own = *of_case, *point = &own;
    forget_window(&own.problem);
    *candidate = (struct candidate){{NULL}};
    for (int id = 0; id < KEY_COUNT; id++) {
        if (!is_kept((enum key_id)id, kernel) || !case_gives(point, (enum key_id)id))
            continue;
        candidate->values[id] = case_write_value((enum key_id)id, point);
        if (!candidate->values[id])
            return no_memory(error);
    }
    if (!candidate->values[KEY_ORACLES])
        candidate->values[KEY_ORACLES] = strdup("none");
    return candidate->values[KEY_ORACLES] ? ERROR_NONE : no_memory(error);
}

enum error_kind candidate_copy(struct candidate *candidate, const struct candidate *from, struct error *error)
{
    *candidate = (struct candidate){{NULL}};
    for (int id = 0; id < KEY_COUNT; id++) {
        if (!from->values[id])
            continue;
        candidate->values[id] = strdup(from->values[id]);
        if (!candidate->values[id])
            return no_memory(error);
    }
    return ERROR_NONE;
}

void candidate_clear(struct candidate *candidate)
{
    for (int id = 0; id < KEY_COUNT; id++)
        free(candidate->values[id]);
    *candidate = (struct candidate){{NULL}};
}

void candidate_take(struct candidate *candidate, enum key_id id, char *value)
{
    free(candidate->values[id]);
    candidate->values[id] = value;
}

char *candidate_text(const struct candidate *candidate, const char *name, const char *about)
{
    char *text = NULL;
    size_t size;
    FILE *stream = text_stream_open(&text, &size);
    if (!stream)
        return NULL;
    if (about)
        fprintf(stream, "# %s\n", about);
    fprintf(stream, "case: %s\n", name);
    for (int id = 0; id < KEY_COUNT; id++)
        if (candidate->values[id])
            fprintf(stream, "%s: %s\n", keys[id].field.name, candidate->values[id]);
    bool failed = ferror(stream);
    failed |= fclose(stream) != 0;
    if (!failed)
        return text;
    free(text);
    return NULL;
}

enum error_kind candidate_read(struct hunted_point *read, const struct candidate *candidate, const char *name,
                               const struct point_kernel *kernel, struct error *error)
{
    *read = (struct hunted_point){.digest = 0};
    char *text = candidate_text(candidate, name, NULL);
    if (!text)
        return no_memory(error);
    enum error_kind kind = case_list_parse(&read->list, "candidate", text, strlen(text), NULL, 0, error);
    free(text);
    if (kind)
        return kind;
    case_point(read->list.cases[0], 0, &read->point);
    if (kernel->name)
        point_make_foreign(&read->point, kernel);
    read->digest = point_digest(&read->point);
    return ERROR_NONE;
}

void hunted_point_clear(struct hunted_point *read)
{
    case_list_clear(&read->list);
    *read = (struct hunted_point){.digest = 0};
}
