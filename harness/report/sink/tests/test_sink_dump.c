/* The arrays of a dump as NumPy reads them, and its point.json. */
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness/report/sink/tests/desk.h"

#define SAMPLE_FOLDER "new/dump/sample@kernel=split_kv,seq_len=3"

/* Checks the header of a .npy file byte by byte against the format, and the data after it. */
static void assert_npy(const struct desk *desk, const char *name, const char *dictionary, const void *data, size_t size)
{
    char path[512], entry[128];
    snprintf(entry, sizeof entry, SAMPLE_FOLDER "/%s", name);
    size_t file_size;
    char *file = read_file(in_folder(path, desk, entry), &file_size);
    assert_non_null(file);
    assert_memory_equal(file, "\x93NUMPY\x01\x00", 8);
    size_t header_size = 10 + (unsigned char)file[8] + 256 * (size_t)(unsigned char)file[9];
    assert_int_equal(header_size % 64, 0);
    assert_int_equal(file[header_size - 1], '\n');
    assert_memory_equal(file + 10, dictionary, strlen(dictionary));
    for (size_t i = 10 + strlen(dictionary); i < header_size - 1; i++)
        assert_int_equal(file[i], ' ');
    assert_int_equal(file_size, header_size + size);
    assert_memory_equal(file + header_size, data, size);
    free(file);
}

static void dump(struct desk *desk)
{
    char path[512];
    struct sink sink;
    assert_int_equal(sink_open(&sink, &sink_dump, in_folder(path, desk, "new/dump"), &desk->plan, &desk->error), 0);
    assert_int_equal(sink.kind->record(&sink, &desk->sample.record, &desk->error), 0);
    assert_int_equal(sink.kind->close(&sink, &desk->summary, &desk->error), 0);
}

static json_t *read_point(const struct desk *desk)
{
    char path[512];
    json_t *json = json_load_file(in_folder(path, desk, SAMPLE_FOLDER "/point.json"), 0, NULL);
    assert_non_null(json);
    return json;
}

#define NPY(type, shape) "{'descr': '" type "', 'fortran_order': False, 'shape': (" shape "), }"

static void test_dump_reads_back(void **state)
{
    struct desk *desk = *state;
    const struct sample *sample = &desk->sample;
    dump(desk);
    assert_npy(desk, "q.npy", NPY("<f2", "2, 4,"), sample->q, sizeof sample->q);
    assert_npy(desk, "k.npy", NPY("<f2", "3, 1, 4,"), sample->k, sizeof sample->k);
    assert_npy(desk, "v.npy", NPY("<f2", "3, 1, 4,"), sample->v, sizeof sample->v);
    assert_npy(desk, "out.npy", NPY("<f2", "2, 4,"), sample->out, sizeof sample->out);
    assert_npy(desk, "lse.npy", NPY("<f4", "2,"), sample->lse, sizeof sample->lse);
    assert_npy(desk, "slopes.npy", NPY("<f4", "2,"), sample->slopes, sizeof sample->slopes);
    assert_npy(desk, "truth.npy", NPY("<f8", "2, 4,"), sample->value, sizeof sample->value);
    assert_npy(desk, "truth_tail.npy", NPY("<f8", "2, 4,"), sample->tail, sizeof sample->tail);
    assert_npy(desk, "truth_radius.npy", NPY("<f8", "2, 4,"), sample->radius, sizeof sample->radius);
    assert_npy(desk, "truth_lse.npy", NPY("<f8", "2,"), sample->truth_lse, sizeof sample->truth_lse);

    json_t *json = read_point(desk);
    assert_string_equal(json_string_value(json_object_get(json, "key")), "sample:kernel=split_kv,seq_len=3");
    assert_true(json_real_value(json_object_get(json, "scale")) == 0.1f);
    assert_int_equal(json_integer_value(json_object_get(json, "q_position")), 2);
    assert_true(json_is_null(json_object_get(json, "mask")));
    json_decref(json);
}

/* Its k and v are fp8, a byte an element; the rest stays in the problem's dtype. */
static void test_dump_of_an_fp8_cache_is_raw_bytes(void **state)
{
    struct desk *desk = *state;
    desk->sample.point.problem.kv_format = KV_E4M3;
    dump(desk);
    assert_npy(desk, "q.npy", NPY("<f2", "2, 4,"), desk->sample.q, sizeof desk->sample.q);
    assert_npy(desk, "k.npy", NPY("|u1", "3, 1, 4,"), desk->sample.k, 12);
    assert_npy(desk, "v.npy", NPY("|u1", "3, 1, 4,"), desk->sample.v, 12);
    assert_npy(desk, "out.npy", NPY("<f2", "2, 4,"), desk->sample.out, sizeof desk->sample.out);
}

static void test_dump_of_bf16_is_raw_words(void **state)
{
    struct desk *desk = *state;
    desk->sample.problem.dtype = desk->sample.point.problem.dtype = DTYPE_BF16;
    dump(desk);
    assert_npy(desk, "q.npy", NPY("<u2", "2, 4,"), desk->sample.q, sizeof desk->sample.q);
}

static void test_dump_names_the_removed_keys(void **state)
{
    struct desk *desk = *state;
    desk->sample.problem.visible = desk->sample.visible;
    desk->sample.point.problem.mask = (struct mask_spec){.kind = MASK_HOLES, .holes = 0.5};
    dump(desk);
    json_t *json = read_point(desk);
    char *text = json_dumps(json_object_get(json, "mask"), JSON_COMPACT);
    assert_string_equal(text, "[[1,2]]");
    free(text);
    json_decref(json);

    memcpy(desk->sample.visible, (uint8_t[]){0, 1, 0}, 3);
    dump(desk);
    json = read_point(desk);
    text = json_dumps(json_object_get(json, "mask"), JSON_COMPACT);
    assert_string_equal(text, "[[0,1],[2,3]]");
    free(text);
    json_decref(json);
}

/* The second dump of a point leaves nothing of the first. */
static void test_dump_overwrites(void **state)
{
    struct desk *desk = *state;
    dump(desk);
    desk->sample.out[0] = 0x4000;
    dump(desk);
    assert_npy(desk, "out.npy", NPY("<f2", "2, 4,"), desk->sample.out, sizeof desk->sample.out);
    sample_set_error(&desk->sample, "the kernel diverged");
    dump(desk);
    char path[512];
    assert_int_equal(count_entries(in_folder(path, desk, SAMPLE_FOLDER)), 1); /* point.json */
    json_t *json = read_point(desk);
    assert_string_equal(json_string_value(json_object_get(json, "status")), "error");
    json_decref(json);
}

static void test_dump_reports_what_cannot_be_written(void **state)
{
    struct desk *desk = *state;
    char path[512];
    struct sink sink;
    dump(desk);
    in_folder(path, desk, SAMPLE_FOLDER "/lse.npy");
    remove(path);
    assert_int_equal(symlink("/dev/full", path), 0);
    char folder[512];
    assert_int_equal(sink_open(&sink, &sink_dump, in_folder(folder, desk, "new/dump"), &desk->plan, &desk->error), 0);
    assert_int_equal(sink.kind->record(&sink, &desk->sample.record, &desk->error), ERROR_SYSTEM);
    char expected[600];
    snprintf(expected, sizeof expected, "cannot write %s: No space left on device", path);
    assert_string_equal(desk->error.text, expected);
    assert_int_equal(sink.kind->close(&sink, &desk->summary, &desk->error), 0);
}

/* Files may grow to 150 bytes: q, of 144, is whole, and of k, of 152, nothing stays that is not; nor does the point of
 * a dump that was there, whose arrays are no longer all its own. */
static void test_dump_leaves_no_part_of_a_file(void **state)
{
    struct desk *desk = *state;
    struct sink sink;
    struct rlimit before, small;
    char folder[512], path[512], expected[600];
    assert_int_equal(sink_open(&sink, &sink_dump, in_folder(folder, desk, "new/dump"), &desk->plan, &desk->error), 0);
    getrlimit(RLIMIT_FSIZE, &before);
    small = (struct rlimit){.rlim_cur = 150, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    for (int again = 0; again < 2; again++) {
        if (again)
            dump(desk);
        setrlimit(RLIMIT_FSIZE, &small);
        enum error_kind kind = sink.kind->record(&sink, &desk->sample.record, &desk->error);
        setrlimit(RLIMIT_FSIZE, &before);
        assert_int_equal(kind, ERROR_SYSTEM);
        snprintf(expected, sizeof expected, "cannot write %s: File too large",
                 in_folder(path, desk, SAMPLE_FOLDER "/k.npy"));
        assert_string_equal(desk->error.text, expected);
        assert_npy(desk, "q.npy", NPY("<f2", "2, 4,"), desk->sample.q, sizeof desk->sample.q);
        assert_int_equal(access(in_folder(path, desk, SAMPLE_FOLDER "/point.json"), F_OK), -1);
        if (again)
            assert_npy(desk, "k.npy", NPY("<f2", "3, 1, 4,"), desk->sample.k, sizeof desk->sample.k);
        else
            assert_int_equal(count_entries(in_folder(path, desk, SAMPLE_FOLDER)), 1);
    }
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(sink.kind->close(&sink, &desk->summary, &desk->error), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        AT_DESK(test_dump_reads_back),
        AT_DESK(test_dump_of_an_fp8_cache_is_raw_bytes),
        AT_DESK(test_dump_of_bf16_is_raw_words),
        AT_DESK(test_dump_names_the_removed_keys),
        AT_DESK(test_dump_overwrites),
        AT_DESK(test_dump_reports_what_cannot_be_written),
        AT_DESK(test_dump_leaves_no_part_of_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
