#include "harness/command/judge_shape.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "harness/support/source.h"

const char *const judge_layout_names[LAYOUT_COUNT] = {[LAYOUT_NHD] = "NHD",
                                                      [LAYOUT_HND] = "HND",
                                                      [LAYOUT_BSHD] = "BSHD",
                                                      [LAYOUT_BHSD] = "BHSD",
                                                      [LAYOUT_VLLM_V0] = "VLLM_V0"};

const struct judge_shape judge_shape_unknown = {.length = {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1}};
_Static_assert(ROLE_COUNT == 11, "a length each");

static const struct {
    char letter;
    const char *name;
} roles[ROLE_COUNT] = {
    [ROLE_SEQUENCES] = {'B', "sequences"},
    [ROLE_QUERIES] = {'Q', "queries"},
    [ROLE_HEADS] = {'H', "heads"},
    [ROLE_KV_HEADS] = {'G', "KV heads"},
    [ROLE_DIM] = {'D', "head_dim"},
    [ROLE_KEYS] = {'N', "keys"},
    [ROLE_PAGES] = {'P', "pages"},
    [ROLE_SLOTS] = {'S', "page size"},
    [ROLE_BLOCKS] = {'E', "blocks of head_dim"},
    [ROLE_BLOCK] = {'X', "elements of a block"},
    [ROLE_STACK] = {'2', "tensors, k and v"},
};

static enum axis_role role_of(char letter)
{
    int role = 0;
    while (roles[role].letter != letter)
        role++;
    return (enum axis_role)role;
}

char *judge_shape_text(char *text, const struct tensor_file *file)
{
    size_t length = (size_t)snprintf(text, SHAPE_TEXT_SIZE, "[");
    for (int i = 0; i < file->layout.num_axes && length < SHAPE_TEXT_SIZE; i++)
        length += (size_t)snprintf(text + length, SHAPE_TEXT_SIZE - length, i ? ", %" PRId64 : "%" PRId64,
                                   file->layout.shape[i]);
    if (length < SHAPE_TEXT_SIZE)
        snprintf(text + length, SHAPE_TEXT_SIZE - length, "]");
    return text;
}

enum error_kind judge_shape_bind(struct judge_shape *shape, struct bound_axes *axes, const struct tensor_file *file,
                                 const char *letters, const char *allowed, struct error *error)
{
    char text[SHAPE_TEXT_SIZE], path[PATH_QUOTE_SIZE], other[PATH_QUOTE_SIZE];
    int64_t stride = 1;
    *axes = (struct bound_axes){{0}};
    if (!letters || (int)strlen(letters) != file->layout.num_axes)
        return error_set(error, ERROR_USAGE, "%s: is %s; allowed: %s", quote_path(path, file->name),
                         judge_shape_text(text, file), allowed);
    for (int i = file->layout.num_axes - 1; i >= 0; i--) {
        enum axis_role role = role_of(letters[i]);
        int64_t *length = &shape->length[role];
        if (*length >= 0 && *length != file->layout.shape[i])
            return error_set(error, ERROR_USAGE, "%s: is %s, with %" PRId64 " %s; allowed: %" PRId64 ", as %s has; %s",
                             quote_path(path, file->name), judge_shape_text(text, file), file->layout.shape[i],
                             roles[role].name, *length, quote_path(other, shape->said_by[role]), allowed);
        if (*length < 0) {
            *length = file->layout.shape[i];
            shape->said_by[role] = file->name;
        }
        axes->stride[role] = stride;
        stride *= file->layout.shape[i];
    }
    return ERROR_NONE;
}

/* Which letters go with 1, 2, ... axes. */
enum { MAX_AXES = 5 };
struct letters {
    const char *of[MAX_AXES];
};

static const char *pick(const struct letters *letters, int num_axes)
{
    return num_axes >= 1 && num_axes <= MAX_AXES ? letters->of[num_axes - 1] : NULL;
}

const char *judge_query_letters(enum judge_layout layout, bool paged, int num_axes)
{
    static const struct letters one = {{NULL, "HD", "QHD", NULL}}, batch = {{NULL, "HD", "BHD", "BQHD"}},
                                heads_first = {{NULL, "HD", "BHD", "BHQD"}};
    if (layout == LAYOUT_BHSD)
        return pick(&heads_first, num_axes);
    return pick(layout == LAYOUT_BSHD || paged ? &batch : &one, num_axes);
}

const char *judge_key_letters(enum judge_layout layout, bool paged, bool of_k, int num_axes)
{
    static const struct letters plain[LAYOUT_COUNT] = {
        [LAYOUT_NHD] = {{NULL, NULL, "NGD", NULL}},
        [LAYOUT_HND] = {{NULL, NULL, "GND", NULL}},
        [LAYOUT_BSHD] = {{NULL, NULL, NULL, "BNGD"}},
        [LAYOUT_BHSD] = {{NULL, NULL, NULL, "BGND"}},
    };
    static const struct letters pages[LAYOUT_COUNT] = {
        [LAYOUT_NHD] = {{NULL, NULL, NULL, "PSGD"}},
        [LAYOUT_HND] = {{NULL, NULL, NULL, "PGSD"}},
    };
    static const struct letters v0_k = {{NULL, NULL, NULL, NULL, "PGESX"}}, v0_v = {{NULL, NULL, NULL, "PGDS"}};
    if (layout == LAYOUT_VLLM_V0)
        return pick(of_k ? &v0_k : &v0_v, num_axes);
    return pick(paged ? &pages[layout] : &plain[layout], num_axes);
}

const char *judge_lse_letters(enum judge_layout layout, bool paged, int num_axes)
{
    static const struct letters one = {{"H", "QH", NULL, NULL}}, batch = {{"H", "BH", "BQH", NULL}},
                                heads_first = {{"H", "BH", "BHQ", NULL}};
    if (layout == LAYOUT_BSHD || layout == LAYOUT_BHSD)
        return pick(&heads_first, num_axes);
    return pick(paged ? &batch : &one, num_axes);
}
