/*
 * The values of case keys that are more than a number, a name or some names.
 */
#ifndef HARNESS_CASE_VALUE_TYPES_H
#define HARNESS_CASE_VALUE_TYPES_H

#include "harness/case/key.h"

/* One line, white space folded; letters, digits, '.', '_' and '-' alone. Fields of type FIELD_TEXT. */
extern const struct value_type type_text, type_name_text;
extern const char name_text_allowed[];

extern const struct value_type type_recipe;

extern const struct value_type type_bugs; /* fields of type FIELD_TEXT */
extern const char known_bugs_allowed[];

extern const struct field_own input_own; /* of a struct input_spec */
extern const struct value_type type_input;

extern const struct field_own mask_own; /* of a struct mask_spec */
extern const struct value_type type_mask;

extern const struct field_own slopes_own; /* of a struct slopes_value */
extern const struct value_type type_slopes;

extern const struct field_own class_own;    /* of a struct class_demand */
extern const struct field_own soft_cap_own; /* of a struct soft_cap_spec */

extern const struct field_own sinks_own; /* of a struct sinks_value */
extern const struct value_type type_sinks;

extern const struct field_own tolerance_own; /* of a struct tolerance; never an axis */

#endif
