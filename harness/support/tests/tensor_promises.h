/*
 * What holds for any bytes as an .npy, .npz or .safetensors file: they are refused by one printable line, or are
 * tensors whose elements all lie in the file, or in what was unpacked from it.
 */
#ifndef HARNESS_SUPPORT_TESTS_TENSOR_PROMISES_H
#define HARNESS_SUPPORT_TESTS_TENSOR_PROMISES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "harness/support/tensor_file.h"

static inline const char *refusal_broken(const char *path, enum error_kind kind, const struct error *error)
{
    if (kind != ERROR_USAGE)
        return "refused as something else than the user's file";
    if (strncmp(error->text, path, strlen(path)) != 0 || strncmp(error->text + strlen(path), ": ", 2) != 0)
        return "refused without the file's name";
    if (!strstr(error->text, "; allowed: "))
        return "refused without what is allowed";
    for (const char *c = error->text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == '\x7f')
            return "the reason is not one printable line";
    return NULL;
}

static inline const char *layout_broken(const struct tensor_layout *layout)
{
    int64_t product = 1;
    bool is_empty = false;
    if (layout->type >= ELEMENT_COUNT || layout->num_axes < 0 || layout->num_axes > TENSOR_AXES_MAX)
        return "a type or a number of axes that is not allowed";
    for (int i = 0; i < TENSOR_AXES_MAX; i++) {
        is_empty |= layout->shape[i] == 0;
        if (layout->shape[i] < 0 || (i >= layout->num_axes && layout->shape[i] != 1) ||
            (layout->shape[i] && __builtin_mul_overflow(product, layout->shape[i], &product)))
            return "a shape that is not allowed";
    }
    return layout->num_elements == (is_empty ? 0 : product) ? NULL : "the elements are not the product of the shape";
}

/* bytes is what the file has; unpacked tensors are read, the others compared with it. */
static inline const char *entry_broken(const struct tensor_archive *archive, const struct tensor_entry *entry,
                                       const uint8_t *bytes, size_t size)
{
    struct error error = {0};
    struct tensor_file tensor;
    if (tensor_archive_find(archive, entry->name) != entry)
        return "a tensor is not found by its name";
    if (entry->start < 0 || entry->size_bytes < 0 || entry->start > (int64_t)size - entry->size_bytes)
        return "a tensor outside of its file";
    enum error_kind kind = tensor_archive_tensor(&tensor, archive, entry, &error);
    if (kind)
        return refusal_broken(archive->path, kind, &error);
    const char *broken = layout_broken(&tensor.layout);
    size_t tensor_bytes = broken ? 0 : (size_t)tensor_layout_bytes(&tensor.layout);
    if (!broken && (uintptr_t)tensor.elements % element_types[tensor.layout.type].size_bytes != 0)
        broken = "elements at an address that is none of theirs";
    if (!broken && strstr(archive->path, ".npz")) {
        uint64_t sum = 0; /* so that each byte is read */
        for (size_t i = 0; i < tensor_bytes; i++)
            sum += tensor.elements[i];
        if (sum > UINT8_MAX * (uint64_t)tensor_bytes)
            broken = "bytes that are none";
    } else if (!broken && (tensor_bytes != (size_t)entry->size_bytes ||
                           memcmp(tensor.elements, bytes + entry->start, tensor_bytes) != 0)) {
        broken = "elements that are not the file's";
    }
    tensor_close(&tensor);
    return broken;
}

/* Without a name the one tensor is meant, and of several none. */
static inline const char *choice_broken(const struct tensor_archive *archive)
{
    const struct tensor_entry *entry;
    struct error error = {0};
    enum error_kind kind = tensor_archive_choose(&entry, archive, NULL, &error);
    if (archive->num_entries != 1)
        return refusal_broken(archive->path, kind, &error);
    return kind || entry != archive->entries ? "the one tensor is not chosen" : NULL;
}

static inline const char *tensor_promise_broken(const char *path, const uint8_t *bytes, size_t size)
{
    enum { LOOKED_AT = 16 };
    struct tensor_archive archive;
    struct error error = {0};
    int before = dup(STDIN_FILENO), after;
    close(before);
    enum error_kind kind = tensor_archive_open(&archive, path, &error);
    const char *broken = kind ? refusal_broken(path, kind, &error) : choice_broken(&archive);
    for (size_t i = 0; !kind && !broken && i < archive.num_entries; i++) {
        if (i > 0 && strcmp(archive.entries[i - 1].name, archive.entries[i].name) >= 0)
            broken = "tensors that do not stand by name, each once";
        if (!broken && i < LOOKED_AT)
            broken = entry_broken(&archive, &archive.entries[i], bytes, size);
    }
    for (size_t i = 1; !kind && !broken && i < archive.num_metadata; i++)
        if (strcmp(archive.metadata[i - 1].key, archive.metadata[i].key) >= 0)
            broken = "metadata that do not stand by key, each once";
    tensor_archive_close(&archive);
    after = dup(STDIN_FILENO);
    close(after);
    return broken ? broken : before == after ? NULL : "a file is left open";
}

#endif
