/* The documentation of cases and recipes, printed from their tables. */
#include <string.h>

#include "harness/case/case.h"
#include "harness/case/case_keys.h"
#include "harness/case/recipe_entry.h"
#include "harness/case/recipe_yaml.h"
#include "harness/support/table.h"

static const char introduction[] =
    "A case file is YAML. Each document is a case: a mapping of the keys below. A key marked * is an axis and takes a\n"
    "list; the case stands for the cross product of its axes, at most %d points. On an axis of whole numbers,\n"
    "0..2 is short for 0, 1, 2; 64..512:+64 for every 64th, 1..1M:x2 for each the double of the one before, as far\n"
    "as they go. k and M are 1000 and 10^6, Ki and Mi 1024 and 1024^2. A key that is left out has its default.\n"
    "`--set KEY=VALUE` replaces what files say.\n"
    "\n"
    "    case: long-context              # required: case, seq_len, num_heads, head_dim\n"
    "    about: The shapes at which far keys are lost.\n"
    "    kernel: [single_pass, split_kv]\n"
    "    seq_len: [729, 33001]\n"
    "    num_heads: 32\n"
    "    head_dim: [128, 256]\n"
    "    sentinel: [-5e4, -inf, adaptive, exclude]\n"
    "    input: {distribution: outliers, channels: 2}\n"
    "    seed: 0..2\n"
    "    tolerance: {atol: 1e-3, rtol: 1e-3}\n"
    "\n";

enum { NUM_COLUMNS = RECIPE_KEY_COLUMNS };

static const int widths[NUM_COLUMNS] = {20, 32, 22, 44};

static void print_row(FILE *stream, const char *const *cells)
{
    table_print_row(stream, widths, NUM_COLUMNS, cells);
}

void case_print_keys(FILE *stream)
{
    static const char *const titles[NUM_COLUMNS] = {"KEY", "VALUES", "DEFAULT", "MEANING"};
    fprintf(stream, introduction, CASE_MAX_POINTS);
    print_row(stream, titles);
    for (int id = 0; id < KEY_COUNT; id++) {
        const struct key *key = &keys[id];
        char name[32], allowed[FIELD_ALLOWED_SIZE], about[ABOUT_TEXT_SIZE];
        snprintf(name, sizeof name, "%s%s", key->field.name, key->axis ? " *" : "");
        const char *cells[NUM_COLUMNS] = {
            name,
            field_allowed(allowed, &key->field),
            key->preset    ? key->preset
            : key->derived ? key->derived
                           : "required",
            key_about(about, key),
        };
        print_row(stream, cells);
    }
}

static const char recipe_introduction[] =
    "A recipe file is YAML. Each document is a recipe: `recipe`, `about`, `source` and keys of the table. A case\n"
    "takes recipes by name or spells one, with `base`, `name` and keys that override those of the base:\n"
    "\n"
    "    recipe: [vllm-paged-v2, {base: vllm-paged-v2, epsilon: 0}, {name: mine, sentinel: -1e4, initial_sum: 1}]\n"
    "\n";

/* Keys that are no fields: those of a file (recipe_library.c), then those of a case (case_recipe.c). */
static const char *const recipe_other_keys[][NUM_COLUMNS] = {
    {"recipe", "1 to 40 of a-z 0-9 . _ -, not all", "required", "In a recipe file alone: its name."},
    {"about", "text", "required", "In a recipe file alone: whose choices it is, and which."},
    {"source", "text", "required", "In a recipe file alone: where each of its numbers is from."},
    {"base", "names of `alibicheck list recipes`", "default", "In a case alone: the recipe that has the other keys."},
    {"name", "1 to 40 of a-z 0-9 . _ -, not all", "BASE:KEY=VALUE:...",
     "In a case alone: what records call the recipe; no name of `alibicheck list recipes`."},
};

_Static_assert((int)RECIPE_NAME_MAX == 40, "allowed values of recipe and name");

bool recipe_key_row(struct recipe_key_row *row, size_t index)
{
    enum { NUM_OTHER_KEYS = sizeof recipe_other_keys / sizeof recipe_other_keys[0] };
    if (index >= recipe_fields.count + NUM_OTHER_KEYS)
        return false;
    if (index >= recipe_fields.count) {
        memcpy(row->cells, recipe_other_keys[index - recipe_fields.count], sizeof row->cells);
        return true;
    }
    const struct field *field = field_at(&recipe_fields, index);
    row->cells[0] = field->name;
    row->cells[1] = field_allowed(row->allowed, field);
    row->cells[2] = field_format(row->sound, field, field_in(field, &recipe_sound));
    row->cells[3] = field->about;
    return true;
}

void recipe_print_keys(FILE *stream)
{
    static const char *const titles[NUM_COLUMNS] = {"KEY", "VALUES", "DEFAULT", "MEANING"};
    struct recipe_key_row row;
    fputs(recipe_introduction, stream);
    print_row(stream, titles);
    for (size_t i = 0; recipe_key_row(&row, i); i++)
        print_row(stream, row.cells);
}
