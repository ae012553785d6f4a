#include "harness/command/judge_other.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/command/judge_claim.h"
#include "harness/library/judged_output.h"
#include "harness/support/source.h"

struct judge_other {
    struct judge_input input; /* of one sequence */
    char *path;
    uint64_t input_digest;
};

/* Whether a text of --other names one of these, and no tensor. */
static bool is_exhibit(const char *text)
{
    struct tensor_archive archive = {.path = NULL};
    struct stat status;
    struct error unused;
    if (stat(text, &status) != 0)
        return false;
    if (S_ISDIR(status.st_mode))
        return true;
    bool archived = tensor_archive_open(&archive, text, &unused) == ERROR_NONE;
    const char *format = archived ? tensor_archive_metadata(&archive, "alibicheck") : NULL;
    bool is_bundle = format && !strcmp(format, BUNDLE_FORMAT);
    tensor_archive_close(&archive);
    return is_bundle;
}

/* ---- the same problem -------------------------------------------------------------------------------------------- */

#define FACT(called, expression)                                  \
    static double called##_of(const struct problem_spec *problem) \
    {                                                             \
        return (double)(expression);                              \
    }

FACT(seq_len, problem->seq_len)
FACT(num_queries, problem_spec_queries(problem))
FACT(num_heads, problem->num_heads)
FACT(num_kv_heads, problem->num_kv_heads)
FACT(head_dim, problem->head_dim)
FACT(scale, problem->scale)
FACT(k_scale, problem->k_scale)
FACT(v_scale, problem->v_scale)
FACT(q_position, problem->q_position)
FACT(kv_offset, problem->kv_offset)
FACT(soft_cap, problem->soft_cap.where ? problem->soft_cap.value : 0)

/* What a digest of tensors does not say, dtypes and where a cap stands apart. */
static const struct {
    const char *name;
    double (*of)(const struct problem_spec *problem);
} facts[] = {
    {"seq_len", seq_len_of},           {"num_queries", num_queries_of}, {"num_heads", num_heads_of},
    {"num_kv_heads", num_kv_heads_of}, {"head_dim", head_dim_of},       {"scale", scale_of},
    {"k_scale", k_scale_of},           {"v_scale", v_scale_of},         {"q_position", q_position_of},
    {"kv_offset", kv_offset_of},       {"soft_cap", soft_cap_of},
};

static const char allowed[] = "an output of the same problem";

static enum error_kind check_facts(const char *path, const struct problem_spec *mine, const struct problem_spec *other,
                                   struct error *error)
{
    char quoted[PATH_QUOTE_SIZE];
    if (mine->dtype != other->dtype || problem_spec_kv_dtype(mine) != problem_spec_kv_dtype(other))
        return error_set(error, ERROR_USAGE,
                         "--other %s: is of %s with a cache of %s, and what is judged of %s with %s; "
                         "allowed: %s",
                         quote_path(quoted, path), dtypes[other->dtype].name, dtypes[problem_spec_kv_dtype(other)].name,
                         dtypes[mine->dtype].name, dtypes[problem_spec_kv_dtype(mine)].name, allowed);
    if (mine->soft_cap.where != other->soft_cap.where)
        return error_set(error, ERROR_USAGE, "--other %s: has its soft cap elsewhere; allowed: %s",
                         quote_path(quoted, path), allowed);
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        if (facts[i].of(mine) != facts[i].of(other))
            return error_set(error, ERROR_USAGE, "--other %s: has %s %.9g, and what is judged %.9g; allowed: %s",
                             quote_path(quoted, path), facts[i].name, facts[i].of(other), facts[i].of(mine), allowed);
    return ERROR_NONE;
}

/* What is said of the digest without reading tensors. */
static bool said_digest(uint64_t *digest, const struct judge_input *input)
{
    const struct judged_sequence *sequence = input->sequences;
    bool is_folder = sequence->source == &sequence->of_folder.source;
    *digest = is_folder ? sequence->of_folder.point.input_digest : input->input_digest;
    return is_folder ? sequence->of_folder.point.has_digest : input->has_digest;
}

/* Reads the tensors, a part at a time. */
static enum error_kind compute_digest(uint64_t *digest, const struct problem_source *source, int threads,
                                      struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    *digest = 0;
    for (int i = 0; i < source->num_parts && !kind; i++) {
        struct inputs inputs = {.digest = 0};
        kind = source->ops->open(source, source->ops->part(source, i), threads, NULL, &inputs, error);
        if (!kind)
            *digest = judge_input_digest(*digest, inputs.digest, source->num_parts);
        inputs_clear(&inputs);
    }
    return kind;
}

enum error_kind judge_other_check(const struct judge_input *input, uint64_t input_digest, struct error *error)
{
    char quoted[PATH_QUOTE_SIZE];
    const struct judge_other *other = input->other;
    if (!other || other->input_digest == input_digest)
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE,
                     "--other %s: its inputs have the digest %016" PRIx64 ", and those of what is judged %016" PRIx64
                     "; allowed: %s",
                     quote_path(quoted, other->path), other->input_digest, input_digest, allowed);
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static enum error_kind open_beside(struct judge_input *input, const char *path, int threads, struct error *error)
{
    const struct judge_options options = {.exhibit = path, .threads = threads};
    char quoted[PATH_QUOTE_SIZE];
    uint64_t digest;
    struct judge_other *other = input->other = calloc(1, sizeof *other);
    if (!other || !(other->path = strdup(path)))
        return error_memory(error, "another output", sizeof *other);
    if (input->num_sequences != 1)
        return error_set(error, ERROR_USAGE,
                         "--other %s: is of one sequence, and %d are judged; allowed: a tensor of the shape of out",
                         quote_path(quoted, path), input->num_sequences);
    enum error_kind kind = judge_input_open(&other->input, &options, error);
    if (!kind)
        kind = check_facts(path, &input->points->problem, &other->input.points->problem, error);
    if (!kind && !said_digest(&other->input_digest, &other->input))
        kind = compute_digest(&other->input_digest, other->input.sequences->source, threads, error);
    if (!kind && said_digest(&digest, input))
        kind = judge_other_check(input, digest, error);
    if (kind)
        return kind;
    input->sequences->other = other->input.sequences->output;
    input->sequences->has_other = true;
    return ERROR_NONE;
}

enum error_kind judge_other_open(struct judge_input *input, const struct judge_options *options, struct error *error)
{
    const char *path = options->values[GIVEN_OTHER];
    struct judge_options of_first = *options;
    char quoted[PATH_QUOTE_SIZE];
    bool without_kv = path && exhibit_bundle_is(path);
    bool keyless = judge_claim_is(options) && !options->values[GIVEN_Q]; /* which has no problem to be the same */
    if (!path || keyless || (!without_kv && !is_exhibit(path)))
        return judge_input_open(input, options, error);
    *input = (struct judge_input){.num_sequences = 0};
    if (without_kv)
        return error_set(error, ERROR_USAGE,
                         "--other %s: is a bundle without k and v, of which nobody can see whether it is of the same "
                         "problem; allowed: a tensor, or %s",
                         quote_path(quoted, path), allowed);
    if (options->values[GIVEN_SAMPLE])
        return error_set(
            error, ERROR_USAGE,
            "--sample: with --other %.200s, whose inputs are known to be the same by all of them; allowed: "
            "--other with a tensor",
            path);
    of_first.values[GIVEN_OTHER] = NULL;
    enum error_kind kind = judge_input_open(input, &of_first, error);
    return kind ? kind : open_beside(input, path, options->threads, error);
}

enum error_kind judge_other_check_files(const struct judge_input *input, struct error *error)
{
    enum error_kind kind = judge_input_check(input, error);
    return kind || !input->other ? kind : judge_input_check(&input->other->input, error);
}

const struct judge_input *judge_other_input(const struct judge_input *input)
{
    return input->other ? &input->other->input : NULL;
}

void judge_other_clear(struct judge_input *input)
{
    struct judge_other *other = input->other;
    if (other) {
        judge_input_clear(&other->input);
        free(other->path);
        free(other);
    }
    judge_input_clear(input);
}
