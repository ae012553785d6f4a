#include "harness/library/explained_element.h"

#include <inttypes.h>
#include <math.h>

#include "harness/support/json_value.h"

enum error_kind explained_element_find(struct explained_element *element, const struct problem *problem, double out,
                                       double truth, int64_t index, struct error *error)
{
    const struct exhibit exhibit = {.problem = problem};
    int row = (int)(index / problem->head_dim), dim = (int)(index % problem->head_dim);
    double err = fabs(out - truth);
    *element = (struct explained_element){
        .query = row / problem->num_heads,
        .head = row % problem->num_heads,
        .dim = dim,
        .out = out,
        .truth = truth,
        .err = err,
        .ulp = isfinite(truth) ? err / dtype_ulp(problem->dtype, truth) : (double)NAN,
        .dtype = problem->dtype,
    };
    return row_terms_find(element->terms, EXPLAINED_TERMS, &element->num_terms, &exhibit, row, dim, error);
}

/* ---- for people -------------------------------------------------------------------------------------------------- */

/* NaN without the sign that printf would show. */
static double plain(double number)
{
    return isnan(number) ? (double)NAN : number;
}

/* " = out" where the output is what it would be then. */
static const char *mark(double value, double out, enum dtype dtype)
{
    return isfinite(value) && isfinite(out) && fabs(value - out) <= dtype_ulp(dtype, value) ? " = out" : "";
}

/* The exact result is not that, too: what it is within an ulp of both tells nothing. */
static void print_term(FILE *stream, const struct row_term *term, const struct explained_element *element)
{
    double out = element->out;
    enum dtype dtype = element->dtype;
    bool tells = !(element->ulp <= 2);
    fprintf(stream, "  %10" PRId64 " %10" PRId64 " %11.5g %11.5g %11.4g %11.5g %13.7g%s %13.7g%s\n", term->key,
            term->distance, term->bias, term->logit, term->weight, term->value, plain(term->dropped),
            tells ? mark(term->dropped, out, dtype) : "", plain(term->doubled),
            tells ? mark(term->doubled, out, dtype) : "");
}

void explained_element_print(FILE *stream, const struct explained_element *element, const char *called)
{
    fprintf(stream, "  %s: query %d, head %d, dim %d: out %.9g, truth %.9g, error %.3g, %.3g ulp\n", called,
            element->query, element->head, element->dim, plain(element->out), plain(element->truth),
            plain(element->err), plain(element->ulp));
    fprintf(stream, "  %10s %10s %11s %11s %11s %11s %13s %13s\n", "key", "distance", "bias", "logit", "weight", "v",
            "without it", "with it twice");
    for (int i = 0; i < element->num_terms; i++)
        print_term(stream, &element->terms[i], element);
}

/* ---- for records ------------------------------------------------------------------------------------------------- */

static const struct record_field term_rows[] = {
    {RECORD_MEMBER("key", struct row_term, key, WHOLE, "The key.")},
    {RECORD_MEMBER("distance", struct row_term, distance, WHOLE, "Its position less that of the query."),
     .unit = "keys"},
    {RECORD_MEMBER("bias", struct row_term, bias, REAL, "slope * distance."), .unit = "nats"},
    {RECORD_MEMBER("logit", struct row_term, logit, REAL, "The logit, its bias included."), .unit = "nats"},
    {RECORD_MEMBER("weight", struct row_term, weight, REAL, "Its share of the row's weights.")},
    {RECORD_MEMBER("v", struct row_term, value, REAL, "Its v at the element, v_scale included.")},
    {RECORD_MEMBER("without", struct row_term, dropped, REAL, "The element if the key were not there.")},
    {RECORD_MEMBER("twice", struct row_term, doubled, REAL, "The element if the key were there twice.")},
};
static const struct record_fields term_fields = RECORD_FIELDS(term_rows);

static json_t *list_terms(const struct record_field *field, const void *member)
{
    (void)field;
    const struct explained_element *element = member;
    json_t *terms = json_array();
    bool complete = terms;
    for (int i = 0; complete && i < element->num_terms; i++)
        complete = json_array_append_new(terms, record_fields_to_json(&term_fields, &element->terms[i])) == 0;
    return json_finish(terms, complete);
}

static const struct record_field rows[] = {
    {RECORD_MEMBER("query", struct explained_element, query, WHOLE, "Where it is.")},
    {RECORD_MEMBER("head", struct explained_element, head, WHOLE, "Where it is.")},
    {RECORD_MEMBER("dim", struct explained_element, dim, WHOLE, "Where it is.")},
    {RECORD_MEMBER("out", struct explained_element, out, REAL, "What the output has there.")},
    {RECORD_MEMBER("truth", struct explained_element, truth, REAL, "The exact result.")},
    {RECORD_MEMBER("error", struct explained_element, err, REAL, "How far they are apart.")},
    {RECORD_MEMBER("ulp", struct explained_element, ulp, REAL, "The same in ulp of the output's dtype."),
     .unit = "ulp"},
    {RECORD_NAMED("terms", "The keys that weigh most, up to 8, the largest weights first."), .value = list_terms,
     .members = &term_fields, .is_list = true},
};
const struct record_fields record_explained_fields = RECORD_FIELDS(rows);
