/*
 * Cases by the names that they are shipped under: `alibicheck run seed` where a program was installed with its cases,
 * or built in a checkout.
 */
#ifndef HARNESS_CASE_SHIPPED_CASE_H
#define HARNESS_CASE_SHIPPED_CASE_H

#include "reference/error.h"

/* Where the program has its cases, from the folder of the executable: ../share/alibicheck/cases where it was installed,
 * ../cases where it was built in a checkout. A new string; NULL if there is no such folder. */
char *shipped_cases_folder(void);

/* The same of a program in a folder of top. */
char *shipped_cases_below(const char *top);

/*
 * *found, a new string, is what `path` stands for: itself where there is such a file or folder, where it begins with
 * neither a letter nor a digit, or where folder, which has the shipped cases, is NULL. Else what is called so in
 * folder, with or without .yaml, with or without the cases/ in front that it has in a checkout. ERROR_USAGE, with both
 * places, if neither is there.
 */
enum error_kind shipped_case_find(char **found, const char *path, const char *folder, struct error *error);

#endif
