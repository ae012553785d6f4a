/* What else is known than the numbers: conventional references, and oracles. */
#include <stdio.h>
#include <string.h>

#include "harness/judge/oracle/oracle.h"
#include "harness/report/review/review_document.h"

void review_write_references(struct document *document, const struct review *review)
{
    if (review->num_references == 0)
        return;
    document_section(document, "against", "Who was wrong");
    document_paragraph(document, "Where kernel and conventional reference differ by more than the tolerance, each side "
                                 "is at fault that is further from the truth than half of it.");
    struct grid *grid = document_grid(document, "The kernel against conventional references");
    grid_column(grid, "reference", NULL, false);
    grid_column(grid, "points", NULL, true);
    grid_column(grid, "points that differ", NULL, true);
    grid_column(grid, "elements that differ", NULL, true);
    grid_column(grid, "kernel alone at fault", NULL, true);
    grid_column(grid, "reference alone", NULL, true);
    grid_column(grid, "both", NULL, true);
    grid_column(grid, "reference itself wrong", "Elements in which it is outside the tolerance.", true);
    grid_column(grid, "its max abs err", "The largest |reference - truth|.", true);
    for (size_t r = 0; r < review->num_references; r++) {
        const struct reference_sum *sum = &review->references[r];
        grid_text(grid, sum->name);
        grid_count(grid, (double)sum->points);
        grid_count(grid, (double)sum->points_differing);
        grid_count(grid, sum->differing);
        grid_count(grid, sum->kernel);
        grid_count(grid, sum->reference);
        grid_count(grid, sum->both);
        grid_count(grid, sum->wrong);
        grid_number(grid, sum->max_abs_err);
    }
}

static const char *oracle_about(const char *name)
{
    for (int o = 0; o < ORACLE_COUNT; o++)
        if (strcmp(name, oracle_names[o]) == 0)
            return oracles[o].about;
    return "-";
}

static const char *const outcomes[] = {"held", "violated", "not_applicable", "not_run"};
enum { OUTCOMES = sizeof outcomes / sizeof outcomes[0] };

void review_write_oracles(struct document *document, const struct review *review)
{
    const char *name;
    json_t *counts;
    if (json_object_size(review->oracles) == 0)
        return;
    document_section(document, "oracles", "Oracles");
    document_paragraph(document, "What must hold of a sound kernel whatever its accuracy, tried on changed copies of "
                                 "the problem.");
    struct grid *grid = document_grid(document, "Points by what came of each oracle");
    grid_column(grid, "oracle", NULL, false);
    grid_column(grid, "held", NULL, true);
    grid_column(grid, "violated", NULL, true);
    grid_column(grid, "not applicable", NULL, true);
    grid_column(grid, "not run", NULL, true);
    grid_column(grid, "what holds of a sound kernel", NULL, false);
    json_object_foreach(review->oracles, name, counts)
    {
        grid_text(grid, name);
        for (int o = 0; o < OUTCOMES; o++) {
            json_int_t count = json_integer_value(json_object_get(counts, outcomes[o]));
            grid_count(grid, (double)count);
        }
        grid_text(grid, oracle_about(name));
    }
}
