/*
 * Strides of k and v that are not in pages, with which a small problem reaches beyond what 32 bits hold: of keys, each
 * with all of its heads, or of KV heads, each with all of its keys.
 */
#ifndef HARNESS_SUBJECT_FAR_STRIDES_H
#define HARNESS_SUBJECT_FAR_STRIDES_H

#include "harness/subject/tensor_strides.h"

/* What of k and v lies where 32 bits hold no offset of it. */
enum far_axis { FAR_NONE, FAR_ROWS, FAR_HEADS };

/* q and out stay packed. The last key, or head, of several begins FAR_ELEMENTS (kv_cache.h) and more behind the first;
 * near: at less than 2^31 bytes. */
void far_strides_make(struct sequence_strides *strides, const struct problem *problem, enum far_axis axis, bool near);

#endif
