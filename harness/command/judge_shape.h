/*
 * The axes of tensors: which axis of a file is heads, which is keys, and that all files say the same of each.
 */
#ifndef HARNESS_COMMAND_JUDGE_SHAPE_H
#define HARNESS_COMMAND_JUDGE_SHAPE_H

#include "harness/support/tensor_file.h"

enum judge_layout { LAYOUT_NHD, LAYOUT_HND, LAYOUT_BSHD, LAYOUT_BHSD, LAYOUT_VLLM_V0, LAYOUT_COUNT };

extern const char *const judge_layout_names[LAYOUT_COUNT];

/* What an axis counts. */
enum axis_role {
    ROLE_SEQUENCES,
    ROLE_QUERIES,
    ROLE_HEADS,
    ROLE_KV_HEADS,
    ROLE_DIM,
    ROLE_KEYS,
    ROLE_PAGES,
    ROLE_SLOTS,  /* of a page */
    ROLE_BLOCKS, /* of head_dim, where that is on two axes */
    ROLE_BLOCK,  /* elements of one of these */
    ROLE_STACK,  /* k and v */
    ROLE_COUNT
};

/* Lengths of axes as far as they are known, and the file that said so first. */
struct judge_shape {
    int64_t length[ROLE_COUNT]; /* -1: not known */
    const char *said_by[ROLE_COUNT];
};

extern const struct judge_shape judge_shape_unknown;

/* A tensor's axes: for each role the elements from one to the next, 0 where it has no such axis. */
struct bound_axes {
    int64_t stride[ROLE_COUNT];
};

/*
 * Takes the axes of a file for those that letters name, one each: B, Q, H, G (KV heads), D, N (keys), P, S, E and X
 * (blocks of head_dim and their elements), 2 (k and v). ERROR_USAGE
 * if there are more or fewer, or if one differs in length from what another file has; `allowed` then says what the
 * tensor may look like.
 */
enum error_kind judge_shape_bind(struct judge_shape *shape, struct bound_axes *axes, const struct tensor_file *file,
                                 const char *letters, const char *allowed, struct error *error);

/* The letters of q and out, of k and v, of lse, for so many axes; NULL where that is none of the layout's shapes.
 * paged: k and v are pools of pages. of_k: k, and not v. */
const char *judge_query_letters(enum judge_layout layout, bool paged, int num_axes);
const char *judge_key_letters(enum judge_layout layout, bool paged, bool of_k, int num_axes);
const char *judge_lse_letters(enum judge_layout layout, bool paged, int num_axes);

/* "[2, 9, 64]". text has SHAPE_TEXT_SIZE characters. */
enum { SHAPE_TEXT_SIZE = 192 };
char *judge_shape_text(char *text, const struct tensor_file *file);

#endif
