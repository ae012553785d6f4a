#include "harness/judge/oracle/oracle_other.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/oracle/loud_query.h"
#include "harness/subject/tensor_memory.h"
#include "harness/judge/poison.h"

enum { SHARE = 8 /* of the trial's work */, LARGEST_HEAD_DIM = 256 };

/* One of those that kernels have forms of their own for. */
static int other_head_dim(const struct oracle_work *work, const struct problem *other)
{
    static const int head_dims[] = {LARGEST_HEAD_DIM, 64, 128};
    const struct subject *subject = work->inquiry->subject;
    struct problem shape = *other;
    char text[SUBJECT_TEXT_SIZE];
    for (size_t i = 0; !subject->own_head_dim && i < sizeof head_dims / sizeof head_dims[0]; i++) {
        shape.head_dim = head_dims[i];
        bool takes = !subject->ops->takes || subject->ops->takes(subject, &shape, 1, text);
        if (takes && shape.head_dim != other->head_dim)
            return shape.head_dim;
    }
    return other->head_dim;
}

/* A share of the trial's work; but more keys than a chunk has, where that is no more than half of it. */
static int64_t other_length(const struct oracle_work *work, int head_dim)
{
    const struct problem *problem = &work->trial.problem;
    int64_t whole = problem->seq_len * problem->head_dim / head_dim, keys = whole / SHARE;
    int64_t chunk = work->inquiry->subject->chunk_len;
    if (keys <= chunk && chunk < whole / 2)
        keys = chunk + 1;
    if (chunk == 0 &&
        keys > problem->seq_len) /* of a smaller head_dim; a kernel that is not ours may not take so many */
        keys = problem->seq_len;
    return keys < 1 ? 1 : keys;
}

/* On the trial's k and v, as rows of another length. */
static struct problem other_problem(const struct oracle_work *work)
{
    struct problem other = work->trial.problem;
    int group = other.num_heads / other.num_kv_heads;
    other.num_kv_heads = other.num_kv_heads > 4 ? other.num_kv_heads / 2 : other.num_kv_heads;
    other.num_heads = other.num_kv_heads * group;
    other.head_dim = other_head_dim(work, &other);
    other.seq_len = other_length(work, other.head_dim);
    other.q_position = other.seq_len - 1;
    other.kv_offset = other.kv_slots = 0;
    other.visible = NULL;
    return other;
}

/* Fills a tensor with those bytes of the trial's, over and over: a row of a larger head_dim may have more than all of
 * the trial's rows. */
static void fill_from(char *tensor, size_t size_bytes, const struct trial_memory *from)
{
    for (size_t at = 0; at < size_bytes; at += from->size_bytes)
        memcpy(tensor + at, from->data, size_bytes - at < from->size_bytes ? size_bytes - at : from->size_bytes);
}

/* On copies of the trial's q, k and v, for trials change them. */
static enum error_kind other_init(struct other_problem *other, const struct oracle_work *work, struct error *error)
{
    const struct trial_memory *tensors = work->trial.tensors;
    struct problem *problem = &other->problem;
    *problem = other_problem(work);
    size_t q = tensor_aligned((size_t)problem_elements(problem) * dtypes[problem->dtype].size_bytes);
    size_t kv =
        tensor_aligned(problem_row(problem, problem->seq_len, 0) * dtypes[problem_kv_dtype(problem)].size_bytes);
    size_t values = (size_t)problem_elements(problem) + (size_t)problem_rows(problem);
    size_t bytes = q + 2 * kv + output_bytes(problem);
    char *memory = tensor_allocate(bytes);
    other->memory = memory;
    other->first.out = calloc(2 * values, sizeof(double));
    if (!memory || !other->first.out)
        return error_memory(error, "another problem", (double)bytes + 16 * (double)values);
    other->first.lse = other->first.out + problem_elements(problem);
    other->again.out = other->first.out + values;
    other->again.lse = other->again.out + problem_elements(problem);
    fill_from(memory, q, &tensors[TRIAL_Q]);
    fill_from(memory + q, kv, &tensors[TRIAL_K]);
    fill_from(memory + q + kv, kv, &tensors[TRIAL_V]);
    problem->q = memory;
    problem->k = memory + q;
    problem->v = memory + q + kv;
    /* Every second row scores far more than the trial's: a maximum that a launch leaves would leave them no weight. */
    for (int row = (int)(trial_mix(work->inquiry->choice, 47) % 2); row < problem_rows(problem); row += 2)
        loud_query_make(memory, problem, row, oracle_loud_logit(work));
    other->output = output_in(memory + q + 2 * kv, problem);
    return ERROR_NONE;
}

/* On a workspace, and with what poison leaves in the output each time. */
static enum error_kind run_other(struct oracle_work *work, enum workspace_setting workspace, bool *had,
                                 struct trial_values *values, struct error *error)
{
    const struct subject *subject = work->inquiry->subject;
    const struct launch_setting setting = {.workspace = workspace};
    const struct sequences alone = {&work->other.problem, &work->other.output, 1, NULL, NULL, false};
    struct memory_audit nobodys;
    struct subject *settled = NULL;
    char text[SUBJECT_TEXT_SIZE];
    double seconds;
    enum error_kind kind = oracle_check_cancelled(work, error);
    if (!kind)
        kind = subject->ops->resettle(subject, &setting, &settled, text, error);
    if (kind)
        return kind;
    *had = settled;
    subject = settled ? settled : subject;
    output_poison(&work->other.output, &work->other.problem);
    kind = subject->ops->run(subject, &alone, &nobodys, &seconds, error);
    if (!kind)
        trial_take_output(values, &work->other.problem, &work->other.output);
    subject_release(settled);
    return kind;
}

enum error_kind other_run_before(struct oracle_work *work, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    bool had;
    trial_reload(&work->trial);
    if (!work->other.memory)
        kind = other_init(&work->other, work, error);
    if (!kind)
        kind = run_other(work, WORKSPACE_KEEP, &had, &work->other.first, error);
    if (!kind && !had) /* what other launches have left has had its chance */
        kind = run_other(work, WORKSPACE_KEPT, &had, &work->other.first, error);
    return kind;
}

enum error_kind other_run_after(struct oracle_work *work, struct error *error)
{
    bool had;
    trial_reload(&work->trial); /* slopes and sinks are the trial's */
    return run_other(work, WORKSPACE_KEPT, &had, &work->other.again, error);
}

void other_judge(struct oracle_work *work)
{
    const struct problem *problem = &work->other.problem;
    const struct trial_values got = work->got;
    char run_was[80];
    if (work->undetermined || work->inquiry->subject->may_differ)
        return;
    snprintf(run_was, sizeof run_was, "of %lld keys and head_dim %d after a launch of this problem",
             (long long)problem->seq_len, problem->head_dim);
    work->got = work->other.again;
    oracle_expect_of(work, ORACLE_HISTORY, problem, &work->other.first, NULL, run_was);
    work->got = got;
}

/* Another mask. Of every second choice one where there is none, every second key, and none where there is one. */
static const uint8_t *other_mask(uint8_t *mask, const struct problem *problem, bool other_kind)
{
    const int64_t keys = problem->seq_len;
    if (!other_kind == !problem->visible)
        return NULL;
    for (int64_t key = 0; key < keys; key++)
        mask[key] = (uint8_t)(problem->visible ? problem->visible[(key + keys / 3 + 1) % keys] : key % 2 == 0);
    return mask;
}

/* Other numbers in the problem itself, none of them nearer to the end of any range. */
static struct problem with_other_numbers(const struct problem *problem, bool other_kind)
{
    struct problem other = *problem;
    other.scale /= 2;
    other.k_scale /= 2;
    other.v_scale /= 2;
    other.soft_cap_value *= 2;
    if (other_kind)
        other.soft_cap = SOFT_CAP_NONE;
    return other;
}

/* Each where the subject takes it, beside what else is other. */
static void change_where_taken(struct problem *problem, const struct subject *subject, const uint8_t *mask)
{
    struct problem changed = *problem;
    char text[SUBJECT_TEXT_SIZE];
    changed.visible = mask;
    changed.masks = NULL;
    if (!subject->ops->takes || subject->ops->takes(subject, &changed, 1, text))
        *problem = changed;
    changed.kv_offset += TRIAL_AWAY;
    if (!subject->ops->takes || subject->ops->takes(subject, &changed, 1, text))
        *problem = changed;
}

enum error_kind other_numbers_run(struct oracle_work *work, struct error *error)
{
    struct trial *trial = &work->trial;
    const bool other_kind = trial_mix(work->inquiry->choice, 59) % 2;
    struct problem problem = with_other_numbers(&trial->problem, other_kind);
    uint8_t *mask = malloc((size_t)problem.seq_len + 1);
    if (!mask)
        return error_memory(error, "a mask", (double)problem.seq_len);
    trial_reload(trial);
    float *slopes = trial_change(trial, TRIAL_SLOPES), *sinks = trial_change(trial, TRIAL_SINKS);
    for (int head = 0; head < problem.num_heads; head++) {
        slopes[head] /= 2;
        if (problem.sink_logits)
            sinks[head] /= 2;
    }
    change_where_taken(&problem, work->inquiry->subject, other_mask(mask, &trial->problem, other_kind));
    enum error_kind kind = oracle_run_problem(work, &problem, error);
    trial_reload(trial);
    free(mask);
    return kind;
}

double other_bytes(const struct problem *part)
{
    double rows = problem_rows(part), dim = part->head_dim > LARGEST_HEAD_DIM ? part->head_dim : LARGEST_HEAD_DIM;
    return rows * dim * 2 * (double)(sizeof(float) + sizeof(double));
}
