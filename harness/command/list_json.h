/*
 * The lists as JSON Lines, an object a row: what `alibicheck list TOPIC --json` prints. Of a member that is not known,
 * and of a default where there is none, the value is null.
 */
#ifndef HARNESS_COMMAND_LIST_JSON_H
#define HARNESS_COMMAND_LIST_JSON_H

#include "harness/run/selection.h"

/* Prints a topic's rows. ERROR_SYSTEM if memory is short; what is wrong with stdout is the caller's to look at. */
typedef enum error_kind list_json(const struct selection *selection, const struct selection_options *asked,
                                  struct error *error);

list_json list_json_kernels, list_json_devices, list_json_keys, list_json_recipes, list_json_recipe_keys,
    list_json_record_fields, list_json_oracles, list_json_abilities, list_json_signatures, list_json_classes,
    list_json_changes, list_json_cases, list_json_points;

/* What a word of a class means (class_word). */
const char *class_word_meaning(int index);

#endif
