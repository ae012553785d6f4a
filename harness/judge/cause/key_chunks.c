#include "harness/judge/cause/key_chunks.h"

#include <stdlib.h>

void key_chunks_clear(struct key_chunks *chunks)
{
    free(chunks->max);
    free(chunks->out);
    free(chunks->order);
    free(chunks->total);
    *chunks = (struct key_chunks){.count = 0};
}

static void read_chunk(struct key_chunks *chunks, int64_t chunk, struct suspect *suspect)
{
    const struct problem *problem = suspect->problem;
    int dims = problem->head_dim;
    int64_t first = chunk * chunks->len, end = first + chunks->len;
    double max = -INFINITY, sum = 0, *out = chunks->out + chunk * dims;
    if (end > problem->seq_len)
        end = problem->seq_len;
    for (int64_t j = first; j < end; j++)
        if (suspect_visible(suspect, j))
            max = fmax(max, suspect_logit(suspect, j));
    for (int64_t j = first; j < end; j++) {
        if (!suspect_visible(suspect, j))
            continue;
        double weight = exp(suspect_logit(suspect, j) - max);
        suspect_read_value(suspect, j, dims);
        sum += weight;
        for (int d = 0; d < dims; d++)
            out[d] += weight * (double)suspect->row[d];
    }
    for (int d = 0; d < dims; d++)
        out[d] *= problem_value_scale(problem);
    chunks->max[chunk] = max;
    chunks->sum[chunk] = sum;
}

enum error_kind key_chunks_init(struct key_chunks *chunks, struct suspect *suspect, struct error *error)
{
    size_t dim = (size_t)suspect->problem->head_dim;
    int64_t count = (suspect->problem->seq_len + SUSPECT_CHUNK_LEN_MIN - 1) / SUSPECT_CHUNK_LEN_MIN;
    *chunks = (struct key_chunks){
        .count = count,
        .len = SUSPECT_CHUNK_LEN_MIN,
        .max = malloc(2 * (size_t)count * sizeof(double)),
        .out = calloc((size_t)count * dim, sizeof(double)),
        .order = malloc((size_t)count * sizeof(int64_t)),
        .total = malloc(2 * dim * sizeof(double)),
    };
    if (!chunks->max || !chunks->out || !chunks->order || !chunks->total)
        return error_memory(error, "a head's signature", (double)count * (double)(dim + 3) * sizeof(double));
    chunks->sum = chunks->max + count;
    chunks->scratch = chunks->total + dim;
    for (int64_t c = 0; c < count; c++)
        read_chunk(chunks, c, suspect);
    for (size_t d = 0; d < dim; d++)
        chunks->total[d] = suspect->truth[d] * suspect->sum;
    return ERROR_NONE;
}

void key_chunks_double(struct key_chunks *chunks, int dims)
{
    int64_t count = (chunks->count + 1) / 2;
    for (int64_t c = 0; c < count; c++) {
        int64_t left = 2 * c, right = left + 1;
        bool paired = right < chunks->count;
        double max = paired ? fmax(chunks->max[left], chunks->max[right]) : chunks->max[left];
        double keep = factor_between(chunks->max[left], max);
        double add = paired ? factor_between(chunks->max[right], max) : 0;
        double sum = keep * chunks->sum[left] + (paired ? add * chunks->sum[right] : 0);
        for (int d = 0; d < dims; d++)
            chunks->out[c * dims + d] =
                keep * chunks->out[left * dims + d] + (paired ? add * chunks->out[right * dims + d] : 0);
        chunks->max[c] = max;
        chunks->sum[c] = sum;
    }
    chunks->count = count;
    chunks->len *= 2;
}
