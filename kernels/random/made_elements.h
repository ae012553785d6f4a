/*
 * Elements of a tensor made where they stand, on any device: those of some heads' rows, LANE_DIMS at a time, each a
 * pure function of its number (random_words.h, variate.h). What a GPU's threads do one beside the other the host does
 * one after the other, in tests.
 */
#ifndef KERNELS_RANDOM_MADE_ELEMENTS_H
#define KERNELS_RANDOM_MADE_ELEMENTS_H

#include "kernels/geometry.h"
#include "kernels/random/narrowed.h"
#include "kernels/random/random_words.h"
#include "kernels/random/variate.h"

/* What the elements of a tensor are: of its plain distribution, clamped to [-largest, largest], rounded to the dtype,
 * which can hold that. */
struct element_source {
    struct random_stream stream;
    struct variate variate;
    float largest;
    enum dtype dtype;
};

/* What k and v of a problem are. */
struct key_source {
    struct element_source k, v; /* of one dtype */
    int64_t first_key;          /* the number of the key that is the first one in memory */
};

/* Which are made: `runs` runs of `run` elements, `stride` elements from one to the next, the first one `begin` elements
 * from where the tensor stands in memory. All are multiples of LANE_DIMS, and so is first, the number of the element
 * that stands there. */
struct made_elements {
    struct element_source source;
    uint64_t first, begin, run, stride, runs;
};

/* LANE_DIMS elements, each the low bits of a word, as the tensor's elements from `index` on; they stand on as many
 * bytes as they take, or on 16. */
SIMT_FUNCTION void store_lane(void *memory, uint64_t index, const uint32_t *elements, int element_bytes)
{
    char *to = (char *)memory + index * (uint64_t)element_bytes;
    uint32_t words[LANE_DIMS]; /* of which element_bytes / 4 have something in them */
    SIMT_UNROLL
    for (int i = 0; i < LANE_DIMS; i++)
        words[i] = elements[i];
    SIMT_UNROLL
    for (int i = 0; i < LANE_DIMS / 2 && element_bytes <= 2; i++)
        words[i] = elements[2 * i] | elements[2 * i + 1] << 8 * element_bytes;
    SIMT_UNROLL
    for (int i = 0; i < LANE_DIMS / 4 && element_bytes == 1; i++)
        words[i] = words[2 * i] | words[2 * i + 1] << 16;
#ifdef __CUDACC__
    if (element_bytes == 1)
        *(uint2 *)to = make_uint2(words[0], words[1]);
    else
        *(uint4 *)to = make_uint4(words[0], words[1], words[2], words[3]);
    if (element_bytes == 4)
        ((uint4 *)to)[1] = make_uint4(words[4], words[5], words[6], words[7]);
#else
    memcpy(to, words, (size_t)element_bytes * LANE_DIMS);
#endif
}

/* LANE_DIMS elements of the tensor at memory, from element `index` there on; rows as in normal_quantile.h. */
SIMT_FUNCTION void make_lane(const struct made_elements *made, const float (*rows)[NORMAL_BINADES], void *memory,
                             uint64_t index)
{
    const struct element_source *source = &made->source;
    uint64_t counter = (made->first + index) / COUNTER_WORDS;
    uint32_t elements[LANE_DIMS];
    SIMT_UNROLL
    for (int i = 0; i < LANE_DIMS; i += COUNTER_WORDS) {
        struct counter_words drawn = words_of_counter(source->stream, counter + (uint64_t)(i / COUNTER_WORDS));
        SIMT_UNROLL
        for (int word = 0; word < COUNTER_WORDS; word++) {
            float value = variate_clamp(variate_of(&source->variate, rows, drawn.words[word]), source->largest);
            elements[i + word] = narrowed(source->dtype, value);
        }
    }
    store_lane(memory, index, elements, narrowed_bytes(source->dtype));
}

/* What thread number `thread` of `threads` makes; there is a run, and something in it. */
SIMT_FUNCTION void make_elements_in(const struct made_elements *made, const float (*rows)[NORMAL_BINADES], void *memory,
                                    uint64_t thread, uint64_t threads)
{
    uint64_t lanes = made->run / LANE_DIMS; /* of a run */
    uint64_t run = thread / lanes, lane = thread % lanes, more_runs = threads / lanes, more_lanes = threads % lanes;
    while (run < made->runs) {
        make_lane(made, rows, memory, made->begin + run * made->stride + lane * LANE_DIMS);
        run += more_runs;
        lane += more_lanes;
        if (lane >= lanes) {
            lane -= lanes;
            run++;
        }
    }
}

#endif
