/* Whether this is compiled with the address sanitizer, which takes address space, and signals, for its own. */
#ifndef HARNESS_SUPPORT_TESTS_SANITIZED_H
#define HARNESS_SUPPORT_TESTS_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_SANITIZED 1
#endif
#endif

#ifdef IS_SANITIZED
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

#endif
