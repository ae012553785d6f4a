#include "harness/case/test_case.h"

#include <stdlib.h>

void case_free(struct test_case *test_case)
{
    if (!test_case)
        return;
    for (int id = 0; id < KEY_COUNT; id++)
        axis_clear(&test_case->axes[id], &keys[id]);
    free(test_case->path);
    free(test_case);
}

void case_assemble(const struct test_case *test_case, const uint64_t *index, struct point *point)
{
    *point = point_unset;
    point->test_case = test_case;
    for (int id = 0; id < KEY_COUNT; id++) {
        uint64_t step = 0;
        const struct segment *segment = axis_at(&test_case->axes[id], index[id], &step);
        if (segment)
            key_apply(&keys[id], &segment->first, step, point);
    }
    point_derive(point);
    if (point->batch == BATCH_TOGETHER)
        point->problem.sequence = (int)index[KEY_SEQ_LEN];
}
