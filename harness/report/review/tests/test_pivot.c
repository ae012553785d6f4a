/* Tables that a caller describes: what is in their cells, and which descriptions are refused where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/report/page/document_print.h"
#include "harness/report/review/pivot_document.h"
#include "harness/support/tests/scratch.h"

/* Two seeds on two policies, with heads; a point that was not judged; one of another case. */
static const char *const records[] = {
    "'case':'a','sentinel':'adaptive','seed':1,'status':'pass','mismatched':0,'max_abs_err':0.25,'output_digest':'11',"
    "'heads':[{'head':0,'budget_used':0.5,'max_abs_err':0.25},{'head':1,'budget_used':0.75,'max_abs_err':0.125}]",
    "'case':'a','sentinel':'adaptive','seed':2,'status':'pass','mismatched':0,'max_abs_err':0.5,'output_digest':'22',"
    "'launched':'whole','seconds':{'kernel':0.5,'truth':3},'heads':[]",
    "'case':'a','sentinel':'-50000','seed':1,'status':'fail','mismatched':3,'max_abs_err':'nan','signature':'leak',"
    "'output_digest':'11','heads':[{'head':0,'budget_used':2.5,'max_abs_err':2},"
    "{'head':1,'budget_used':'nan','max_abs_err':1}]",
    "'case':'a','sentinel':'-50000','seed':2,'status':'fail','mismatched':10,'max_abs_err':0.75,'signature':'uniform',"
    "'launched':'parts','seconds':{'kernel':8,'truth':2},"
    "'output_digest':'33','heads':[{'head':1,'budget_used':1.5,'max_abs_err':4}]",
    "'case':'a','sentinel':'exclude','seed':12,'status':'error','mismatched':null,'max_abs_err':null,"
    "'output_digest':null,'heads':null",
    "'case':'b','sentinel':'exclude','seed':1,'status':'pass','mismatched':7,'max_abs_err':1,'output_digest':'11'",
};
enum { NUM_RECORDS = sizeof records / sizeof records[0] };

/* A record with single quotes, and a key of its own. */
static json_t *read_record(const char *text, size_t place)
{
    char whole[1024];
    snprintf(whole, sizeof whole, "{'schema':1,'key':'%zu',%s}", place, text);
    for (char *c = whole; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    json_t *record = json_loads(whole, 0, NULL);
    assert_non_null(record);
    return record;
}

/* The table of the records as CSV, to be freed. */
static char *rows_of(const char *table)
{
    struct pivot *pivot;
    struct document document;
    struct error error = {0};
    char *text = NULL;
    size_t size = 0;
    if (pivot_parse(&pivot, table, &error))
        fail_msg("%s", error.text);
    for (size_t r = 0; r < NUM_RECORDS; r++) {
        json_t *record = read_record(records[r], r);
        assert_int_equal(pivot_add(pivot, record, &error), ERROR_NONE);
        json_decref(record);
    }
    document_begin(&document, NULL);
    assert_int_equal(pivot_write(&document, pivot, NULL, &error), ERROR_NONE);
    FILE *stream = open_memstream(&text, &size);
    assert_true(stream && document_print_csv(stream, &document));
    assert_int_equal(fclose(stream), 0);
    document_clear(&document);
    pivot_free(pivot);
    return text;
}

static const struct {
    const char *table, *csv;
} tables[] = {
    {": count", "'count'\r\n6\r\n"},
    {"sentinel: count", "'sentinel','count'\r\n'adaptive',2\r\n'-50000',2\r\n'exclude',2\r\n"},
    {"seed: count", "'seed','count'\r\n'1',3\r\n'2',2\r\n'12',1\r\n"},
    {"\"who, and: why\" case: \"all\" share, \"bad\" share where status = fail",
     "'who, and: why','all','bad'\r\n'a','5 of 5','2 of 5'\r\n'b','1 of 1','0 of 1'\r\n"},
    {"case x seed: count", "'case','1','2','12'\r\n'a',2,2,1\r\n'b',1,'-','-'\r\n"},
    /* 7 came last but one */
    {"case x mismatched: count", "'case','0','3','7','10','-'\r\n'a',2,1,'-',1,1\r\n'b','-','-',1,'-','-'\r\n"},
    {"mismatched: values case",
     "'mismatched','values case'\r\n'0','a'\r\n'3','a'\r\n'7','b'\r\n'10','a'\r\n'-','a'\r\n"},
    {"x seed: count, \"n\" sum mismatched where seed < 5",
     "'1: count','1: n','2: count','2: n','12: count','12: n'\r\n3,10,2,10,1,0\r\n"},
    {"sentinel: sum mismatched",
     "'sentinel','sum mismatched'\r\n'adaptive',0\r\n'-50000',13\r\n'exclude','7 (1 unknown)'\r\n"},
    {": sum mismatched where status = error", "'sum mismatched where status = error'\r\n'-'\r\n"},
    {": sum mismatched where status = xpass", "'sum mismatched where status = xpass'\r\n0\r\n"},
    {"sentinel: max max_abs_err",
     "'sentinel','max max_abs_err'\r\n'adaptive',0.5\r\n'-50000',nan\r\n'exclude','1 (1 unknown)'\r\n"},
    {"sentinel: min max_abs_err at seed case",
     "'sentinel','min max_abs_err at seed case'\r\n'adaptive','0.25 (seed 1, case a)'\r\n'-50000','0.75 (seed 2, case "
     "a)'\r\n'exclude','1 (seed 1, case b) (1 unknown)'\r\n"},
    {": max max_abs_err at seed where seed = 1", "'max max_abs_err at seed where seed = 1'\r\n'nan (seed 1)'\r\n"},
    {": median mismatched where mismatched != null", "'median mismatched where mismatched != null'\r\n3\r\n"},
    {": median mismatched where mismatched > 0 and mismatched != 3",
     "'median mismatched where mismatched > 0 and mismatched != 3'\r\n10\r\n"},
    {"case: range mismatched where mismatched != null",
     "'case','range mismatched where mismatched != null'\r\n'a','0 to 10'\r\n'b',7\r\n"},
    {": range max_abs_err where max_abs_err != null",
     "'range max_abs_err where max_abs_err != null'\r\n'0.25 to nan'\r\n"},
    /* a sum of launches is no figure of the whole */
    {"sentinel: max seconds.kernel where seed = 2, max seconds.truth where seed = 2",
     "'sentinel','max seconds.kernel where seed = 2','max seconds.truth where seed = 2'\r\n'adaptive',0.5,3\r\n"
     "'-50000','-',2\r\n'exclude','-','-'\r\n"},
    {": values signature", "'values signature'\r\n'leak, uniform'\r\n"},
    {": values seed", "'values seed'\r\n'1, 2, 12'\r\n"},
    /* a NaN of the bound is beyond it; a head is in the group of its record */
    {"sentinel: values heads.head where not heads.budget_used <= 1",
     "'sentinel','values heads.head where not heads.budget_used <= 1'\r\n'adaptive','-'\r\n'-50000','0, "
     "1'\r\n'exclude','-'\r\n"},
    {"sentinel: share where heads.budget_used > 1 and seed = 2",
     "'sentinel','share where heads.budget_used > 1 and seed = 2'\r\n'adaptive','0 of 2'\r\n'-50000','1 of "
     "3'\r\n'exclude','-'\r\n"},
    {"heads.head x sentinel: max heads.max_abs_err",
     "'heads.head','adaptive','-50000'\r\n'0',0.25,2\r\n'1',0.125,4\r\n"},
    {"references.f32_absolute.heads.head: count, sum mismatched",
     "'references.f32_absolute.heads.head','count','sum mismatched'\r\n"},
    {"heads.head: count", "'heads.head','count'\r\n'0',2\r\n'1',3\r\n"},
    /* seed 1: 11 and 11; seed 2: 22 and 33; seed 12: alone, and not known */
    {": same output_digest by case seed", "'same output_digest by case seed'\r\n'1 of 4'\r\n"},
    {": same output_digest by seed where case = a and seed < 3",
     "'same output_digest by seed where case = a and seed < 3'\r\n'1 of 2'\r\n"},
    {": same output_digest status by case seed", "'same output_digest status by case seed'\r\n'0 of 4'\r\n"},
    {"sentinel: \"s\" same output_digest by case seed as sentinel = adaptive",
     "'sentinel','s'\r\n'adaptive','2 of 2'\r\n'-50000','1 of 2'\r\n'exclude','0 of 2'\r\n"},
    /* two models that differ are none */
    {": \"s\" same output_digest by case as sentinel = adaptive", "'s'\r\n'0 of 6'\r\n"},
    {": \"s\" same output_digest by seed as sentinel = adaptive where case = b", "'s'\r\n'1 of 1'\r\n"},
    {": \"one\" count where (status = 'a, b' or sentinel = '-50000'), \"two\" count where status = 'where'",
     "'one','two'\r\n2,0\r\n"},
};

static void test_cells_have_what_is_asked_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        char *csv = rows_of(tables[i].table);
        for (char *c = csv; *c; c++)
            *c = *c == '"' ? '\'' : *c;
        assert_string_equal(csv, tables[i].csv);
        free(csv);
    }
}

static const struct {
    const char *text, *place, *what;
} refused[] = {
    {"", ":1:", "no colon"},
    {"sentinel count", ":1:", "no colon"},
    {"sentinel: ", ":11:", "no measure"},
    {"sentinel: count,", ":17:", "no measure"},
    {"sentinel: number", ":11:", "no measure"},
    {"sentinal: count", ":1:", "did you mean 'sentinel'?"},
    {"sentinel: max", ":11:", "a field is missing"},
    {"sentinel: max signature", ":11:", "is of a field without numbers"},
    {"sentinel: max mismatched elements", ":11:", "takes one field"},
    {"sentinel: count mismatched", ":11:", "takes no field"},
    {"sentinel: max heads", ":11:", "is of a field without numbers"},
    {"sentinel: same output_digest", ":11:", "does not say of which points"},
    {"sentinel: count at seed", ":17:", "is no clause here"},
    {"sentinel: max mismatched by seed", ":26:", "is no clause here"},
    {"sentinel: count where seed = 1 where seed = 2", ":32:", "is no clause here"},
    {"sentinel: count where sed = 1", "'sed = 1':1:", "unknown field"},
    {"sentinel: count where", "--table '':1:", "a field is missing"},
    {"sentinel x: count", ":11:", "fields of columns are missing"},
    {"sentinel x seed x case: count", ":17:", "there are two x"},
    {"heads.head: max references.f32_absolute.heads.head", ":12:", "is of two lists"},
    {"heads.head.head: count", ":1:", "unknown field"},
    {"sentinel: count where key = 'a", ":10:", "a quote is not closed"},
    {"\"sentinel: count", ":1:", "no colon"},
    {"kernel kernel kernel kernel kernel kernel kernel kernel kernel: count", ":57:", "too many fields"},
};

static void test_what_means_nothing_is_refused_at_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct pivot *pivot;
        struct error error = {0};
        assert_int_equal(pivot_parse(&pivot, refused[i].text, &error), ERROR_USAGE);
        assert_null(pivot);
        if (!strstr(error.text, refused[i].place) || !strstr(error.text, refused[i].what))
            fail_msg("%s: %s", refused[i].text, error.text);
    }
}

static void write_records(const char *path, const char *first, const char *second)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "%s\n%s\n", first, second);
    assert_int_equal(fclose(file), 0);
}

/* Reads two records of one point. */
static enum error_kind read_two(const char *first, const char *second, char **csv, struct error *error)
{
    char path[SCRATCH_SIZE];
    int descriptor = scratch_file(path, "test_pivot");
    assert_true(descriptor >= 0);
    fclose(fdopen(descriptor, "w"));
    write_records(path, first, second);
    const char *const paths[] = {path}, *const table[] = {"status: count"};
    const struct pivot_request request = {.records = paths, .num_records = 1, .tables = table, .num_tables = 1};
    struct document document;
    size_t size = 0;
    document_begin(&document, NULL);
    size_t missing;
    enum error_kind kind = pivot_document(&document, &request, &missing, error);
    FILE *stream = open_memstream(csv, &size);
    document_print_csv(stream, &document);
    fclose(stream);
    document_clear(&document);
    remove(path);
    return kind;
}

static void test_a_point_counts_once(void **state)
{
    (void)state;
    static const char pass[] = "{\"schema\":1,\"key\":\"k\",\"device\":\"host\",\"status\":\"pass\"}",
                      fails[] = "{\"schema\":1,\"key\":\"k\",\"device\":\"host\",\"status\":\"fail\"}",
                      on_gpu[] = "{\"schema\":1,\"key\":\"k\",\"device\":\"cuda\",\"status\":\"pass\"}";
    struct error error = {0};
    char *csv = NULL;
    assert_int_equal(read_two(pass, pass, &csv, &error), ERROR_NONE);
    assert_string_equal(csv, "\"status\",\"count\"\r\n\"pass\",1\r\n");
    free(csv);
    assert_int_equal(read_two(pass, on_gpu, &csv, &error), ERROR_NONE);
    assert_string_equal(csv, "\"status\",\"count\"\r\n\"pass\",2\r\n");
    free(csv);
    assert_int_equal(read_two(pass, fails, &csv, &error), ERROR_USAGE);
    assert_non_null(strstr(error.text, ":2: 'k' ends otherwise"));
    free(csv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells_have_what_is_asked_for),
        cmocka_unit_test(test_what_means_nothing_is_refused_at_its_place),
        cmocka_unit_test(test_a_point_counts_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
