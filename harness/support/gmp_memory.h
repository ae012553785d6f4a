/* What becomes of a program whose memory does not suffice for a number of GMP's or MPFR's, who can tell nobody. */
#ifndef HARNESS_SUPPORT_GMP_MEMORY_H
#define HARNESS_SUPPORT_GMP_MEMORY_H

/*
 * From now on it ends with one line on stderr and ERROR_SYSTEM as its exit code, all that was written flushed, where
 * GMP would abort. Of the whole process, before the first number: for programs, not for libraries.
 */
void gmp_memory_ends_program(void);

#endif
