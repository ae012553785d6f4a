/* A case's points and their names. Files are read in case_list.c, documents in case_document.c. */
#include "harness/case/case.h"

#include <string.h>

#include "harness/case/test_case.h"

static const char *case_text(const struct test_case *test_case, enum key_id id)
{
    const struct axis *axis = &test_case->axes[id];
    return axis->num_segments ? axis->segments[0].first.text : NULL;
}

const char *case_name(const struct test_case *test_case)
{
    return case_text(test_case, KEY_CASE);
}

const char *case_about(const struct test_case *test_case)
{
    return case_text(test_case, KEY_ABOUT);
}

const char *case_because(const struct test_case *test_case)
{
    return case_text(test_case, KEY_BECAUSE);
}

const char *case_known_bugs(const struct test_case *test_case)
{
    return case_text(test_case, KEY_KNOWN_BUGS);
}

const char *case_path(const struct test_case *test_case)
{
    return test_case->path;
}

int case_line(const struct test_case *test_case)
{
    return test_case->line;
}

bool case_from_standard_input(const struct test_case *test_case)
{
    return test_case->standard_input;
}

size_t case_num_points(const struct test_case *test_case)
{
    return test_case->num_points;
}

/* An odometer: the digits are the axes' values, the fastest stage first, later keys before earlier ones. */
static void read_odometer(const struct test_case *test_case, size_t index, uint64_t *digits)
{
    uint64_t left = index;
    for (int stage = STAGE_COUNT - 1; stage >= 0; stage--)
        for (int id = KEY_COUNT - 1; id >= 0; id--)
            if (keys[id].axis && (int)keys[id].stage == stage) {
                uint64_t count = axis_count(&test_case->axes[id]);
                digits[id] = left % count;
                left /= count;
            }
}

void case_point(const struct test_case *test_case, size_t index, struct point *point)
{
    uint64_t digits[KEY_COUNT] = {0};
    read_odometer(test_case, index, digits);
    case_assemble(test_case, digits, point);
    point->index = index;
}

int point_num_sequences(const struct point *point)
{
    return point->batch == BATCH_TOGETHER ? (int)axis_count(&point->test_case->axes[KEY_SEQ_LEN]) : 1;
}

void point_sequence(const struct point *point, int i, struct point *sequence)
{
    uint64_t digits[KEY_COUNT] = {0};
    if (point->batch == BATCH_ALONE) {
        *sequence = *point;
        return;
    }
    read_odometer(point->test_case, point->index, digits);
    digits[KEY_SEQ_LEN] = (uint64_t)i;
    case_assemble(point->test_case, digits, sequence);
}

void point_make_foreign(struct point *point, const struct point_kernel *kernel)
{
    const struct point unset = point_unset;
    const struct kernel_options said = point->kernel_options;
    point->foreign = kernel->name;
    point->foreign_paged = kernel->pages;
    point->foreign_same_bits = kernel->same_bits;
    point->foreign_arithmetic = kernel->arithmetic;
    point->kernel = unset.kernel;
    point->kernel_options = unset.kernel_options;
    if (kernel->pages)
        point->kernel_options.page_size = said.page_size ? said.page_size : kernel->page_size;
    if (point->kernel_options.page_size > 0) { /* else what follows says nothing */
        point->kernel_options.page_seed = said.page_seed;
        point->kernel_options.pool_pages = said.pool_pages;
        point->kernel_options.shared_keys = said.shared_keys;
    }
    point->base_recipe = unset.base_recipe;
    point->expect_fail = false;
    point->signature = SIGNATURE_NONE;
    if (!kernel->bounded)
        point->criterion.mode = JUDGE_TOLERANCE;
}

bool case_says_of_others(const struct test_case *test_case, const struct point *point)
{
    bool says = false;
    for (int id = 0; id < KEY_COUNT; id++)
        says |= keys[id].axis && test_case->axes[id].given && key_is_of_others(&keys[id], point);
    return says;
}

char *point_key(char *text, const struct point *point)
{
    if (point->given) {
        snprintf(text, POINT_KEY_SIZE, "%s", point->given->key);
        return text;
    }
    size_t length = (size_t)snprintf(text, POINT_KEY_SIZE, "%s", case_name(point->test_case));
    char separator = ':';
    if (point->foreign) {
        length += (size_t)snprintf(text + length, POINT_KEY_SIZE - length, ":kernel=%s", point->foreign);
        separator = ',';
    }
    for (int id = 0; id < KEY_COUNT && length < POINT_KEY_SIZE; id++) {
        char value[FIELD_TEXT_SIZE], preset[FIELD_TEXT_SIZE] = "";
        if (!keys[id].axis || !point->test_case->axes[id].given || key_is_of_others(&keys[id], point))
            continue;
        key_format(value, &keys[id], point);
        if (keys[id].preset || keys[id].derived)
            key_default(preset, &keys[id], point);
        if (strcmp(value, preset) == 0)
            continue;
        length +=
            (size_t)snprintf(text + length, POINT_KEY_SIZE - length, "%c%s=%s", separator, keys[id].field.name, value);
        separator = ',';
    }
    return text;
}
