#include "harness/report/page/document_print.h"

#include <jansson.h>
#include <math.h>

#include "harness/support/json_value.h"

static json_t *cell_to_json(const struct cell *cell)
{
    if (cell->kind != CELL_NUMBER)
        return json_from_text(cell->text);
    bool whole = cell->value == rint(cell->value) && fabs(cell->value) < 0x1p53;
    return whole ? json_integer((json_int_t)cell->value) : json_from_double(cell->value);
}

static json_t *grid_to_json(const struct grid *grid)
{
    json_t *columns = json_array(), *rows = json_array(), *object = json_object();
    bool complete = columns && rows && object;
    for (size_t c = 0; c < grid->num_columns && complete; c++)
        complete = json_array_append_new(columns, json_from_text(grid->columns[c].title)) == 0;
    for (size_t r = 0; r < grid_rows(grid) && complete; r++) {
        json_t *row = json_array();
        for (size_t c = 0; c < grid->num_columns && complete; c++)
            complete = json_array_append_new(row, cell_to_json(&grid->cells[r * grid->num_columns + c])) == 0;
        complete = json_array_append_new(rows, row) == 0 && complete;
    }
    complete = complete && json_put(object, "caption", json_from_text(grid->caption)) &&
               json_object_set(object, "columns", columns) == 0 && json_object_set(object, "rows", rows) == 0 &&
               json_put(object, "rows_in_all", json_integer((json_int_t)grid->rows_in_all));
    json_decref(columns);
    json_decref(rows);
    return json_finish(object, complete);
}

/* A block as an object with one member; of what is no text or table, NULL. */
static json_t *block_to_json(const struct block *block)
{
    static const char *const names[BLOCK_KIND_COUNT] = {
        [BLOCK_SUBSECTION] = "heading", [BLOCK_PARAGRAPH] = "text", [BLOCK_CODE] = "command", [BLOCK_ITEM] = "point"};
    json_t *object = json_object();
    bool complete = block->kind == BLOCK_GRID ? json_put(object, "table", grid_to_json(block->grid))
                                              : json_put(object, names[block->kind], json_from_text(block->text));
    return json_finish(object, complete);
}

static bool has_json(const struct block *block)
{
    return block->kind == BLOCK_GRID || block->kind == BLOCK_SUBSECTION || block->kind == BLOCK_PARAGRAPH ||
           block->kind == BLOCK_CODE || block->kind == BLOCK_ITEM;
}

/* A new section at the end of the list: its list of blocks, which the section owns; or NULL. */
static json_t *add_section(json_t *sections, const char *name, const char *heading)
{
    json_t *section = json_object(), *blocks = json_array();
    bool complete = section && blocks && json_put(section, "name", json_from_text(name)) &&
                    json_put(section, "heading", json_from_text(heading)) &&
                    json_object_set(section, "blocks", blocks) == 0;
    complete = json_array_append_new(sections, section) == 0 && complete;
    json_decref(blocks);
    return complete ? blocks : NULL;
}

static json_t *document_to_json(const struct document *document)
{
    json_t *object = json_object(), *sections = json_array();
    json_t *blocks = add_section(sections, "verdict", "Verdict");
    bool complete = object && json_put(object, "schema", json_integer(1)) &&
                    json_put(object, "title", json_from_text(document->title));
    for (size_t b = 0; b < document->num_blocks && complete && blocks; b++) {
        const struct block *block = &document->blocks[b];
        if (block->kind == BLOCK_VERDICT) {
            complete = json_put(object, "good", json_boolean(block->tone == TONE_GOOD)) &&
                       json_put(object, "verdict", json_from_text(block->text));
        } else if (block->kind == BLOCK_SECTION) {
            blocks = add_section(sections, block->name, block->text);
        } else if (has_json(block)) {
            complete = json_array_append_new(blocks, block_to_json(block)) == 0;
        }
    }
    complete = complete && blocks && json_object_set(object, "sections", sections) == 0;
    json_decref(sections);
    return json_finish(object, complete);
}

bool document_print_json(FILE *stream, const struct document *document)
{
    json_t *object = document->spoilt ? NULL : document_to_json(document);
    bool complete = object && json_dumpf(object, stream, JSON_INDENT(1) | JSON_PRINT_FLAGS) == 0;
    if (complete)
        putc('\n', stream);
    json_decref(object);
    return complete;
}
