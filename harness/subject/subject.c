#include "harness/subject/subject.h"

#include <stdlib.h>

void subject_release(struct subject *subject)
{
    free(subject);
}
