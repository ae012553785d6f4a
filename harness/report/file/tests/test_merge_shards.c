/* Of a run that is not whole: which shards are to go on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "harness/report/file/merge_shards.h"

static struct run_shard shard_of(const char *text)
{
    json_t *record = json_loads(text, 0, NULL);
    assert_non_null(record);
    struct run_shard shard = merge_shard_of(record);
    json_decref(record);
    return shard;
}

static void test_a_record_says_its_shard(void **state)
{
    (void)state;
    const struct run_shard shard = shard_of("{\"seconds\":{\"shard\":\"2/3\",\"shard_points\":9}}");
    assert_int_equal(shard.index, 2);
    assert_int_equal(shard.count, 3);
    assert_int_equal(shard.num_points, 9);
}

static void test_what_no_run_has_written_is_no_shard(void **state)
{
    static const char *const texts[] = {
        "{}",
        "{\"seconds\":{\"shard\":null,\"shard_points\":null}}",
        "{\"seconds\":{\"shard\":\"2/3\"}}",
        "{\"seconds\":{\"shard\":\"2/3\",\"shard_points\":0}}",
        "{\"seconds\":{\"shard\":\"23\",\"shard_points\":9}}",
        "{\"seconds\":{\"shard\":\"0/3\",\"shard_points\":9}}",
        "{\"seconds\":{\"shard\":\"4/3\",\"shard_points\":9}}",
        "{\"seconds\":{\"shard\":\"1/100001\",\"shard_points\":9}}",
        "{\"seconds\":{\"shard\":\"-1/3\",\"shard_points\":9}}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(shard_of(texts[i]).count, 0);
}

/* What is said of records of [count] shards, in a run of so many points. */
static void assert_note(size_t num_points, const struct run_shard *records, size_t count, const char *expected)
{
    struct merge_shards shards = {.num_points = num_points};
    char *text = NULL;
    size_t size;
    FILE *notes = open_memstream(&text, &size);
    assert_non_null(notes);
    for (size_t i = 0; i < count; i++)
        assert_true(merge_shards_add(&shards, &records[i]));
    merge_shards_note(&shards, notes);
    assert_int_equal(fclose(notes), 0);
    assert_string_equal(text, expected);
    merge_shards_clear(&shards);
    free(text);
}

static void test_shards_are_named(void **state)
{
    static const struct run_shard records[] = {{1, 3, 2}, {1, 3, 2}, {3, 3, 4}, {3, 3, 4}, {3, 3, 4}};
    (void)state;
    assert_note(10, records, 2,
                "they are all of shard 2/3, all of shard 3/3; the command of each computes its own with "
                "--resume\n");
    assert_note(10, records, 5,
                "they are all of shard 2/3, 1 of the 4 of shard 3/3; the command of each computes its own "
                "with --resume\n");
    /* All points are of the other two. */
    assert_note(6, records, 5,
                "they are 1 of the 4 of shard 3/3; the command of each computes its own with --resume\n");
    assert_note(6, records, 0, "");
}

static void test_many_shards_are_named_in_part(void **state)
{
    static const struct run_shard one[] = {{1, 11, 1}}, some[] = {{1, 12, 1}};
    (void)state;
    assert_note(
        20, one, 1,
        "they are all of shard 2/11, all of shard 3/11, all of shard 4/11, all of shard 5/11, all of shard 6/11, "
        "all of shard 7/11, all of shard 8/11, all of shard 9/11, all of shard 10/11, all of shard 11/11; the "
        "command of each computes its own with --resume\n");
    assert_note(
        20, some, 1,
        "they are all of shard 2/12, all of shard 3/12, all of shard 4/12, all of shard 5/12, all of shard 6/12, "
        "all of shard 7/12, all of shard 8/12, all of shard 9/12, all of shard 10/12, all of shard 11/12, ...; the "
        "command of each computes its own with --resume\n");
}

static void test_of_runs_that_were_cut_otherwise_nothing_is_said(void **state)
{
    static const struct run_shard cut[] = {{1, 3, 2}, {1, 2, 2}}, whole[] = {{1, 3, 2}, {0, 0, 0}},
                                  first[] = {{0, 0, 0}, {1, 3, 2}}, sizes[] = {{1, 3, 2}, {1, 3, 4}, {2, 3, 4}};
    (void)state;
    assert_note(10, cut, 2, "");
    assert_note(10, whole, 2, "");
    assert_note(10, first, 2, "");
    assert_note(10, sizes, 3, "");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_record_says_its_shard),
        cmocka_unit_test(test_what_no_run_has_written_is_no_shard),
        cmocka_unit_test(test_shards_are_named),
        cmocka_unit_test(test_many_shards_are_named_in_part),
        cmocka_unit_test(test_of_runs_that_were_cut_otherwise_nothing_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
