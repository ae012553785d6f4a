#include "harness/support/junit_document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/tree.h>
#include <libxml/xmlerror.h>

#include "harness/support/text.h"

struct totals {
    size_t tests, failures, errors, skipped;
    double elapsed_s;
};

struct junit_document {
    xmlDoc *xml;
    xmlNode *root, *suite, *properties; /* the last two of the suite at hand */
    struct totals all, of_suite;
    bool lost; /* a part of it, for want of memory */
};

/* ---- memory ------------------------------------------------------------------------------------------------------ */

#if LIBXML_VERSION >= 21200
typedef const xmlError *xml_fault;
#else
typedef xmlErrorPtr xml_fault;
#endif

static void on_fault(void *document, xml_fault fault)
{
    (void)fault;
    ((struct junit_document *)document)->lost = true;
}

/* Where it has no memory for a name or a text libxml2 2.9 goes on without that, and tells nobody but a handler of
 * errors, of which each thread has its own. There is no other error here. */
static void listen_for(struct junit_document *document)
{
    xmlSetStructuredErrorFunc(document, document ? on_fault : NULL);
}

/* ---- elements ---------------------------------------------------------------------------------------------------- */

static bool set_text(xmlNode *node, const char *name, const char *value)
{
    char *clean = text_clean(value);
    bool done = clean && xmlNewProp(node, BAD_CAST name, BAD_CAST clean);
    free(clean);
    return done;
}

static bool set_count(xmlNode *node, const char *name, size_t count)
{
    char text[32];
    snprintf(text, sizeof text, "%zu", count);
    return xmlNewProp(node, BAD_CAST name, BAD_CAST text);
}

static bool set_seconds(xmlNode *node, double seconds)
{
    char text[64];
    snprintf(text, sizeof text, "%.6f", seconds);
    return xmlNewProp(node, BAD_CAST "time", BAD_CAST text);
}

static bool set_totals(xmlNode *node, const struct totals *totals)
{
    return set_count(node, "tests", totals->tests) && set_count(node, "failures", totals->failures) &&
           set_count(node, "errors", totals->errors) && set_count(node, "skipped", totals->skipped) &&
           set_seconds(node, totals->elapsed_s);
}

static bool add_content(xmlNode *node, const char *text)
{
    char *clean = text_clean(text);
    xmlNode *content = clean ? xmlNewText(BAD_CAST clean) : NULL;
    free(clean);
    return content && xmlAddChild(node, content);
}

/* ---- the document ------------------------------------------------------------------------------------------------ */

struct junit_document *junit_document_new(void)
{
    struct junit_document *document = calloc(1, sizeof *document);
    if (!document)
        return NULL;
    listen_for(document);
    document->xml = xmlNewDoc(BAD_CAST "1.0");
    document->root = document->xml ? xmlNewNode(NULL, BAD_CAST "testsuites") : NULL;
    if (document->root) {
        xmlDocSetRootElement(document->xml, document->root);
        if (set_text(document->root, "name", "alibicheck") && !document->lost)
            return document;
    }
    junit_document_free(document);
    return NULL;
}

void junit_document_free(struct junit_document *document)
{
    if (document && document->xml)
        xmlFreeDoc(document->xml);
    if (document)
        listen_for(NULL);
    free(document);
}

/* Writes the totals of the suite at hand, if there is one. */
static bool end_suite(struct junit_document *document)
{
    bool done = !document->suite || set_totals(document->suite, &document->of_suite);
    document->suite = document->properties = NULL;
    document->of_suite = (struct totals){0};
    return done;
}

bool junit_document_suite(struct junit_document *document, const char *name)
{
    listen_for(document);
    if (!end_suite(document))
        return false;
    document->suite = xmlNewChild(document->root, NULL, BAD_CAST "testsuite", NULL);
    return document->suite && set_text(document->suite, "name", name);
}

bool junit_document_property(struct junit_document *document, const char *name, const char *value)
{
    listen_for(document);
    if (!document->properties)
        document->properties = xmlNewChild(document->suite, NULL, BAD_CAST "properties", NULL);
    xmlNode *property =
        document->properties ? xmlNewChild(document->properties, NULL, BAD_CAST "property", NULL) : NULL;
    return property && set_text(property, "name", name) && set_text(property, "value", value);
}

static void count(struct totals *totals, const struct junit_test *test)
{
    totals->tests++;
    totals->failures += test->result == JUNIT_FAILED;
    totals->errors += test->result == JUNIT_ERROR;
    totals->skipped += test->result == JUNIT_SKIPPED;
    totals->elapsed_s += test->elapsed_s;
}

/* The element that says how the test ended. */
static bool add_result(xmlNode *node, const struct junit_test *test)
{
    static const char *const elements[] = {[JUNIT_PASSED] = "system-out",
                                           [JUNIT_SKIPPED] = "skipped",
                                           [JUNIT_FAILED] = "failure",
                                           [JUNIT_ERROR] = "error"};
    if (test->result == JUNIT_PASSED && !test->text)
        return true;
    xmlNode *result = xmlNewChild(node, NULL, BAD_CAST elements[test->result], NULL);
    bool done = result;
    if (test->result != JUNIT_PASSED && test->message)
        done = done && set_text(result, "message", test->message);
    if (test->result >= JUNIT_FAILED && test->type)
        done = done && set_text(result, "type", test->type);
    if (test->text)
        done = done && add_content(result, test->text);
    return done;
}

bool junit_document_test(struct junit_document *document, const struct junit_test *test)
{
    listen_for(document);
    xmlNode *node = xmlNewChild(document->suite, NULL, BAD_CAST "testcase", NULL);
    xmlChar *suite = xmlGetProp(document->suite, BAD_CAST "name");
    bool done = node && suite && set_text(node, "name", test->name) &&
                set_text(node, "classname", (const char *)suite) && set_seconds(node, test->elapsed_s) &&
                add_result(node, test);
    xmlFree(suite);
    count(&document->of_suite, test);
    count(&document->all, test);
    return done;
}

char *junit_document_print(struct junit_document *document)
{
    xmlChar *text = NULL;
    int size = 0;
    listen_for(document);
    if (!end_suite(document) || !set_totals(document->root, &document->all))
        return NULL;
    xmlDocDumpFormatMemoryEnc(document->xml, &text, &size, "UTF-8", 1);
    char *copy = text && !document->lost ? strdup((const char *)text) : NULL;
    xmlFree(text);
    return copy;
}
