#include "harness/command/judge_explain.h"

#include <stdio.h>
#include <string.h>

#include "harness/support/file.h"

enum error_kind judge_explain_find(struct explained_element *element, bool *found, const struct record *record,
                                   int64_t wanted, struct error *error)
{
    const struct problem *problem = record->problem;
    int64_t index = !record->verdict ? -1 : wanted >= 0 ? wanted : record->verdict->total.worst;
    float out;
    *found = problem && problem->k && problem->v && index >= 0;
    if (!*found)
        return ERROR_NONE;
    dtype_widen(problem->dtype, record->output->out, (size_t)index, 1, &out);
    return explained_element_find(element, problem, (double)out, record->truth->value[index], index, error);
}

/* Rows of one class after another: "  class f32: heads 0-3, 5". */
static void print_classes(const struct record *record)
{
    const struct class_report *report = record->classes;
    int heads = record->problem->num_heads;
    char name[CLASS_NAME_SIZE], other[CLASS_NAME_SIZE];
    for (int row = 0; row < report->num_rows; row++) {
        struct class_whole whole;
        bool said = false;
        class_of_row(&whole, report, row);
        class_name(name, &whole);
        for (int earlier = 0; earlier < row && !said; earlier++) {
            class_of_row(&whole, report, earlier);
            said = !strcmp(class_name(other, &whole), name);
        }
        if (said)
            continue;
        printf("  class %s: %s", name, report->num_rows > heads ? "rows (query:head)" : "heads");
        int shown = 0;
        for (int same = row; same < report->num_rows; same++) {
            class_of_row(&whole, report, same);
            if (strcmp(class_name(other, &whole), name) != 0)
                continue;
            if (report->num_rows > heads)
                printf("%s %d:%d", shown++ ? "," : "", same / heads, same % heads);
            else
                printf("%s %d", shown++ ? "," : "", same);
        }
        printf("\n");
    }
}

enum error_kind judge_explain(const struct record *record, const struct explained_element *element, const char *called,
                              struct error *error)
{
    if (element) {
        printf("\n");
        explained_element_print(stdout, element, called);
    }
    if (record->verdict && record->classes)
        print_classes(record);
    return file_flush(stdout, error);
}
