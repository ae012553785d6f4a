#include "harness/evaluate/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>
#include <xxhash.h>

#include "harness/evaluate/point_subject.h"
#include "harness/judge/poison.h"
#include "reference/float_environment.h"

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The work on a point, while it goes on. */
struct work {
    struct evaluator *evaluator;
    struct evaluation *evaluation;
    const struct point *point;
    struct shipped_subject shipped; /* of the point */
    struct rounding_model rounding;
    struct truth_cache_entry *entry;
    unsigned references; /* those still to be computed */
};

/* Some heads of the work: a part's problem, and where its results go. */
struct part_work {
    const struct problem *problem;
    struct output output;
    struct truth truth;
    double *bound, *lse_bound;
    int first_head;
};

static long part_keys(const struct part_work *part)
{
    return (long)part->problem->seq_len * part->problem->num_heads;
}

/* The inputs of a part, made unless they are at hand; *part looks at them and at the part's place in the results. */
static enum error_kind open_part(struct part_work *part, struct work *work, int index, struct error *error)
{
    struct evaluator *evaluator = work->evaluator;
    const struct problem_spec *spec = &work->point->problem;
    struct part heads = problem_spec_part(spec, index);
    if (!evaluator->have_inputs || evaluator->inputs_part != index ||
        !problem_spec_equal(&evaluator->inputs_of, spec)) {
        double start = now_s();
        inputs_clear(&evaluator->inputs);
        evaluator->have_inputs = false;
        progress_display_step(evaluator->display, "inputs", 0);
        enum error_kind kind =
            inputs_generate(&evaluator->inputs, spec, heads, evaluator->threads, evaluator->progress, error);
        work->evaluation->seconds.inputs += now_s() - start;
        if (kind)
            return kind;
        evaluator->inputs_of = *spec;
        evaluator->inputs_part = index;
        evaluator->have_inputs = true;
    }
    int first_head = heads.kv_head * (spec->num_heads / spec->num_kv_heads);
    size_t first = (size_t)first_head * (size_t)spec->head_dim;
    const struct output *output = &work->evaluation->output;
    *part = (struct part_work){
        .problem = &evaluator->inputs.problem,
        .output = {(char *)output->out + first * dtypes[spec->dtype].size_bytes, output->lse + first_head},
        .truth = truth_part(&work->entry->truth, first_head, evaluator->inputs.problem.num_heads),
        .bound = work->evaluation->bound + first,
        .lse_bound = work->evaluation->lse_bound + first_head,
        .first_head = first_head,
    };
    return ERROR_NONE;
}

/* The part alone or, of a batch, the whole problem in its place among its companions. */
static enum error_kind run_kernel(struct work *work, struct part_work *part, struct error *error)
{
    const struct point *point = work->point;
    struct evaluator *evaluator = work->evaluator;
    struct companions *companions = &evaluator->companions;
    const struct subject *subject = &work->shipped.subject;
    struct sequences sequences = {part->problem, &part->output, 1};
    enum error_kind kind = ERROR_NONE;
    double seconds = 0, start = now_s();
    if (point->batch == BATCH_TOGETHER) {
        progress_display_step(evaluator->display, "inputs of the batch", 0);
        kind = companions_make(companions, point, evaluator->threads, evaluator->progress, error);
        work->evaluation->seconds.inputs += now_s() - start;
        if (kind)
            return kind;
        companions->problems[point->problem.sequence] = *part->problem;
        companions->outputs[point->problem.sequence] = part->output;
        sequences = (struct sequences){companions->problems, companions->outputs, companions->count};
    }
    progress_display_step(evaluator->display, "kernel", 0);
    kind = subject->ops->run(subject, &sequences, NULL, &seconds, error);
    work->evaluation->seconds.kernel += seconds;
    return kind;
}

/* How far another contract's truth lies from that of the inputs. */
static enum error_kind measure_contract(struct work *work, struct part_work *part, struct truth_options options,
                                        struct error *error)
{
    struct truth of_inputs;
    options.contract = NULL;
    options.progress = NULL; /* its work is not counted */
    enum error_kind kind = truth_init(&of_inputs, part->problem, error);
    if (!kind)
        kind = truth_compute(&of_inputs, TRUTH_CERTIFIED, part->problem, &options, error);
    if (!kind)
        work->entry->contract_distance = fmax(work->entry->contract_distance, truth_distance(&part->truth, &of_inputs));
    truth_clear(&of_inputs);
    return kind;
}

static enum error_kind compute_truth(struct work *work, struct part_work *part, enum truth_method method,
                                     struct error *error)
{
    struct evaluator *evaluator = work->evaluator;
    struct truth_contract contract = problem_spec_contract(&work->point->problem, part->first_head);
    struct truth_options options = {
        .precision = work->point->truth_precision,
        .threads = evaluator->threads,
        .progress = evaluator->progress,
        .contract = &contract,
    };
    double start = now_s();
    progress_display_step(evaluator->display, "truth", part_keys(part));
    enum error_kind kind = truth_compute(&part->truth, method, part->problem, &options, error);
    work->entry->truth.plain_heads += part->truth.plain_heads;
    work->entry->truth.contract =
        problem_spec_contract(&work->point->problem, 0); /* truth_part goes on to a part's heads */
    if (!kind && contract.of != TRUTH_OF_INPUTS)
        kind = measure_contract(work, part, options, error);
    work->evaluation->seconds.truth += now_s() - start;
    return kind;
}

static enum error_kind compute_bound(struct work *work, struct part_work *part, struct error *error)
{
    double start = now_s();
    progress_display_step(work->evaluator->display, "bound", 0);
    enum error_kind kind = error_bounds(part->bound, part->lse_bound, &work->rounding, part->problem, &part->truth,
                                        work->evaluator->threads, work->evaluator->progress, error);
    work->evaluation->seconds.judge += now_s() - start;
    return kind;
}

static enum error_kind compute_references(struct work *work, struct part_work *part, struct error *error)
{
    struct evaluator *evaluator = work->evaluator;
    const struct problem_spec *spec = &work->point->problem;
    double start = now_s();
    enum error_kind kind = ERROR_NONE;
    for (enum conventional c = 0; c < CONVENTIONAL_COUNT && !kind; c++) {
        if (!(work->references >> c & 1))
            continue;
        double *out = work->entry->references[c], *lse = out + (size_t)spec->num_heads * (size_t)spec->head_dim;
        progress_display_step(evaluator->display, conventionals[c].name, part_keys(part));
        kind = conventional_attention(c, part->problem, evaluator->threads, evaluator->progress,
                                      out + (size_t)part->first_head * (size_t)spec->head_dim, lse + part->first_head,
                                      error);
    }
    if (work->references)
        work->evaluation->seconds.reference += now_s() - start;
    return kind;
}

static enum error_kind run_oracles(struct work *work, struct part_work *part, struct error *error)
{
    struct oracle_inquiry inquiry = {
        .subject = &work->shipped.subject,
        .problem = part->problem,
        .truth = &part->truth,
        .threads = work->evaluator->threads,
        .progress = NULL, /* its work is not counted */
    };
    double start = now_s();
    progress_display_step(work->evaluator->display, "oracles", 0);
    enum error_kind kind = oracles_run(&work->evaluation->oracles, &inquiry, work->point->oracles, error);
    work->evaluation->seconds.oracles += now_s() - start;
    return kind;
}

/* Finds or makes the point's entry in the cache; *fresh says that its truth is still to be computed. */
static enum error_kind open_entry(struct work *work, enum truth_method method, bool *fresh, struct error *error)
{
    const struct point *point = work->point;
    work->entry = truth_cache_find(&work->evaluator->cache, &point->problem, method, point->truth_precision);
    *fresh = work->entry == NULL;
    if (*fresh)
        work->entry = truth_cache_begin(&point->problem, method, point->truth_precision);
    if (!work->entry)
        return error_memory(error, "the truth", 4.0 * point->problem.num_heads * point->problem.head_dim * 8);
    return ERROR_NONE;
}

/* One pass over the parts: everything that needs their inputs. Digests and seconds are added up. */
static enum error_kind work_through(struct work *work, enum truth_method method, bool with_kernel, struct error *error)
{
    struct evaluator *evaluator = work->evaluator;
    struct evaluation *evaluation = work->evaluation;
    int parts = problem_spec_parts(&work->point->problem);
    uint64_t digest = 0;
    bool fresh;
    enum error_kind kind = open_entry(work, method, &fresh, error);
    evaluation->seconds.truth_shared = !fresh;
    work->references = with_kernel && !kind ? work->point->references & ~work->entry->have_references : 0;
    for (enum conventional c = 0; c < CONVENTIONAL_COUNT && !kind; c++)
        if (work->references >> c & 1)
            kind = truth_cache_add_reference(&evaluator->cache, work->entry, c, error);

    for (int i = 0; i < parts && !kind; i++) {
        struct part_work part;
        kind = open_part(&part, work, i, error);
        if (!kind && with_kernel)
            kind = run_kernel(work, &part, error);
        if (!kind && fresh)
            kind = compute_truth(work, &part, method, error);
        if (!kind)
            kind = compute_bound(work, &part, error);
        if (!kind)
            kind = compute_references(work, &part, error);
        if (!kind && with_kernel && i == 0)
            kind = run_oracles(work, &part, error);
        if (!kind) {
            uint64_t pair[2] = {digest, evaluator->inputs.digest};
            digest = parts == 1 ? evaluator->inputs.digest : XXH64(pair, sizeof pair, 0);
        }
    }
    if (kind) {
        if (fresh)
            truth_cache_drop(work->entry);
        return kind;
    }
    work->entry->have_references |= work->references;
    if (fresh)
        truth_cache_keep(&evaluator->cache, work->entry);
    evaluation->input_digest = digest;
    evaluation->truth = &work->entry->truth;
    evaluation->truth_digest = work->entry->digest;
    evaluation->contract_distance = work->entry->contract_distance;
    return ERROR_NONE;
}

/* The whole problem as far as judging needs it: shapes, q and slopes; k and v if they are in memory. */
static struct problem whole_of(const struct inputs *inputs, const struct problem_spec *spec)
{
    struct problem whole = inputs->problem;
    bool in_parts = whole.num_kv_heads < spec->num_kv_heads;
    whole.place = (struct head_place){.num_heads = 0};
    whole.num_heads = spec->num_heads;
    whole.num_kv_heads = spec->num_kv_heads;
    whole.q = inputs->q;
    whole.slopes = inputs->slopes;
    whole.k = in_parts ? NULL : whole.k;
    whole.v = in_parts ? NULL : whole.v;
    return whole;
}

static struct exhibit exhibit_of(const struct work *work)
{
    const struct evaluation *evaluation = work->evaluation;
    return (struct exhibit){
        .problem = &evaluation->problem,
        .output = &evaluation->output,
        .truth = evaluation->truth,
        .bound = evaluation->bound,
        .lse_bound = evaluation->lse_bound,
        .criterion = work->point->criterion,
    };
}

static enum error_kind reach_verdict(struct work *work, struct error *error)
{
    struct evaluation *evaluation = work->evaluation;
    const struct exhibit exhibit = exhibit_of(work);
    double start = now_s();
    verdict_clear(&evaluation->verdict);
    enum error_kind kind = verdict_reach(&evaluation->verdict, &exhibit, error);
    evaluation->seconds.judge += now_s() - start;
    return kind;
}

static enum error_kind find_signature(struct work *work, struct error *error)
{
    struct evaluation *evaluation = work->evaluation;
    const struct exhibit exhibit = exhibit_of(work);
    double start = now_s();
    if (criterion_decide(&work->point->criterion, &evaluation->verdict.total) == DECISION_PASS)
        return ERROR_NONE;
    progress_display_step(work->evaluator->display, "signature", 0);
    enum error_kind kind =
        signature_find(&evaluation->finding, &exhibit, &evaluation->verdict, work->evaluator->threads, error);
    evaluation->seconds.judge += now_s() - start;
    return kind;
}

static enum error_kind find_faults(struct work *work, const struct truth_cache_entry *entry, struct error *error)
{
    struct evaluation *evaluation = work->evaluation;
    const struct exhibit exhibit = exhibit_of(work);
    enum error_kind kind = ERROR_NONE;
    double start = now_s();
    for (enum conventional c = 0; c < CONVENTIONAL_COUNT && !kind; c++)
        if (work->point->references >> c & 1)
            kind = fault_find(&evaluation->faults[c], &exhibit, entry->references[c],
                              entry->references[c] + problem_elements(&evaluation->problem), error);
    evaluation->seconds.judge += now_s() - start;
    return kind;
}

static uint64_t digest_output(const struct output *output, const struct problem *problem)
{
    size_t size_bytes = (size_t)problem_elements(problem) * dtypes[problem->dtype].size_bytes;
    return XXH64(output->lse, (size_t)problem->num_heads * sizeof(float), XXH64(output->out, size_bytes, 0));
}

/* A problem without its tensors. */
static struct problem shape_of(const struct problem_spec *spec)
{
    return (struct problem){.num_heads = spec->num_heads,
                            .head_dim = spec->head_dim,
                            .dtype = spec->dtype,
                            .seq_len = spec->seq_len,
                            .num_kv_heads = spec->num_kv_heads,
                            .kv_format = spec->kv_format,
                            .k_scale = spec->k_scale,
                            .v_scale = spec->v_scale,
                            .q_position = spec->q_position,
                            .kv_offset = spec->kv_offset,
                            .scale = spec->scale};
}

enum error_kind evaluate(struct evaluator *evaluator, struct evaluation *evaluation, const struct point *point,
                         struct error *error)
{
    FLOAT_ENVIRONMENT_DEFAULT();
    const struct problem_spec *spec = &point->problem;
    struct problem shape = shape_of(spec);
    size_t elements = (size_t)problem_elements(&shape);
    struct work work = {
        .evaluator = evaluator,
        .evaluation = evaluation,
        .point = point,
        .shipped = point_subject(point, evaluator->device),
    };
    work.rounding = work.shipped.subject.ops->rounding(&work.shipped.subject, &shape);
    *evaluation = (struct evaluation){
        .output = {malloc(elements * dtypes[spec->dtype].size_bytes), malloc((size_t)spec->num_heads * sizeof(float))},
        .bound = malloc(elements * sizeof(double)),
        .lse_bound = malloc((size_t)spec->num_heads * sizeof(double)),
    };
    if (!evaluation->output.out || !evaluation->output.lse || !evaluation->bound || !evaluation->lse_bound)
        return error_memory(error, "the output", (double)elements * (sizeof(float) + sizeof(double)));
    output_poison(&evaluation->output, &shape);

    enum error_kind kind = work_through(&work, point->truth_method, true, error);
    if (kind)
        return kind;
    const struct truth_cache_entry *with_references = work.entry;
    evaluation->problem = whole_of(&evaluator->inputs, spec);
    kind = reach_verdict(&work, error);
    if (!kind)
        kind = find_faults(&work, with_references, error);
    /* What a certificate leaves undecided is judged again by MPFR. */
    if (!kind && evaluation->verdict.total.undecided > 0 && point->truth_method != TRUTH_PLAIN) {
        kind = work_through(&work, TRUTH_PLAIN, false, error);
        if (!kind)
            kind = reach_verdict(&work, error);
    }
    if (!kind)
        kind = find_signature(&work, error);
    output_unite_nans(&evaluation->output, &shape);
    evaluation->output_digest = digest_output(&evaluation->output, &shape);
    return kind;
}

void evaluation_clear(struct evaluation *evaluation)
{
    for (int c = 0; c < CONVENTIONAL_COUNT; c++)
        fault_clear(&evaluation->faults[c]);
    verdict_clear(&evaluation->verdict);
    free(evaluation->output.out);
    free(evaluation->output.lse);
    free(evaluation->bound);
    free(evaluation->lse_bound);
    *evaluation = (struct evaluation){.truth = NULL};
}

void evaluator_clear(struct evaluator *evaluator)
{
    inputs_clear(&evaluator->inputs);
    companions_clear(&evaluator->companions);
    truth_cache_clear(&evaluator->cache);
    evaluator->have_inputs = false;
}

/* The copy of a part's k and v in pages, or with slots past the end (kv_cache.h). */
static double layout_bytes(const struct point *point)
{
    bool copied = point->kernel_options.page_size > 0 || point->recipe.masked_values == MASKED_VALUES_READ_PAST_END;
    return copied ? problem_spec_bytes(&point->problem) : 0;
}

double evaluate_bytes(const struct point *point, int threads)
{
    const struct problem_spec *spec = &point->problem;
    struct truth_contract contract = problem_spec_contract(spec, 0);
    struct truth_options options = {.precision = point->truth_precision, .threads = threads, .contract = &contract};
    struct problem shape = shape_of(spec);
    double row = (double)spec->num_heads * (spec->head_dim + 1), references = 0;
    int part_heads = spec->num_heads / spec->num_kv_heads * problem_spec_part(spec, 0).num_kv_heads;
    if (point->references)
        references = __builtin_popcount(point->references) * row * sizeof(double) +
                     conventional_bytes(spec->seq_len, part_heads, spec->head_dim, threads);
    struct shipped_subject shipped = point_subject(point, NULL);
    struct problem part = shape;
    part.num_heads = part_heads;
    return problem_spec_bytes(spec) + companions_bytes(point) + layout_bytes(point) +
           truth_bytes(point->truth_method, spec->seq_len, part_heads, spec->head_dim, &options) +
           shipped.subject.ops->workspace_bytes(&shipped.subject, &part) + row * (sizeof(float) + 6 * sizeof(double)) +
           references +
           fmax(point->oracles ? oracles_bytes(&shape, threads) : 0,
                signature_bytes(spec->seq_len, spec->num_heads, spec->head_dim, threads));
}
