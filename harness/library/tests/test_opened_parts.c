/* Parts that are opened again, with their keys as they are and with rows of other keys and other parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/library/opened_parts.h"
#include "harness/problem/generate.h"

/* Two KV heads have more rows than are read at once. */
enum { KEYS = 9001, KV_HEADS = 5, HEADS = 10, DIM = 8, PARTS = 3, ROW_BYTES = DIM * 2 };

static const struct part parts_of[PARTS] = {{0, 2}, {2, 2}, {4, 1}};

static struct part part_of(const struct problem_source *source, int index)
{
    (void)source;
    return parts_of[index];
}

/* A source in parts, all of its keys, what has been asked of it, and the parts opened for an exhibit. */
struct desk {
    struct problem_spec spec;
    struct generated_source source;
    struct problem_source_ops ops;
    struct inputs whole, lender;
    struct progress progress;
    struct exhibit exhibit;
    struct opened_parts opened;
};

static int times_opened, times_read;
static struct progress *cancelled; /* once rows are read */

static enum error_kind open_counted(const struct problem_source *source, struct part part, int threads,
                                    struct progress *progress, struct inputs *inputs, struct error *error)
{
    times_opened++;
    return inputs_generate(inputs, &((const struct generated_source *)(const void *)source)->spec, part, threads,
                           progress, error);
}

static enum error_kind read_counted(const struct problem_source *source, const struct inputs *inputs, bool of_v,
                                    const int64_t *rows, size_t count, int threads, void *to, struct error *error)
{
    times_read++;
    if (cancelled)
        atomic_store(&cancelled->cancelled, true);
    return inputs_generate_rows(inputs, &((const struct generated_source *)(const void *)source)->spec, of_v, rows,
                                count, threads, to, error);
}

static void desk_init(struct desk *desk)
{
    struct error error;
    *desk = (struct desk){
        .spec = {.seq_len = KEYS,
                 .num_heads = HEADS,
                 .num_kv_heads = KV_HEADS,
                 .head_dim = DIM,
                 .dtype = DTYPE_F16,
                 .scale = 0.25f,
                 .max_bias = 8,
                 .total_heads = HEADS,
                 .q_position = KEYS - 1,
                 .input = input_spec_default,
                 .seed = 3},
    };
    desk->source = generated_source(&desk->spec);
    desk->ops = *desk->source.source.ops;
    desk->ops.part = part_of;
    desk->ops.open = open_counted;
    desk->ops.read_rows = read_counted;
    desk->source.source.ops = &desk->ops;
    desk->source.source.num_parts = PARTS;
    assert_int_equal(inputs_generate(&desk->whole, &desk->spec, whole_problem(&desk->spec), 1, NULL, &error), 0);
    assert_int_equal(inputs_generate(&desk->lender, &desk->spec, parts_of[2], 1, NULL, &error), 0);
    const struct part_opening how = {1, &desk->progress, NULL, NULL, "test"};
    opened_parts_offer(&desk->opened, &desk->exhibit, &desk->source.source, &desk->lender, &how);
    assert_ptr_equal(desk->exhibit.parts, &desk->opened.parts);
    assert_null(desk->lender.k);
    times_opened = times_read = 0;
    cancelled = NULL;
}

static void desk_clear(struct desk *desk)
{
    assert_true(opened_parts_end(&desk->opened) >= 0);
    assert_non_null(desk->lender.k);
    inputs_clear(&desk->lender);
    inputs_clear(&desk->whole);
}

/* Each row of k or v of a part is what the map says, of the whole. */
static void assert_rows(const struct desk *desk, const struct problem *part, int index, bool of_v,
                        const struct key_map *map)
{
    static const char zeros[ROW_BYTES];
    const char *rows = of_v ? part->v : part->k, *whole = of_v ? desk->whole.v : desk->whole.k;
    const int64_t keys = map->place ? map->seq_len : KEYS;
    assert_int_equal(part->num_kv_heads, parts_of[index].num_kv_heads);
    assert_int_equal(key_part_first(part), parts_of[index].kv_head);
    for (int64_t key = 0; key < keys; key++)
        for (int head = 0; head < part->num_kv_heads; head++) {
            int64_t at = key;
            int of = parts_of[index].kv_head + head;
            key_map_row(map, &at, &of);
            assert_memory_equal(rows + (key * part->num_kv_heads + head) * ROW_BYTES,
                                at < 0 ? zeros : whole + (at * KV_HEADS + of) * ROW_BYTES, ROW_BYTES);
        }
}

/* Opens a part by maps of k and v. */
static void open_moved(struct desk *desk, int index, struct key_map of_k, struct key_map of_v)
{
    const struct key_map moved[2] = {of_k, of_v};
    const struct key_parts *parts = desk->exhibit.parts;
    const struct problem *part;
    struct error error;
    assert_int_equal(parts->open(parts->context, index, moved, &part, &error), ERROR_NONE);
    assert_rows(desk, part, index, false, &of_k);
    assert_rows(desk, part, index, true, &of_v);
}

static void next_head(const struct key_map *map, int64_t *key, int *kv_head)
{
    (void)key;
    *kv_head = (*kv_head + 1) % map->num_kv_heads;
}

static void heads_first(const struct key_map *map, int64_t *key, int *kv_head)
{
    int64_t at = *kv_head * map->seq_len + *key;
    *key = at / map->num_kv_heads;
    *kv_head = (int)(at % map->num_kv_heads);
}

static void by_list(const struct key_map *map, int64_t *key, int *kv_head)
{
    (void)kv_head;
    *key = map->keys[*key];
}

static void one_more(const struct key_map *map, int64_t *key, int *kv_head)
{
    (void)kv_head;
    if (*key == map->seq_len - 1)
        *key = -1;
}

static const struct key_map as_they_are, next = {next_head, 0, NULL, KEYS, KV_HEADS},
                                         layout = {heads_first, 0, NULL, KEYS, KV_HEADS},
                                         longer = {one_more, 0, NULL, KEYS + 1, KV_HEADS};

/* What is there already is not read again. Of part 0, with two KV heads, a tensor takes two readings, of part 2 one. */
static void test_rows_of_whatever_parts(void **state)
{
    (void)state;
    static struct desk desk;
    desk_init(&desk);
    open_moved(&desk, 1, as_they_are, as_they_are);
    assert_true(times_opened == 1 && times_read == 0);
    open_moved(&desk, 1, next, as_they_are);
    assert_true(times_opened == 1 && times_read == 2);
    open_moved(&desk, 1, next, layout);
    assert_true(times_opened == 1 && times_read == 4);
    open_moved(&desk, 1, next, layout);
    assert_true(times_opened == 1 && times_read == 4);
    open_moved(&desk, 1, as_they_are, layout);
    assert_true(times_opened == 1 && times_read == 6);
    open_moved(&desk, 1, as_they_are, as_they_are);
    assert_true(times_opened == 1 && times_read == 8);
    open_moved(&desk, 2, layout, as_they_are);
    assert_true(times_opened == 1 && times_read == 10);
    open_moved(&desk, 0, layout, layout);
    assert_true(times_opened == 1 && times_read == 14);
    open_moved(&desk, 2, as_they_are, as_they_are);
    assert_true(times_opened == 2 && times_read == 14);
    open_moved(&desk, 0, as_they_are, as_they_are);
    assert_true(times_opened == 3 && times_read == 14);
    desk_clear(&desk);
}

/* As problems have them that are opened as they are: with q and slopes, in memory that may be another's by then. */
static void test_a_part_as_it_is_has_all_of_its_tensors(void **state)
{
    (void)state;
    static struct desk desk;
    desk_init(&desk);
    const struct key_parts *parts = desk.exhibit.parts;
    const struct problem *part;
    struct inputs made = {0};
    struct error error;
    assert_int_equal(inputs_generate(&made, &desk.spec, parts_of[2], 1, NULL, &error), 0);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(parts->open(parts->context, 2, NULL, &part, &error), ERROR_NONE);
        assert_int_equal(problem_tensors_digest(part), made.digest);
        open_moved(&desk, 2, longer, longer);
    }
    inputs_clear(&made);
    desk_clear(&desk);
}

/* A key more than there was memory for, in v alone: k, too, is then elsewhere. */
static void test_a_key_more(void **state)
{
    (void)state;
    static struct desk desk;
    desk_init(&desk);
    open_moved(&desk, 2, as_they_are, as_they_are);
    const size_t room = desk.opened.inputs.kv_room;
    open_moved(&desk, 2, as_they_are, longer);
    assert_int_equal(room, KEYS * ROW_BYTES);
    assert_int_equal(desk.opened.inputs.kv_room, room + ROW_BYTES);
    assert_int_equal(times_read, 2);
    open_moved(&desk, 2, as_they_are, as_they_are);
    assert_true(times_opened == 1 && times_read == 3);
    desk_clear(&desk);
}

/* Other keys may be in the place of a list by now. */
static void test_a_list_is_read_each_time(void **state)
{
    (void)state;
    static struct desk desk;
    int64_t keys[3] = {4, 4, 8};
    const struct key_map few = {by_list, 0, keys, 3, KV_HEADS};
    desk_init(&desk);
    open_moved(&desk, 1, few, few);
    keys[1] = 7000;
    open_moved(&desk, 1, few, few);
    desk_clear(&desk);
}

static void test_reading_rows_can_be_interrupted(void **state)
{
    (void)state;
    static struct desk desk;
    struct error error;
    desk_init(&desk);
    const struct key_parts *parts = desk.exhibit.parts;
    const struct key_map moved[2] = {layout, layout};
    const struct problem *part;
    open_moved(&desk, 0, as_they_are, as_they_are);
    cancelled = &desk.progress;
    assert_int_equal(parts->open(parts->context, 0, moved, &part, &error), ERROR_INTERRUPTED);
    assert_int_equal(times_read, 1);
    cancelled = NULL;
    atomic_store(&desk.progress.cancelled, false);
    open_moved(&desk, 0, as_they_are, as_they_are); /* and what was read by then is not taken for these */
    desk_clear(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_of_whatever_parts),
        cmocka_unit_test(test_a_part_as_it_is_has_all_of_its_tensors),
        cmocka_unit_test(test_a_key_more),
        cmocka_unit_test(test_a_list_is_read_each_time),
        cmocka_unit_test(test_reading_rows_can_be_interrupted),
    };
    return cmocka_run_group_tests_name("opened parts", tests, NULL, NULL);
}
