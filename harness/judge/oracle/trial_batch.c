/* A trial among other sequences of one launch. */
#include <stdlib.h>
#include <string.h>

#include "harness/judge/oracle/loud_query.h"
#include "harness/subject/tensor_memory.h"
#include "harness/judge/oracle/trial.h"
#include "harness/judge/poison.h"

/* Of all KV heads of a key. */
static size_t row_bytes(const struct problem *problem)
{
    return problem_row(problem, 1, 0) * dtypes[problem_kv_dtype(problem)].size_bytes;
}

/* The newest third of the keys. */
static struct problem shorter_companion(const struct problem *problem)
{
    struct problem shorter = *problem;
    int64_t removed = problem->seq_len - (problem->seq_len + 2) / 3;
    size_t bytes = (size_t)removed * row_bytes(problem);
    shorter.seq_len -= removed;
    shorter.q_position -= removed;
    shorter.k = (const char *)problem->k + bytes;
    shorter.v = (const char *)problem->v + bytes;
    shorter.visible = problem->visible ? problem->visible + removed : NULL;
    return shorter;
}

/* Keys in half of the slots too; none where that is more than the subject takes. */
static struct problem longer_companion(const struct problem *problem, const struct subject *subject)
{
    struct problem longer = *problem;
    char text[SUBJECT_TEXT_SIZE];
    longer.seq_len += TRIAL_SLOTS / 2;
    longer.kv_slots -= TRIAL_SLOTS / 2;
    longer.visible = NULL;
    return !subject->ops->takes || subject->ops->takes(subject, &longer, TRIAL_BATCH, text) ? longer : *problem;
}

/* The newest few keys, and no slots. */
static struct problem short_companion(const struct problem *problem, int64_t keys)
{
    struct problem few = *problem;
    int64_t removed = problem->seq_len - (keys < problem->seq_len ? keys : problem->seq_len);
    size_t bytes = (size_t)removed * row_bytes(problem);
    few.seq_len -= removed;
    few.q_position -= removed;
    few.kv_slots = 0;
    few.k = (const char *)problem->k + bytes;
    few.v = (const char *)problem->v + bytes;
    few.visible = NULL;
    return few;
}

/* The problems of a batch on the trial's tensors; query and constant_v are the others' q and the last one's v. */
static void make_batch(struct problem problems[TRIAL_BATCH], const struct trial *trial, const struct subject *subject,
                       const void *query, const void *constant_v)
{
    enum { LAST = TRIAL_BATCH - 1 };
    for (int i = 0; i < TRIAL_BATCH; i++) {
        problems[i] = i == 1 ? shorter_companion(&trial->problem) : short_companion(&trial->problem, i);
        problems[i].q = query;
    }
    problems[0] = problems[LAST] = trial->problem;
    problems[LAST].v = constant_v;
    problems[LAST - 1] = longer_companion(&trial->problem, subject);
    problems[LAST - 1].q = query;
}

enum error_kind trial_run_in_batch(struct trial *trial, const struct subject *subject, struct trial_values *first,
                                   struct trial_values *last, struct error *error)
{
    const size_t q_bytes = trial->tensors[TRIAL_Q].size_bytes, v_bytes = trial->tensors[TRIAL_V].size_bytes;
    const size_t element = dtypes[trial->problem.dtype].size_bytes, each = output_bytes(&trial->problem);
    const size_t bytes = TRIAL_BATCH * each + tensor_aligned(q_bytes) + v_bytes;
    char *memory = tensor_allocate(bytes);
    if (!memory)
        return error_memory(error, "the batch of a trial", (double)bytes);
    char *query = memory + TRIAL_BATCH * each, *constant_v = query + tensor_aligned(q_bytes);
    trial_reload(trial);
    trial_make_constant(trial);
    memcpy(constant_v, trial->tensors[TRIAL_V].data, v_bytes);
    trial_reload(trial);
    output_poison(&trial->output, &trial->problem);
    /* q turned by an element; what comes from outputs of the sequences between is for nobody. */
    memcpy(query, (const char *)trial->problem.q + element, q_bytes - element);
    memcpy(query + q_bytes - element, trial->problem.q, element);
    memset(memory, 0, TRIAL_BATCH * each);
    struct problem problems[TRIAL_BATCH];
    struct output outputs[TRIAL_BATCH];
    make_batch(problems, trial, subject, query, constant_v);
    for (int i = 0; i < TRIAL_BATCH; i++)
        outputs[i] = output_in(memory + (size_t)i * each, &trial->problem);
    outputs[0] = trial->output;
    const struct sequences all = {problems, outputs, TRIAL_BATCH, NULL, NULL, false};
    double seconds;
    output_poison(&outputs[TRIAL_BATCH - 1], &trial->problem);
    enum error_kind kind = subject->ops->run(subject, &all, NULL, &seconds, error);
    if (!kind) {
        trial_take_output(first, &trial->problem, &outputs[0]);
        trial_take_output(last, &trial->problem, &outputs[TRIAL_BATCH - 1]);
    }
    free(memory);
    return kind;
}

/* A few keys elsewhere, none of them masked. */
static struct problem few_keys(const struct problem *problem, const struct subject *subject, bool *is_away)
{
    const struct problem few = short_companion(problem, problem_queries(problem));
    struct problem away = few;
    char text[SUBJECT_TEXT_SIZE];
    away.kv_offset += TRIAL_AWAY;
    away.q_position += TRIAL_AWAY;
    *is_away = subject->ops->takes && subject->ops->takes(subject, &away, 2, text);
    return *is_away ? away : few;
}

enum error_kind trial_run_beside(struct trial *trial, const struct subject *subject, enum trial_place place,
                                 double loud, struct trial_values *values, bool *is_away, struct error *error)
{
    const int own = place == TRIAL_FIRST ? 0 : 1, count = place == TRIAL_BETWEEN ? 3 : 2;
    const size_t q_bytes = trial->tensors[TRIAL_Q].size_bytes;
    const size_t bytes = output_bytes(&trial->problem) + q_bytes;
    char *memory = tensor_allocate(bytes);
    if (!memory)
        return error_memory(error, "two sequences of a trial", (double)bytes);
    char *query = memory + output_bytes(&trial->problem);
    trial_reload(trial);
    output_poison(&trial->output, &trial->problem);
    struct problem few = few_keys(&trial->problem, subject, is_away);
    struct problem problems[3];
    struct output outputs[3];
    const struct sequences all = {problems, outputs, count, NULL, NULL, false};
    double seconds;
    memcpy(query, trial->problem.q, q_bytes);
    for (int row = 0; row < problem_rows(&few); row++)
        loud_query_make(query, &few, row, loud);
    few.q = query;
    for (int i = 0; i < count; i++) { /* what the others give is for nobody */
        problems[i] = i == own ? trial->problem : few;
        outputs[i] = i == own ? trial->output : output_in(memory, &trial->problem);
    }
    output_poison(&outputs[1 - own], &few);
    enum error_kind kind = subject->ops->run(subject, &all, NULL, &seconds, error);
    if (!kind)
        trial_take_output(values, &trial->problem, &trial->output);
    free(memory);
    return kind;
}

/* So many sequences: the trial is the first and the last, and those between have a few of its newest keys. */
static void make_many(struct problem *problems, int count, const struct trial *trial)
{
    const int queries = problem_queries(&trial->problem);
    for (int i = 0; i < count; i++)
        problems[i] = short_companion(&trial->problem, queries + i);
    problems[0] = problems[count - 1] = trial->problem;
}

enum error_kind trial_run_pair(struct trial *trial, const struct subject *subject, bool constant_v, int count,
                               struct trial_values *first, struct trial_values *last, struct error *error)
{
    const size_t v_bytes = trial->tensors[TRIAL_V].size_bytes, each = output_bytes(&trial->problem);
    const size_t bytes = (size_t)(count - 1) * each + v_bytes;
    char *memory = tensor_allocate(bytes);
    if (!memory)
        return error_memory(error, "sequences of a trial", (double)bytes);
    char *v = memory + (size_t)(count - 1) * each;
    trial_reload(trial);
    trial_make_constant(trial);
    memcpy(v, trial->tensors[TRIAL_V].data, v_bytes);
    trial_reload(trial);
    output_poison(&trial->output, &trial->problem);
    struct problem problems[TRIAL_MANY];
    struct output outputs[TRIAL_MANY] = {trial->output};
    make_many(problems, count, trial);
    for (int i = 1; i < count; i++) {
        outputs[i] = output_in(memory + (size_t)(i - 1) * each, &trial->problem);
        output_poison(&outputs[i], &problems[i]);
    }
    const struct sequences all = {problems, outputs, count, NULL, NULL, false};
    double seconds;
    if (constant_v)
        problems[count - 1].v = v;
    enum error_kind kind = subject->ops->run(subject, &all, NULL, &seconds, error);
    if (!kind) {
        trial_take_output(first, &trial->problem, &outputs[0]);
        trial_take_output(last, &trial->problem, &outputs[count - 1]);
    }
    free(memory);
    return kind;
}
