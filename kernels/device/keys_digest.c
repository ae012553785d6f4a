#include "kernels/device/keys_digest.h"

#include <stdlib.h>

#include "kernels/device/device.h"
#include "kernels/digest/stream_digest.h"

enum { BLOCKS_AT_ONCE = 1 << 16 }; /* 64 MB of keys, and 4 MB of sums, which come to the host together */

/* k or v of some heads, as it stands in the device's memory; in the stream its rows are side by side. */
struct tensor_part {
    const struct device_keys *keys;
    const char *first;
    size_t row_bytes; /* of the part */
};

/* Copies bytes begin .. begin + size_bytes of what the part is in the stream, few of them. */
static enum error_kind read_part(void *to, const struct tensor_part *part, size_t begin, size_t size_bytes,
                                 struct error *error)
{
    const struct device *device = part->keys->device;
    enum error_kind kind = ERROR_NONE;
    for (size_t done = 0; done < size_bytes && !kind;) {
        size_t row = (begin + done) / part->row_bytes, within = (begin + done) % part->row_bytes;
        size_t left = size_bytes - done, run = part->row_bytes - within < left ? part->row_bytes - within : left;
        const char *from = part->first + row * part->keys->row_bytes + within;
        kind = device->ops->copy_out(device->state, (char *)to + done, from, run, error);
        done += run;
    }
    return kind;
}

/* Bytes that are in no block which lies within the part. */
static enum error_kind add_bytes(struct stream_digest *digest, const struct tensor_part *part, size_t begin,
                                 size_t size_bytes, struct error *error)
{
    unsigned char bytes[BLOCK_BYTES];
    enum error_kind kind = read_part(bytes, part, begin, size_bytes, error);
    if (!kind)
        stream_digest_add(digest, bytes, size_bytes);
    return kind;
}

/* Whole blocks, the first of which begins at byte `begin`; sums has room for all that are made at once. */
static enum error_kind add_blocks(struct stream_digest *digest, const struct tensor_part *part, size_t begin,
                                  size_t num_blocks, uint64_t *sums, struct error *error)
{
    const struct device_keys *keys = part->keys;
    const struct device *device = keys->device;
    unsigned char last_stripe[STRIPE_BYTES];
    size_t sum_bytes = DIGEST_LANES * sizeof *sums, room = keys->staging_bytes / sum_bytes;
    size_t at_once = room < BLOCKS_AT_ONCE ? room : BLOCKS_AT_ONCE;
    enum error_kind kind = ERROR_NONE;
    for (size_t done = 0; done < num_blocks && !kind; done += at_once) {
        size_t count = num_blocks - done < at_once ? num_blocks - done : at_once, from = begin + done * BLOCK_BYTES;
        const struct block_rows blocks = {.rows = (const uint64_t *)(const void *)part->first,
                                          .row_words = part->row_bytes / sizeof *sums,
                                          .stride_words = keys->row_bytes / sizeof *sums,
                                          .first_word = from / sizeof *sums,
                                          .num_blocks = count};
        kind = device->ops->sum_blocks(device->state, keys->staging, &blocks, error);
        if (!kind)
            kind = device->ops->copy_out(device->state, sums, keys->staging, count * sum_bytes, error);
        if (!kind)
            kind = read_part(last_stripe, part, from + count * BLOCK_BYTES - STRIPE_BYTES, STRIPE_BYTES, error);
        if (!kind)
            stream_digest_add_blocks(digest, sums, count, last_stripe);
    }
    return kind;
}

static enum error_kind add_tensor(struct stream_digest *digest, const struct tensor_part *part, uint64_t *sums,
                                  struct error *error)
{
    size_t size = (size_t)part->keys->seq_len * part->row_bytes, lead = stream_digest_to_block(digest);
    lead = lead < size ? lead : size;
    size_t num_blocks = (size - lead) / BLOCK_BYTES, blocks_end = lead + num_blocks * BLOCK_BYTES;
    enum error_kind kind = add_bytes(digest, part, 0, lead, error);
    if (!kind)
        kind = add_blocks(digest, part, lead, num_blocks, sums, error);
    return kind ? kind : add_bytes(digest, part, blocks_end, size - blocks_end, error);
}

enum error_kind keys_digest(uint64_t *digest, const struct device_keys *keys, const struct problem *part, int kv_head,
                            struct error *error)
{
    struct stream_digest stream;
    size_t room = (size_t)BLOCKS_AT_ONCE * DIGEST_LANES * sizeof(uint64_t), first = (size_t)kv_head * keys->head_bytes;
    const struct tensor_part k = {keys, (const char *)keys->k + first, kv_row_bytes(part)},
                             v = {keys, (const char *)keys->v + first, kv_row_bytes(part)};
    uint64_t *sums = malloc(room);
    if (!sums)
        return error_memory(error, "the sums of a digest", (double)room);
    stream_digest_begin(&stream);
    stream_digest_add(&stream, part->q, (size_t)problem_elements(part) * dtypes[part->dtype].size_bytes);
    enum error_kind kind = add_tensor(&stream, &k, sums, error);
    if (!kind)
        kind = add_tensor(&stream, &v, sums, error);
    free(sums);
    if (kind)
        return kind;
    stream_digest_add(&stream, part->slopes, (size_t)part->num_heads * sizeof *part->slopes);
    if (part->visible)
        stream_digest_add(&stream, part->visible, (size_t)part->seq_len);
    if (part->sink_logits)
        stream_digest_add(&stream, part->sink_logits, (size_t)part->num_heads * sizeof *part->sink_logits);
    *digest = stream_digest_end(&stream);
    return ERROR_NONE;
}
