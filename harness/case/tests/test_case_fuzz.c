/*
 * Mutated case files: whatever the bytes, the promises of case_promises.h hold. Half a second by default; FUZZ_SEED and
 * FUZZ_RUNS replay or prolong a run. The seed is printed; a broken promise prints the text.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/case/case_recipe.h"
#include "harness/case/tests/case_promises.h"

enum { TEXT_SIZE = 1024, DEFAULT_RUNS = 30000 };

static const char *const seeds[] = {
    "case: a\nabout: The configuration reported as failing.\nkernel: [single_pass, split_kv]\nseq_len: 33001\n"
    "num_heads: 32\nhead_dim: [128, 256]\ndtype: f16\nsentinel: [-5e4, -inf, adaptive, exclude]\n"
    "input: normal            # or\nseed: 0..2\ntolerance: {atol: 1e-3, rtol: 1e-3}\nexpect: pass\n",
    "---\ncase: x\nabout: |\n  text\n  more\nseq_len: 3\nnum_heads: 12\nnum_kv_heads: [1, 2, 3]\nhead_dim: 64\n"
    "expect: fail\nbecause: >-\n  folded\n  \"text\"\nsignature: 'le''ak'\n---\ncase: y\nseq_len: 1\n",
    "{case: z, seq_len: [1, 2..4], num_heads: 12, head_dim: 64, input: [{distribution: outliers, mean: 1, "
    "stddev: 2e-3, channels: 7, factor: 3}, {distribution: uniform, low: -1, high: 2}], scale: [0.5, 0x1p-3], "
    "q_position: [-5..5, 100], head_offset: 3, total_heads: 99, chunk_len: 64, max_bias: 16, slopes: geometric, "
    "mask: [none, {window: 2, sinks: 1}, {holes: 0.5}, {block: 1, keep_every: 3}]}",
    "{case: s, seq_len: [2, 9], num_heads: 2, head_dim: 64, kv_dtype: [e4m3, same], k_scale: 1, page_size: 16, "
    "page_seed: 3, kv_offset: [0, 7..8], slopes: [bloom, {values: [0.5, -1e-3]}], dtype: f32, input: [{distribution: "
    "logit_floor, value: -9999, spread: 0}, logit_floor], mask: [{window: 2, holes: 0.5, gap_from: 1, gap_keys: 1}, "
    "{file: Makefile, padding: 1}]}",
    "case: r\nseq_len: 9\nnum_heads: 4\nhead_dim: 64\nrecipe: [mlx, {base: flashinfer, sentinel: -FLT_MAX, "
    "initial_max: -1e20, guards: true}, {name: own, epsilon: 1e-6, merge: lse}, {key_shift: -1}]\nbias: [absolute]\n",
    "{case: s, seq_len: 9, num_heads: 4, head_dim: 64, recipe: all, exponential: ex2_approx}",
    "case: &anchor \"y\\n\\x41\\u263a\"\n? [a, {b: ~}]\n: *anchor\n<<: !!map {x: y}\n...\n%TAG ! !a\n---\n- - ! 3\n",
    "\xef\xbb\xbf"
    "case: crlf\r\nseq_len: 1\r\nnum_heads: 1\r\nhead_dim: 64\r\nseed: [18446744073709551615, 0..99998]\r\n",
};

static const char *const words[] = {
    "\n",     "  ",       "\t",
    ": ",     "- ",       "? ",
    "[",      "]",        "{",
    "}",      ", ",       "#",
    "'",      "\"",       "\\",
    "..",     "&a ",      "*a",
    "!!int ", "---\n",    "...\n",
    "| ",     ">-\n",     "%YAML 1.2\n",
    "~",      "-1",       "1e99",
    ".nan",   "-inf",     "2147483648",
    "\r\n",   "\xc3\xa4", "\xff",
    "case",   "seed",     "seq_len",
    "mask",   "window",   "{padding: 1}",
    "values", "k_scale",  "gap_from: 1",
    "recipe", "base",     "{epsilon: 1}",
};

/* SplitMix64 (Steele, Lea and Flood, 2014). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static size_t below(uint64_t *state, size_t limit)
{
    return (size_t)(next_random(state) % limit);
}

/* Replaces text[at, at + remove) by insert[0, insert_size), as far as TEXT_SIZE allows. The new size. */
static size_t splice(char *text, size_t size, size_t at, size_t remove, const char *insert, size_t insert_size)
{
    if (remove > size - at)
        remove = size - at;
    if (size - remove + insert_size > TEXT_SIZE)
        return size;
    memmove(text + at + insert_size, text + at + remove, size - at - remove);
    memcpy(text + at, insert, insert_size);
    return size - remove + insert_size;
}

/* A word of the format, or a key or a choice of recipes. */
static const char *draw_word(uint64_t *state)
{
    size_t index = below(state, sizeof words / sizeof words[0] + recipe_fields.count);
    if (index < sizeof words / sizeof words[0])
        return words[index];
    const struct field *field = field_at(&recipe_fields, index - sizeof words / sizeof words[0]);
    size_t choice = below(state, (size_t)field->names.count + 1);
    return choice ? field_choice_name(field, (int)choice - 1) : field->name;
}

static size_t mutate(char *text, size_t size, uint64_t *state)
{
    const char *word = draw_word(state);
    const char *other = seeds[below(state, sizeof seeds / sizeof seeds[0])];
    size_t at = below(state, size + 1), from = below(state, strlen(other)), length = below(state, 24);
    char byte = (char)next_random(state);
    switch (below(state, 6)) {
    case 0:
        return splice(text, size, at, length, "", 0);
    case 1:
        return splice(text, size, at, 1, &byte, 1);
    case 2:
        return splice(text, size, at, 0, word, strlen(word));
    case 3:
        return splice(text, size, at, strlen(word), word, strlen(word));
    case 4:
        return splice(text, size, at, length, other + from, strnlen(other + from, length));
    default: {
        char copy[24];
        size_t start = below(state, size + 1), count = length < size - start ? length : size - start;
        memcpy(copy, text + start, count);
        return splice(text, size, at, 0, copy, count);
    }
    }
}

static uint64_t from_environment(const char *name, uint64_t preset)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 0) : preset;
}

static void test_mutated_files_are_read_or_refused(void **state)
{
    (void)state;
    uint64_t random = from_environment("FUZZ_SEED", 1), runs = from_environment("FUZZ_RUNS", DEFAULT_RUNS);
    print_message("FUZZ_SEED=%" PRIu64 " FUZZ_RUNS=%" PRIu64 "\n", random, runs);
    for (uint64_t run = 0; run < runs; run++) {
        const char *seed = seeds[run % (sizeof seeds / sizeof seeds[0])];
        char text[TEXT_SIZE];
        size_t size = strlen(seed);
        memcpy(text, seed, size);
        for (size_t steps = below(&random, 6); steps > 0; steps--)
            size = mutate(text, size, &random);
        /* An exact copy, so that the address sanitizer sees a read beyond the end. */
        char *exact = malloc(size ? size : 1);
        assert_non_null(exact);
        memcpy(exact, text, size);
        const char *broken = case_promise_broken(exact, size);
        free(exact);
        if (broken)
            fail_msg("run %" PRIu64 ": %s:\n%.*s", run, broken, (int)size, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mutated_files_are_read_or_refused)};
    return cmocka_run_group_tests_name("case_fuzz", tests, NULL, NULL) ? 1 : 0;
}
