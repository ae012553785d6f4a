/* Reading of what all kinds of bundles say beside tensors and options. */
#include <string.h>

#include "harness/library/bundle_text.h"
#include "harness/support/source.h"

enum error_kind bundle_text_read_flag(bool *flag, const struct tensor_archive *archive, const char *key,
                                      struct error *error)
{
    char path[PATH_QUOTE_SIZE];
    const char *text = tensor_archive_metadata(archive, key);
    *flag = text;
    return !text || !strcmp(text, bundle_flag_holds)
               ? ERROR_NONE
               : error_set(error, ERROR_USAGE, "%s: %s is not what it can be; allowed: %s, or nothing",
                           quote_path(path, archive->path), key, bundle_flag_holds);
}

enum error_kind bundle_text_read_scales(enum unsaid_scales *scales, const struct tensor_archive *archive,
                                        struct error *error)
{
    char path[PATH_QUOTE_SIZE];
    const char *text = tensor_archive_metadata(archive, "scales_unsaid");
    *scales = SCALES_SAID;
    for (int i = SCALES_SAID + 1; text && i < UNSAID_SCALES_COUNT; i++)
        if (!strcmp(text, unsaid_scales[i].name))
            *scales = (enum unsaid_scales)i;
    return !text || *scales != SCALES_SAID
               ? ERROR_NONE
               : error_set(error, ERROR_USAGE, "%s: scales_unsaid is not what it can be; allowed: %s, %s, or nothing",
                           quote_path(path, archive->path), unsaid_scales[SCALES_UNSAID].name,
                           unsaid_scales[SCALES_OF_TWO_TYPES].name);
}
