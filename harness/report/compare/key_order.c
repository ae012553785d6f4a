#include "harness/report/compare/key_order.h"

#include <stddef.h>
#include <string.h>

#include "harness/support/number.h"

static const char separators[] = ":,=";

static int order_of_texts(const char *a, size_t size_a, const char *b, size_t size_b)
{
    int order = memcmp(a, b, size_a < size_b ? size_a : size_b);
    return order ? order : (size_a > size_b) - (size_a < size_b);
}

static int order_of_words(const char *a, size_t size_a, const char *b, size_t size_b)
{
    double of_a, of_b;
    const int is_a = number_parse(a, size_a, &of_a) == VALUE_SOUND,
              is_b = number_parse(b, size_b, &of_b) == VALUE_SOUND;
    if (is_a != is_b)
        return is_b - is_a;
    if (is_a && of_a != of_b)
        return of_a < of_b ? -1 : 1;
    return order_of_texts(a, size_a, b, size_b);
}

int key_order(const char *a, const char *b)
{
    for (;;) {
        const size_t size_a = strcspn(a, separators), size_b = strcspn(b, separators);
        const int order = order_of_words(a, size_a, b, size_b);
        a += size_a;
        b += size_b;
        if (order || !*a || *a != *b)
            return order ? order : (unsigned char)*a - (unsigned char)*b;
        a++;
        b++;
    }
}
