/* Scalars of case files: what every value type reads them with. */
#include "harness/case/case_keys.h"

enum error_kind value_error(const struct key *key, const struct yaml_node *node, const char *what, struct error *error)
{
    char quoted[QUOTE_SIZE], allowed[ALLOWED_TEXT_SIZE];
    return place_error(error, &node->place, "%s %s: %s; allowed: %s", key->name, what, yaml_quote(quoted, node),
                       key->type->allowed(allowed, key));
}

static enum error_kind number_error(const char *key_name, const char *allowed, const struct yaml_node *node,
                                    const char *what, struct error *error)
{
    char quoted[QUOTE_SIZE];
    return place_error(error, &node->place, "%s %s: %s; allowed: %s", key_name, what, yaml_quote(quoted, node),
                       allowed);
}

enum error_kind parse_number(const char *key_name, const char *allowed, const struct yaml_node *node, double *number,
                             struct error *error)
{
    enum error_kind kind = scalar_check(key_name, allowed, node, error);
    if (kind)
        return kind;
    if (!node->plain)
        return number_error(key_name, allowed, node, "is quoted text, not a number", error);
    enum value_fault fault = number_parse(node->text, node->size, number);
    return fault ? number_error(key_name, allowed, node, value_fault_sentences[fault], error) : ERROR_NONE;
}

enum error_kind parse_float(const char *key_name, const char *allowed, const struct yaml_node *node, float *number,
                            struct error *error)
{
    double exact;
    enum error_kind kind = parse_number(key_name, allowed, node, &exact, error);
    if (kind)
        return kind;
    enum value_fault fault = number_parse_float(node->text, node->size, number);
    return fault ? number_error(key_name, allowed, node, value_fault_sentences[fault], error) : ERROR_NONE;
}
