/*
 * What the libraries' parallel regions ask of OpenMP, on POSIX threads. gcc compiles a region to calls of these
 * functions; libgomp answers them as a rule. This does where libgomp cannot be taken along: in the wheel of the Python
 * package, where it would need a newer glibc than others have, and under ThreadSanitizer, which cannot see how
 * libgomp's threads wait for each other. It ends no process where a thread cannot be had, and a forked process may go
 * on with it.
 *
 * A region's threads are made for it and end with it. Within a region another one runs on the thread that it comes to.
 * Constructs that the library does not use are not here: whoever adds one finds out when it is linked.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>

enum { MAX_THREADS = 1024, LOOPS = 8 };

/* A loop whose iterations threads take by the chunk: the n-th of its region has slot n % LOOPS, once every thread is
 * through with the one that had it before. */
struct loop {
    bool begun;
    long next, count; /* iterations: the first that nobody has, all */
    long turn;        /* loops that had the slot */
    int done;         /* threads that are through with it */
};

struct region {
    void (*work)(void *data);
    void *data;
    int size; /* threads, this one among them; 0: not yet known */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct loop loops[LOOPS];
    int waiting;   /* at the barrier */
    long barriers; /* that all have passed */
};

/* What a thread knows of the region that it is in. */
struct member {
    struct region *region; /* NULL: none */
    int id;
    long loops;              /* that it has come to */
    long start, incr, chunk; /* of the one that it is in */
};

static _Thread_local struct member self;

/* ---- regions ----------------------------------------------------------------------------------------------------- */

struct helper {
    struct region *region;
    pthread_t thread;
    int id;
};

static void run(struct region *region, int id)
{
    const struct member outer = self;
    self = (struct member){.region = region, .id = id};
    region->work(region->data);
    self = outer;
}

/* Waits until it is known how many there are. */
static void *help(void *context)
{
    const struct helper *helper = context;
    struct region *region = helper->region;
    pthread_mutex_lock(&region->mutex);
    while (region->size == 0)
        pthread_cond_wait(&region->changed, &region->mutex);
    pthread_mutex_unlock(&region->mutex);
    run(region, helper->id);
    return NULL;
}

void GOMP_parallel(void (*work)(void *data), void *data, unsigned threads, unsigned flags);
void GOMP_parallel(void (*work)(void *data), void *data, unsigned threads, unsigned flags)
{
    struct region region = {
        .work = work, .data = data, .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    int wanted = threads > MAX_THREADS ? MAX_THREADS : (int)threads, others = 0;
    struct helper *helpers = wanted > 1 && !self.region ? calloc((size_t)wanted, sizeof *helpers) : NULL;
    (void)flags; /* how they are bound to CPUs */
    while (helpers && others < wanted - 1) {
        helpers[others] = (struct helper){.region = &region, .id = others + 1};
        if (pthread_create(&helpers[others].thread, NULL, help, &helpers[others]) != 0)
            break; /* then there are fewer */
        others++;
    }
    pthread_mutex_lock(&region.mutex);
    region.size = others + 1;
    pthread_cond_broadcast(&region.changed);
    pthread_mutex_unlock(&region.mutex);
    run(&region, 0);
    for (int i = 0; i < others; i++)
        pthread_join(helpers[i].thread, NULL);
    free(helpers);
    pthread_cond_destroy(&region.changed);
    pthread_mutex_destroy(&region.mutex);
}

int omp_get_num_threads(void);
int omp_get_num_threads(void)
{
    return self.region ? self.region->size : 1;
}

int omp_get_thread_num(void);
int omp_get_thread_num(void)
{
    return self.id;
}

/* OMP_NUM_THREADS, or one a CPU that this process may use. */
int omp_get_max_threads(void);
int omp_get_max_threads(void)
{
    const char *said = getenv("OMP_NUM_THREADS");
    long threads = said ? strtol(said, NULL, 10) : 0;
    cpu_set_t cpus;
    if (threads < 1 && sched_getaffinity(0, sizeof cpus, &cpus) == 0)
        threads = CPU_COUNT(&cpus);
    return threads < 1 ? 1 : threads > MAX_THREADS ? MAX_THREADS : (int)threads;
}

/* ---- loops: schedule(dynamic) ------------------------------------------------------------------------------------ */

static struct loop *loop_at_hand(void)
{
    return &self.region->loops[self.loops % LOOPS];
}

/* The next chunk: iterations *from up to *to. False if there is none. */
bool GOMP_loop_nonmonotonic_dynamic_next(long *from, long *to);
bool GOMP_loop_nonmonotonic_dynamic_next(long *from, long *to)
{
    struct loop *loop = loop_at_hand();
    pthread_mutex_lock(&self.region->mutex);
    long first = loop->next, left = loop->count - first, taken = left < self.chunk ? left : self.chunk;
    loop->next += taken;
    pthread_mutex_unlock(&self.region->mutex);
    *from = self.start + first * self.incr;
    *to = *from + taken * self.incr;
    return taken > 0;
}

bool GOMP_loop_nonmonotonic_dynamic_start(long start, long end, long incr, long chunk, long *from, long *to);
bool GOMP_loop_nonmonotonic_dynamic_start(long start, long end, long incr, long chunk, long *from, long *to)
{
    struct loop *loop = loop_at_hand();
    pthread_mutex_lock(&self.region->mutex);
    while (loop->turn != self.loops / LOOPS)
        pthread_cond_wait(&self.region->changed, &self.region->mutex);
    if (!loop->begun) {
        long count = (end - start + incr + (incr > 0 ? -1 : 1)) / incr;
        loop->begun = true;
        loop->next = 0;
        loop->count = count > 0 ? count : 0;
    }
    pthread_mutex_unlock(&self.region->mutex);
    self.start = start;
    self.incr = incr;
    self.chunk = chunk;
    return GOMP_loop_nonmonotonic_dynamic_next(from, to);
}

/* The same of unsigned iterations, of which nobody has more than a long counts. */
bool GOMP_loop_ull_nonmonotonic_dynamic_next(unsigned long long *from, unsigned long long *to);
bool GOMP_loop_ull_nonmonotonic_dynamic_next(unsigned long long *from, unsigned long long *to)
{
    long first, end;
    bool taken = GOMP_loop_nonmonotonic_dynamic_next(&first, &end);
    *from = (unsigned long long)first;
    *to = (unsigned long long)end;
    return taken;
}

bool GOMP_loop_ull_nonmonotonic_dynamic_start(bool up, unsigned long long start, unsigned long long end,
                                              unsigned long long incr, unsigned long long chunk,
                                              unsigned long long *from, unsigned long long *to);
bool GOMP_loop_ull_nonmonotonic_dynamic_start(bool up, unsigned long long start, unsigned long long end,
                                              unsigned long long incr, unsigned long long chunk,
                                              unsigned long long *from, unsigned long long *to)
{
    long first, last;
    (void)up; /* the sign of incr says so */
    bool taken = GOMP_loop_nonmonotonic_dynamic_start((long)start, (long)end, (long)incr, (long)chunk, &first, &last);
    *from = (unsigned long long)first;
    *to = (unsigned long long)last;
    return taken;
}

void GOMP_loop_end_nowait(void);
void GOMP_loop_end_nowait(void)
{
    struct loop *loop = loop_at_hand();
    pthread_mutex_lock(&self.region->mutex);
    if (++loop->done == self.region->size) {
        *loop = (struct loop){.turn = loop->turn + 1};
        pthread_cond_broadcast(&self.region->changed);
    }
    pthread_mutex_unlock(&self.region->mutex);
    self.loops++;
}

/* ---- barriers ---------------------------------------------------------------------------------------------------- */

void GOMP_barrier(void);
void GOMP_barrier(void)
{
    struct region *region = self.region;
    if (!region)
        return;
    pthread_mutex_lock(&region->mutex);
    long barrier = region->barriers;
    if (++region->waiting == region->size) {
        region->waiting = 0;
        region->barriers++;
        pthread_cond_broadcast(&region->changed);
    }
    while (region->barriers == barrier)
        pthread_cond_wait(&region->changed, &region->mutex);
    pthread_mutex_unlock(&region->mutex);
}

void GOMP_loop_end(void);
void GOMP_loop_end(void)
{
    GOMP_loop_end_nowait();
    GOMP_barrier();
}

/* ---- critical sections ------------------------------------------------------------------------------------------- */

static pthread_mutex_t critical = PTHREAD_MUTEX_INITIALIZER;

void GOMP_critical_start(void);
void GOMP_critical_start(void)
{
    pthread_mutex_lock(&critical);
}

void GOMP_critical_end(void);
void GOMP_critical_end(void)
{
    pthread_mutex_unlock(&critical);
}
