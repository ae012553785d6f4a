/* What is said of bad case files and settings: the place, the text, what is allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/case/tests/case_fixture.h"
#include "harness/case/tests/case_promises.h"
#include "harness/support/error_list.h"

static void assert_refused(const char *text, size_t size, const char *const *settings, size_t num_settings,
                           const char *start, const char *part)
{
    struct case_list list = {0};
    struct error error = {0};
    assert_int_equal(case_list_parse(&list, "test.yaml", text, size, settings, num_settings, &error), ERROR_USAGE);
    assert_int_equal(list.count, 0);
    case_list_clear(&list);
    if (strncmp(error.text, start, strlen(start)) != 0)
        fail_msg("'%s' does not start with '%s'", error.text, start);
    if (!strstr(error.text, part))
        fail_msg("'%s' does not say '%s'", error.text, part);
    const char *broken = message_promise_broken(&error, "");
    if (broken)
        fail_msg("'%s': %s", error.text, broken);
}

#define SLOPES "case: a\nseq_len: 1\nnum_heads: 1\nhead_dim: 64\nslopes: [bloom, {values: [1]}]\n"

static const struct bad {
    const char *name;
    const char *text;
    size_t size;
    int line, column; /* 0: as libfyaml 0.7 or 0.8 counts */
    const char *says;
} bad_texts[] = {
    {"empty file", TEXT(""), 1, 1, "the file is empty"},
    {"byte order mark alone", TEXT("\xef\xbb\xbf"), 1, 1, "the file is empty"},
    {"comments alone", TEXT("# nothing\n\n"), 1, 1, "the file has no case"},
    {"empty document", TEXT(HEAD "---\n---\n"), 5, 1, "an empty document"},
    {"a number", TEXT("42\n"), 1, 1, "a case is a mapping of keys, not: '42'"},
    {"a list", TEXT("- case: a\n"), 1, 1, "a case is a mapping of keys, not: a list"},
    {"not UTF-8", TEXT("case: a\nabout: \xc3\xa4 \xff\n"), 2, 10, "not UTF-8: byte '\\xff'"},
    {"overlong UTF-8", TEXT("case: \xc0\xaf\n"), 1, 7, "not UTF-8: byte '\\xc0'"},
    {"surrogate", TEXT("case: \xed\xa0\x80\n"), 1, 7, "not UTF-8: byte '\\xed'"},
    {"cut UTF-8", TEXT("case: \xe2\x98"), 1, 7, "not UTF-8: byte '\\xe2'"},
    {"UTF-16",
     TEXT("\xff\xfe"
          "c\0"),
     1, 1, "not UTF-8: byte '\\xff'"},
    {"NUL byte", TEXT("case: a\nab\0ut: x\n"), 2, 3, "NUL byte: '\\x00'"},
    {"control character", TEXT("case: a\nabout: \x1b[31m\n"), 2, 8, "control character: '\\x1b'"},
    {"direction override", TEXT("case: a # \xe2\x80\xae\n"), 1, 11, "control character: '\\u202e'"},
    {"next line", TEXT("case: a\xc2\x85seq_len: 1\n"), 1, 8, "control character: '\\u0085'"},
    {"not YAML", TEXT(HEAD "seed: [1, 2\n"), 5, 7, "not YAML: "},
    {"open quote", TEXT("case: \"a\n"), 1, 7, "double-quoted scalar without closing quote"},
    {"open bracket", TEXT(HEAD "seed: [1,\n  2 # [3\nmask: none\n"), 5, 7, "not YAML: '[' is not closed: '[1,'"},
    {"open brace in a list", TEXT(HEAD "recipe: [{base: mlx, epsilon: 1\n"), 5, 10, "not YAML: '{' is not closed: "},
    {"open bracket before a document", TEXT(HEAD "seed: [1\n---\n" HEAD), 5, 7, "not YAML: '[' is not closed: "},
    {"open bracket behind quoted ones", TEXT(HEAD "about: \"[\\\"[\"\nbecause: '[''['\nseed: [1\n"), 7, 7,
     "not YAML: '[' is not closed: '[1'"},
    {"open bracket behind text", TEXT(HEAD "about: it's a [b\nseed: {a: 1\n"), 6, 7,
     "not YAML: '{' is not closed: '{a: 1'"},
    {"closed by another", TEXT(HEAD "seed: [1, 2}\n"), 5, 12, "not YAML: '[' is closed by '}': '}'"},
    {"no comma in closed brackets", TEXT(HEAD "input: {a: 1 b: 2}\n"), 5, 15, "not YAML: missing comma"},
    {"no space behind the last colon", TEXT(HEAD "seed:1\n"), 5, 1,
     "not YAML: a space is missing behind ':': 'seed:1'"},
    {"no space behind a colon", TEXT("case:a\nseq_len: 9\n"), 1, 1,
     "not YAML: a space is missing behind ':': 'case:a'"},
    {"no space in a mapping", TEXT(HEAD "mask: {window:2, sinks: 1}\n"), 5, 8,
     "a space is missing behind ':': 'window:2, sinks: 1}'"},
    {"no space in a mapping with one pair", TEXT(HEAD "mask: {window:2}\n"), 5, 8,
     "a space is missing behind ':': 'window:2}'"},
    {"no space in a quoted key", TEXT(HEAD "mask: {\"window:2\": 1}\n"), 5, 8, "unknown"},
    {"wrong indentation", TEXT("case: a\n  seq_len: 1\n"), 1, 7, "not YAML: "},
    {"tab for indentation", TEXT("case: a\n\tseq_len: 1\n"), 1, 7, "not YAML: "},
    {"tab first", TEXT("\tcase: a\n"), 1, 1, "not YAML: invalid tab"},
    {"reserved character", TEXT(HEAD "seed: @1\n"), 5, 7, "not YAML: "},
    {"unknown escape", TEXT("case: \"\\q\"\n"), 1, 7, "not YAML: "},
    {"directive", TEXT("# text\r\n%YAML 1.2\n---\n" HEAD), 2, 1, "directives are not part of the format: '%YAML 1.2'"},
    {"anchor", TEXT(HEAD "seed: &one 1\n"), 5, 7, "anchors are not part of the format: '&one 1'"},
    {"alias", TEXT(HEAD "seed: *one\n"), 5, 7, "aliases are not part of the format: '*one'"},
    {"tag", TEXT(HEAD "seed: !!int 1\n"), 5, 7, "tags are not part of the format: '!!int 1'"},
    {"anchored document", TEXT("&x\ncase: a\n"), 1, 1, "anchors are not part of the format"},
    {"merge key", TEXT(HEAD "<<: {seed: 1}\n"), 5, 1, "unknown key: '<<'"},
    {"explicit key", TEXT(HEAD "? seed\n: 1\n"), 5, 1, "'?' stands alone: '? seed'"},
    /* Freed twice by libfyaml 0.7.12, were it to see it. */
    {"explicit key, tab, list", TEXT("? a: \t- b\n"), 1, 1, "'?' stands alone"},
    {"list as key", TEXT(HEAD "[a, b]: 1\n"), 5, 1, "a key is not a name: a list"},
    /* Nothing has no place; that of what stands before it is named. */
    {"empty key", TEXT(HEAD ": 1\n"), 4, 0, "a key is not a name: ''"},
    {"key with a NUL", TEXT(HEAD "\"se\\0ed\": 1\n"), 5, 1, "a key is not a name: 'se\\x00ed'"},
    {"deep nesting", TEXT(HEAD "seed: [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]\n"), 5, 22, "nested too deeply: '[[["},
    {"unknown key", TEXT(HEAD "seq_lne: 1\n"), 5, 1, "unknown key: 'seq_lne'; did you mean 'seq_len'?"},
    {"unknown key, far from all", TEXT("frobnicate: 1\n"), 1, 1, "unknown key: 'frobnicate'; allowed: case, about,"},
    {"duplicate key", TEXT(HEAD "seq_len: 1\n"), 5, 1, "duplicate key: 'seq_len', already on line 2"},
    {"missing case", TEXT("seq_len: 1\n"), 1, 1, "required key is missing: 'case'"},
    {"missing head_dim", TEXT("\ncase: a\nseq_len: 1\nnum_heads: 1\n"), 2, 1, "required key is missing: 'head_dim'"},
    {"case with a space", TEXT("case: a b\n"), 1, 7, "case is not a name: 'a b'"},
    {"case is empty", TEXT("case: ''\n"), 1, 7, "case is not a name: ''"},
    {"case is a list", TEXT("case: [a, b]\n"), 1, 7, "case takes one value: a list"},
    {"case without value", TEXT("case:\nseq_len: 1\n"), 1, 1, "case has no value"},
    {"same name twice", TEXT(HEAD "---\n" HEAD), 6, 7, "duplicate case: 'a', already at test.yaml:1:7"},
    {"about is a mapping", TEXT(HEAD "about: {a: b}\n"), 5, 8, "about is not a single value: a mapping"},
    {"about with an escape character", TEXT(HEAD "about: \"\\e[0m\"\n"), 5, 8, "about holds a control character"},
    {"null", TEXT(HEAD "seed: ~\n"), 5, 7, "seed has no value: '~'"},
    {"null in a list", TEXT(HEAD "seed: [1, null]\n"), 5, 11, "seed has no value: 'null'"},
    {"no kernel of that name", TEXT(HEAD "kernel: [single_pass, slpit_kv]\n"), 5, 23,
     "unknown kernel: 'slpit_kv'; did you mean 'split_kv'? allowed: single_pass, split_kv, two_pass, tensor_core, all"},
    {"no dtype of that name", TEXT(HEAD "dtype: fp16\n"), 5, 8, "unknown dtype: 'fp16'; did you mean 'f16'?"},
    {"upper case", TEXT(HEAD "dtype: F16\n"), 5, 8, "unknown dtype: 'F16'; did you mean 'f16'?"},
    {"no bias of that name", TEXT(HEAD "bias: nearest\n"), 5, 7,
     "unknown bias: 'nearest'; allowed: relative, absolute, none"},
    {"no recipe of that name", TEXT(HEAD "recipe: flashinfr\n"), 5, 9,
     "unknown recipe: 'flashinfr'; did you mean 'flashinfer'? allowed: names that `alibicheck list recipes` prints"},
    {"recipe of a number", TEXT(HEAD "recipe: [[mlx]]\n"), 5, 10, "recipe is not a single value: a list"},
    {"no base of that name", TEXT(HEAD "recipe: {base: mix}\n"), 5, 16, "unknown recipe: 'mix'; did you mean 'mlx'?"},
    {"no key of a recipe", TEXT(HEAD "recipe: {epsilom: 0}\n"), 5, 10,
     "unknown key of a recipe: 'epsilom'; did you mean 'epsilon'? allowed: base, name, sentinel, "},
    {"key of a recipe twice", TEXT(HEAD "recipe: {epsilon: 0, epsilon: 0}\n"), 5, 22, "duplicate key: 'epsilon'"},
    {"no choice of a recipe", TEXT(HEAD "recipe: {merge: lsee}\n"), 5, 17,
     "unknown merge: 'lsee'; did you mean 'lse'? allowed: max_sum, normalized, lse"},
    {"number of a recipe out of range", TEXT(HEAD "recipe: {merge_cutoff: 20}\n"), 5, 24,
     "merge_cutoff is out of range: '20'; allowed: numbers from -1000 to 0"},
    {"infinite number of a recipe", TEXT(HEAD "recipe: {epsilon: .inf}\n"), 5, 19, "epsilon is not a finite number"},
    {"fraction of a key", TEXT(HEAD "recipe: {key_shift: 0.5}\n"), 5, 21, "key_shift is not a whole number: '0.5'"},
    {"factor of 0", TEXT(HEAD "recipe: {slope_factor: 0}\n"), 5, 24,
     "slope_factor is 0: '0'; allowed: numbers from -65536 to 65536 but 0"},
    {"factor out of range", TEXT(HEAD "recipe: {scale_factor: 1e6}\n"), 5, 24, "scale_factor is out of range: '1e6'"},
    {"window without its mask", TEXT(HEAD "recipe: {window: 9, window_by: none}\n"), 5, 32,
     "unknown window_by: 'none'; allowed: key, tile_any, tile_all"},
    {"KV heads of others in parts",
     TEXT("case: a\nseq_len: [9, 500000]\nnum_heads: 8\nhead_dim: 128\ndtype: f32\nrecipe: {kv_head_map: modulo}\n"), 6,
     9, "recipe has keys or slopes of other heads, and k and v of more than 2 GiB"},
    {"slopes of others in parts",
     TEXT("case: a\nseq_len: 500000\nnum_heads: 8\nhead_dim: 128\ndtype: f32\nrecipe: [mlx, {slope_head_shift: 1}]\n"),
     6, 15, "recipe has keys or slopes of other heads, and k and v of more than 2 GiB"},
    {"positive initial maximum", TEXT(HEAD "recipe: {initial_max: 5e4}\n"), 5, 23,
     "initial_max is out of range: '5e4'"},
    {"initial maximum beyond f32", TEXT(HEAD "recipe: {initial_max: -1e39}\n"), 5, 23, "initial_max is out of range"},
    {"sentinel of a recipe", TEXT(HEAD "recipe: {sentinel: exclud}\n"), 5, 20,
     "sentinel is neither a policy nor a negative number: 'exclud'; did you mean 'exclude'?"},
    {"recipe called all", TEXT(HEAD "recipe: {name: all}\n"), 5, 16, "a recipe's name is none: 'all'"},
    {"recipe in upper case", TEXT(HEAD "recipe: {name: Mine}\n"), 5, 16, "a recipe's name is none: 'Mine'"},
    {"name that the library has", TEXT(HEAD "recipe: {name: mlx}\n"), 5, 16, "a recipe of that name exists: 'mlx'"},
    {"recipe too long without a name",
     TEXT(HEAD "recipe: {base: transformer-engine-fused-softmax, initial_sum: 1, masked_values: skipped}\n"), 5, 9,
     "a recipe with so many keys needs a name: a mapping; allowed: {name: NAME, "},
    {"same recipe twice", TEXT(HEAD "recipe: [mlx, {base: mlx, name: other}]\n"), 5, 15,
     "duplicate value of recipe: 'other', already on line 5, column 10"},
    {"same recipe twice through all", TEXT(HEAD "recipe: [all, mlx]\n"), 5, 15,
     "duplicate value of recipe: 'mlx', already on line 5, column 10"},
    {"two recipes of one name", TEXT(HEAD "recipe: [{name: a, epsilon: 1}, {name: a, epsilon: 0.5}]\n"), 5, 33,
     "duplicate value of recipe: 'a', already on line 5, column 10"},
    {"none in a list of oracles", TEXT(HEAD "oracles: [poison, none]\n"), 5, 19,
     "oracles takes 'none' alone, not in a list; allowed: none, poison, "},
    {"all in a list of oracles", TEXT(HEAD "oracles: [all]\n"), 5, 11, "oracles takes 'all' alone, not in a list"},
    {"recipe that contradicts itself", TEXT(HEAD "recipe: {masked_entry: add}\n"), 5, 24,
     "masked_entry contradicts the rest of its recipe: 'add'; sentinel exclude skips masked keys"},
    {"sentinel that contradicts the recipe",
     TEXT(HEAD "bias: absolute\nrecipe: [mlx, onnx-runtime]\nsentinel: [-inf, exclude]\n"), 7, 18,
     "sentinel contradicts the recipe: 'exclude' with recipe onnx-runtime; sentinel exclude skips masked keys"},
    {"exponential that contradicts the recipe", TEXT(HEAD "exponential: [polynomial, exp]\n"), 5, 27,
     "exponential contradicts the recipe: 'exp' with recipe default; exponential exp and fexp_u20 take natural logits"},
    {"bias that contradicts the recipe", TEXT(HEAD "bias: none\nsentinel: -1e4\nrecipe: hf-bloom\n"), 5, 7,
     "bias contradicts the recipe: 'none' with recipe hf-bloom; bias none has no slopes"},
    {"dtype is a mapping", TEXT(HEAD "dtype: {f16: 1}\n"), 5, 8, "dtype is not a single value: a mapping"},
    {"kernel twice through all", TEXT(HEAD "kernel: [split_kv, all]\n"), 5, 20,
     "duplicate value of kernel: 'split_kv', already on line 5, column 10"},
    {"word for a number", TEXT(HEAD "seed: one\n"), 5, 7, "seed is not a whole number: 'one'; allowed: 0 to 1844674"},
    {"fraction for an integer", TEXT(HEAD "seed: 1.5\n"), 5, 7, "seed is not a whole number: '1.5'"},
    {"exponent without digits", TEXT(HEAD "seed: 1e\n"), 5, 7, "seed is not a whole number: '1e'"},
    {"hexadecimal integer", TEXT(HEAD "seed: 0x10\n"), 5, 7, "seed is not a whole number: '0x10'"},
    {"quoted integer", TEXT(HEAD "seed: \"1\"\n"), 5, 7, "seed is quoted text, not a whole number: '1'"},
    {"sign alone", TEXT(HEAD "seed: '-'\n"), 5, 7, "seed is quoted text"},
    {"list in a list", TEXT(HEAD "seed: [1, [2]]\n"), 5, 11, "seed is not a single value: a list"},
    {"empty list", TEXT(HEAD "seed: []\n"), 5, 7, "seed has no values: '[]'"},
    {"seq_len -1", TEXT("case: a\nseq_len: -1\n"), 2, 10, "seq_len is out of range: '-1'; allowed: 0 to 134217728"},
    {"seq_len multiplied from 0", TEXT("case: a\nseq_len: 0..8:x2\n"), 2, 10, "seq_len is multiplied from below 1 on"},
    {"seq_len too large", TEXT("case: a\nseq_len: [1, 134217729]\n"), 2, 14, "seq_len is out of range: '134217729'"},
    {"negative seed", TEXT(HEAD "seed: -1\n"), 5, 7, "seed is out of range: '-1'"},
    {"seed of 2^64", TEXT(HEAD "seed: 18446744073709551616\n"), 5, 7, "seed is out of range"},
    {"absurdly long number", TEXT(HEAD "seed: 99999999999999999999999999999999999999999999999\n"), 5, 7,
     "seed is out of range"},
    {"num_heads too large", TEXT("case: a\nseq_len: 1\nnum_heads: 1025\n"), 3, 12, "allowed: 1 to 1024"},
    {"q_position too low", TEXT(HEAD "q_position: -2147483649\n"), 5, 13, "q_position is out of range"},
    {"head_dim 0", TEXT("case: a\nseq_len: 1\nnum_heads: 8\nhead_dim: 0\n"), 4, 11,
     "head_dim is out of range: '0'; allowed: 1 to 1024"},
    {"head_dim 1025", TEXT("case: a\nseq_len: 1\nnum_heads: 8\nhead_dim: 1025\n"), 4, 11, "head_dim is out of range"},
    {"chunk_len range", TEXT(HEAD "chunk_len: 64..128\n"), 5, 12, "is to name one"},
    {"chunk_len out of step", TEXT(HEAD "chunk_len: 48\n"), 5, 12, "chunk_len is out of step: '48'"},
    {"chunk_len in steps between", TEXT(HEAD "chunk_len: 64..128:+8\n"), 5, 12,
     "chunk_len is out of step: '64..128:+8'"},
    {"steps of another kind", TEXT(HEAD "seed: 1..9:y2\n"), 5, 7,
     "seed has steps that are not +NUMBER from 1 or xFACTOR above 1: '1..9:y2'"},
    {"no step", TEXT(HEAD "seed: 1..9:\n"), 5, 11, "not YAML"},
    {"steps of 0", TEXT(HEAD "seed: 1..9:+0\n"), 5, 7, "has steps that are not"},
    {"steps below 0", TEXT(HEAD "seed: 1..9:+-1\n"), 5, 7, "has steps that are not"},
    {"steps with two signs", TEXT(HEAD "seed: 1..9:++1\n"), 5, 7, "has steps that are not"},
    {"factor of 1", TEXT(HEAD "seed: 1..9:x1\n"), 5, 7, "has steps that are not"},
    {"factor that is none", TEXT(HEAD "seed: 1..9:xinf\n"), 5, 7, "has steps that are not"},
    {"multiplied from 0", TEXT(HEAD "seed: 0..9:x2\n"), 5, 7, "seed is multiplied from below 1 on: '0..9:x2'"},
    {"too many steps", TEXT(HEAD "seed: 1..18446744073709551615:+2\n"), 5, 7, "is a range of more than 100000 values"},
    {"too many steps up", TEXT(HEAD "seed: 1..1M:x1.0000001\n"), 5, 7, "is a range of more than 100000 values"},
    {"stepped ranges that overlap", TEXT(HEAD "seed: [0..20:+10, 5..25:+5]\n"), 5, 19,
     "duplicate value of seed: '10', already on line 5, column 8"},
    {"K", TEXT("case: a\nseq_len: 4K\n"), 2, 10,
     "seq_len ends in K, which is not a unit here (k is 1000, Ki is 1024): '4K'"},
    {"range backwards", TEXT(HEAD "seed: 5..3\n"), 5, 7, "range whose end is before its start: '5..3'"},
    {"range without end", TEXT(HEAD "seed: 5..\n"), 5, 7,
     "seed is no range of whole numbers, FIRST..LAST, FIRST..LAST:+STEP or FIRST..LAST:xFACTOR: '5..'"},
    {"three dots", TEXT(HEAD "seed: 1...3\n"), 5, 7, "seed is no range of whole numbers"},
    {"range beyond the limit", TEXT("case: a\nseq_len: 1..999999999\n"), 2, 10, "seq_len is out of range"},
    {"range where one value is taken", TEXT(HEAD "truth_precision: 64..128\n"), 5, 18, "is not a whole number"},
    {"truth_precision 32", TEXT(HEAD "truth_precision: 32\n"), 5, 18, "allowed: 64 to 4096"},
    {"truth_precision list", TEXT(HEAD "truth_precision: [64, 128]\n"), 5, 18, "truth_precision takes one value"},
    {"duplicate value", TEXT(HEAD "seed: [3, 1, 3]\n"), 5, 14,
     "duplicate value of seed: '3', already on line 5, column 8"},
    {"duplicate in a range", TEXT(HEAD "seed:\n  - 7\n  - 2..9\n"), 7, 5, "duplicate value of seed: '7', already on"},
    {"ranges that overlap", TEXT(HEAD "q_position: [-5..-1, -3..4]\n"), 5, 22, "duplicate value of q_position: '-3'"},
    {"duplicate number in another spelling", TEXT(HEAD "scale: [0.1, 1e-1]\n"), 5, 14,
     "duplicate value of scale: '0.1'"},
    {"numbers that are one f32", TEXT(HEAD "scale: [0.1, 0.1000000001]\n"), 5, 14, "duplicate value of scale: '0.1'"},
    {"duplicate sentinel", TEXT(HEAD "sentinel: [-5e4, exclude, -50000]\n"), 5, 27, "duplicate value of sentinel"},
    {"duplicate input", TEXT(HEAD "input: [normal, {distribution: normal, mean: 0}]\n"), 5, 17,
     "duplicate value of input: 'normal'"},
    {"too many points", TEXT(HEAD "seed: 0..100000\n"), 5, 7,
     "case has 100001 points: 'seed 100001'; allowed: at most 100000"},
    {"far too many points", TEXT(HEAD "seed: 0..18446744073709551615\nq_position: 0..2147483647\n"), 5, 7,
     "case has 2^64 or more points: 'q_position 2147483648 x seed 18446744073709551615'"},
    {"product over the limit", TEXT("case: a\nseq_len: 1..1000\nnum_heads: 1..101\nhead_dim: 64\n"), 2, 10,
     "case has 101000 points: 'seq_len 1000 x num_heads 101'"},
    {"heads that do not divide", TEXT(HEAD "num_kv_heads: 3\n"), 5, 15,
     "num_kv_heads does not divide num_heads: '3' with num_heads 8"},
    {"heads that do not divide in one combination",
     TEXT("case: a\nseq_len: 1\nhead_dim: 64\nnum_kv_heads: [1, 4]\nnum_heads: [8, 12, 14]\n"), 4, 19,
     "'4' with num_heads 14"},
    {"heads outside their model", TEXT(HEAD "head_offset: 5\ntotal_heads: 12\n"), 6, 14,
     "total_heads is too small: '12' with head_offset 5, num_heads 8"},
    {"head_offset too large", TEXT(HEAD "head_offset: 4090\n"), 5, 14, "head_offset is too large: '4090' with"},
    {"more outlier channels than head_dim",
     TEXT("case: a\nseq_len: 1\nnum_heads: 8\nhead_dim: [64, 128]\ninput: {distribution: outliers, channels: 100}\n"),
     5, 8, "input has more outlier channels than head_dim: 'outliers:channels=100' with head_dim 64"},
    {"sentinel of no kind", TEXT(HEAD "sentinel: excldue\n"), 5, 11, "'excldue'; did you mean 'exclude'?"},
    {"sentinel above 0", TEXT(HEAD "sentinel: 5e4\n"), 5, 11, "sentinel is neither a policy nor a negative number"},
    {"sentinel NaN", TEXT(HEAD "sentinel: .nan\n"), 5, 11, "sentinel is neither a policy nor a negative number"},
    {"scale 0", TEXT(HEAD "scale: 0\n"), 5, 8, "scale is out of range: '0'"},
    {"scale below f32", TEXT(HEAD "scale: 1e-60\n"), 5, 8, "scale is not 0, but f32 rounds it to 0: '1e-60'"},
    {"scale below double", TEXT(HEAD "scale: 1e-999\n"), 5, 8, "scale is out of range: '1e-999'"},
    {"scale above f32", TEXT(HEAD "scale: 1e39\n"), 5, 8, "scale is out of range: '1e39'"},
    {"scale is text", TEXT(HEAD "scale: 1/8\n"), 5, 8, "scale is not a number: '1/8'"},
    {"scale infinite", TEXT(HEAD "scale: .inf\n"), 5, 8, "scale is not a finite number: '.inf'"},
    {"max_bias too large", TEXT(HEAD "max_bias: 64.5\n"), 5, 11, "allowed: numbers above 0 up to 64"},
    {"max_bias negative", TEXT(HEAD "max_bias: -8\n"), 5, 11, "max_bias is out of range: '-8'"},
    {"tolerance NaN", TEXT(HEAD "tolerance: {atol: .nan}\n"), 5, 19, "atol is not a finite number: '.nan'"},
    {"tolerance nan as C spells it", TEXT(HEAD "tolerance: {rtol: nan}\n"), 5, 19, "rtol is not a finite number"},
    {"tolerance infinite", TEXT(HEAD "tolerance: {rtol: inf, atol: 0}\n"), 5, 19, "rtol is not a finite number"},
    {"tolerance overflows", TEXT(HEAD "tolerance: {rtol: 1e999}\n"), 5, 19, "rtol is out of range: '1e999'"},
    {"tolerance negative", TEXT(HEAD "tolerance:\n  atol: 1\n  rtol: -1e-3\n"), 7, 9, "rtol is negative: '-1e-3'"},
    {"tolerance is a number", TEXT(HEAD "tolerance: 1e-3\n"), 5, 12, "tolerance is not a mapping: '1e-3'"},
    {"tolerance is a list", TEXT(HEAD "tolerance: [{atol: 1}]\n"), 5, 12, "tolerance takes one value: a list"},
    {"tolerance of no kind", TEXT(HEAD "tolerance: {ulp: 1}\n"), 5, 13, "unknown part of tolerance: 'ulp'"},
    {"tolerance twice", TEXT(HEAD "tolerance: {atol: 1, atol: 2}\n"), 5, 22, "duplicate key: 'atol'"},
    {"no distribution of that name", TEXT(HEAD "input: uniforn\n"), 5, 8, "'uniforn'; did you mean 'uniform'?"},
    {"input without distribution", TEXT(HEAD "input: {mean: 1}\n"), 5, 8, "input has no 'distribution'"},
    {"distribution is a list", TEXT(HEAD "input: {distribution: [normal]}\n"), 5, 23, "distribution is not a single"},
    {"distribution twice", TEXT(HEAD "input: {distribution: normal, distribution: normal}\n"), 5, 31,
     "duplicate key: 'distribution'"},
    {"parameter that is not read", TEXT(HEAD "input: {distribution: uniform, stddev: 1}\n"), 5, 32,
     "distribution uniform does not read: 'stddev'; allowed: distribution, low, high"},
    {"parameter of no kind", TEXT(HEAD "input: {distribution: normal, maen: 1}\n"), 5, 31, "did you mean 'mean'?"},
    {"parameter twice", TEXT(HEAD "input: {distribution: normal, mean: 1, mean: 1}\n"), 5, 40, "duplicate key: 'mean'"},
    {"parameter is a list", TEXT(HEAD "input: {distribution: normal, mean: [1]}\n"), 5, 37,
     "mean is not a single value"},
    {"stddev negative", TEXT(HEAD "input: {distribution: normal, stddev: -1}\n"), 5, 39, "stddev is out of range"},
    {"channels not whole", TEXT(HEAD "input: {distribution: outliers, channels: 2.5}\n"), 5, 43, "not a whole number"},
    {"channels beyond int", TEXT(HEAD "input: {distribution: outliers, channels: 1e30}\n"), 5, 43, "out of range"},
    {"low above high", TEXT(HEAD "input: {distribution: uniform, low: 2}\n"), 5, 37,
     "no values between low 2 and high 1"},
    {"value beyond f32", TEXT(HEAD "input: {distribution: constant, value: -118446744073709551615e30}\n"), 5, 40,
     "value is out of range"},
    {"list of inputs in a list", TEXT(HEAD "input: [[normal]]\n"), 5, 9, "input is not a distribution: a list"},
    {"no mask of that name", TEXT(HEAD "mask: paddign\n"), 5, 7,
     "unknown mask: 'paddign'; did you mean 'padding'? allowed: none, all, {holes: P}, {window: W, sinks: S}"},
    {"mask as a point's key has it", TEXT(HEAD "mask: 'window:64:sinks:4'\n"), 5, 7,
     "unknown mask: 'window:64:sinks:4'; did you mean {window: 64, sinks: 4}? allowed: none, all, {holes: P}"},
    {"input as a point's key has it", TEXT(HEAD "input: normal:mean=0.5:stddev=2\n"), 5, 8,
     "unknown distribution: 'normal:mean=0.5:stddev=2'; did you mean {distribution: normal, mean: 0.5, stddev: 2}? "
     "allowed: normal, "},
    {"mask of no kind as a key would have it", TEXT(HEAD "mask: 'widnow:64'\n"), 5, 7,
     "unknown mask: 'widnow:64'; allowed: none, "},
    {"mask without its number", TEXT(HEAD "mask: window\n"), 5, 7,
     "mask window has no number: 'window'; allowed: none"},
    {"mask without value", TEXT(HEAD "mask: ~\n"), 5, 7, "mask has no value: '~'"},
    {"mask is empty", TEXT(HEAD "mask: {}\n"), 5, 7, "mask is an empty mapping: '{}'"},
    {"mask is a list in a list", TEXT(HEAD "mask: [[all]]\n"), 5, 8, "mask is not a single value: a list"},
    {"mask with a number it has not", TEXT(HEAD "mask: {all: 1}\n"), 5, 8, "mask all takes no value: 'all'"},
    {"mask of no kind", TEXT(HEAD "mask: {widnow: 3}\n"), 5, 8, "unknown mask: 'widnow'; did you mean 'window'?"},
    {"sinks without a window", TEXT(HEAD "mask: {sinks: 3}\n"), 5, 8, "unknown mask: 'sinks'; allowed: none, all"},
    {"half of a mask in another", TEXT(HEAD "mask: {window: 3, keep_every: 4, holes: 0.5}\n"), 5, 19,
     "mask holes, window does not read: 'keep_every'; allowed: holes, window, sinks, drop_newest"},
    {"all and more", TEXT(HEAD "mask: {window: 3, all: 1}\n"), 5, 19, "mask all takes no value: 'all'"},
    {"none and more", TEXT(HEAD "mask: {none: 0, window: 3}\n"), 5, 8, "mask none takes no value: 'none'"},
    {"gap without a start", TEXT(HEAD "mask: {gap_keys: 4}\n"), 5, 8, "unknown mask: 'gap_keys'; allowed: none, all"},
    {"gap of nothing", TEXT(HEAD "mask: {gap_from: 4, gap_keys: 0}\n"), 5, 31, "gap_keys is out of range: '0'"},
    {"gap beyond the cache", TEXT(HEAD "mask: {gap_from: 4, gap_keys: 30}\n"), 5, 7,
     "mask has a gap that ends beyond the last key: 'gap_from:4:gap_keys:30' with seq_len 33"},
    {"gap after the cache", TEXT(HEAD "mask: {gap_from: 33}\n"), 5, 7, "mask has a gap that ends beyond the last key"},
    {"batch of one length", TEXT(HEAD "batch: together\n"), 5, 8,
     "batch has no batch of lengths: 'together' with seq_len 33; allowed: alone, or together with 2 to 1024 values"},
    {"batch of too many lengths",
     TEXT("case: a\nseq_len: 1..1025\nnum_heads: 8\nhead_dim: 64\nbatch: [alone, together]\n"), 5, 16,
     "batch has no batch of lengths"},
    {"prefix without pages",
     TEXT("case: a\nseq_len: [33, 40]\nnum_heads: 8\nhead_dim: 64\nbatch: together\nshared_prefix: 32\n"), 6, 16,
     "shared_prefix has no page that sequences share"},
    {"prefix of less than a page",
     TEXT(
         "case: a\nseq_len: [33, 40]\nnum_heads: 8\nhead_dim: 64\nbatch: together\nshared_prefix: 32\npage_size: 33\n"),
     6, 16, "shared_prefix has no page that sequences share"},
    {"prefix of nobody",
     TEXT("case: a\nseq_len: [33, 40]\nnum_heads: 8\nhead_dim: 64\nshared_prefix: 32\npage_size: 16\n"), 5, 16,
     "shared_prefix has no page that sequences share"},
    {"prefix of keys by their query",
     TEXT("case: a\nseq_len: [33, 40]\nnum_heads: 8\nhead_dim: 64\nbatch: together\nshared_prefix: 32\npage_size: "
          "16\ninput: onehot\n"),
     6, 16, "shared_prefix is given beside keys that depend on the query"},
    {"batch beyond 2 GiB",
     TEXT(
         "case: a\nseq_len: [1000, 500001, 550000]\nnum_heads: 8\nhead_dim: 128\ndtype: [f16, f32]\nbatch: together\n"),
     6, 8, "batch has k and v of more than 2 GiB: 'together' with seq_len 1000, num_kv_heads 8"},
    {"mask file without path", TEXT(HEAD "mask: file\n"), 5, 7, "mask file has no path: 'file'; allowed: none"},
    {"mask file of a list", TEXT(HEAD "mask: {file: [a]}\n"), 5, 14, "file is not a single value: a list"},
    {"mask file with a space", TEXT(HEAD "mask: {file: a b}\n"), 5, 14,
     "mask file is not a path: 'a b'; allowed: paths of 1 to 128 of A-Z"},
    {"mask file that is not there", TEXT(HEAD "mask: {holes: 0.5, file: no/such.bits}\n"), 5, 26,
     "mask file cannot be opened (No such file or directory): 'no/such.bits'; allowed: paths"},
    {"mask file that is a folder", TEXT(HEAD "mask: [all, {file: /}]\n"), 5, 20,
     "mask file is not a regular file: '/'"},
    {"mask file that never ends", TEXT(HEAD "mask: {file: /dev/zero}\n"), 5, 14, "mask file is not a regular file"},
    {"k_scale without fp8", TEXT(HEAD "k_scale: 0.5\n"), 5, 10,
     "k_scale is given without an fp8 cache: '0.5' with kv_dtype same; allowed: 1, or kv_dtype e4m3, e5m2 or "
     "e4m3fnuz"},
    {"v_scale without fp8 in one combination", TEXT(HEAD "v_scale: [1, 2]\nkv_dtype: [e4m3, same]\n"), 5, 14,
     "v_scale is given without an fp8 cache: '2' with kv_dtype same"},
    {"k_scale 0", TEXT(HEAD "kv_dtype: e4m3\nk_scale: 0\n"), 6, 10, "k_scale is out of range: '0'; allowed: numbers"},
    {"kv_dtype of no kind", TEXT(HEAD "kv_dtype: f16\n"), 5, 11, "unknown kv_dtype: 'f16'; allowed: same, e4m3, e5m2"},
    {"kv_offset negative", TEXT(HEAD "kv_offset: -1\n"), 5, 12, "kv_offset is out of range: '-1'; allowed: 0 to 2013"},
    {"page_size too large", TEXT(HEAD "page_size: 65537\n"), 5, 12,
     "page_size is out of range: '65537'; allowed: 0 to"},
    {"page_seed negative", TEXT(HEAD "page_seed: -1\n"), 5, 12, "page_seed is out of range"},
    {"no slopes of that name", TEXT(HEAD "slopes: blom\n"), 5, 9,
     "unknown slopes: 'blom'; did you mean 'bloom'? allowed: bloom, geometric, hf, vllm, falcon, {values: [S, ...]}"},
    {"slopes of nothing", TEXT(HEAD "slopes: {}\n"), 5, 9, "slopes is an empty mapping: '{}'"},
    {"slopes of no kind", TEXT(HEAD "slopes: {vales: [1]}\n"), 5, 10,
     "unknown part of slopes: 'vales'; allowed: values"},
    {"slopes twice", TEXT(HEAD "slopes: {values: [1], values: [1]}\n"), 5, 23, "duplicate key: 'values'"},
    {"no slopes in the list", TEXT(HEAD "slopes: {values: []}\n"), 5, 18, "values are not a list of numbers: '[]'"},
    {"one slope without a list", TEXT(HEAD "slopes: {values: 1}\n"), 5, 18, "values are not a list of numbers: '1'"},
    {"slope NaN", TEXT(HEAD "slopes: {values: [1, .nan]}\n"), 5, 22, "slopes is not a finite number: '.nan'"},
    {"slope beyond f32", TEXT(HEAD "slopes: [bloom, {values: [1, -1e39]}]\n"), 5, 30,
     "slopes is out of range: '-1e39'"},
    {"epsilon below f32", TEXT(HEAD "recipe: {epsilon: 1e-50}\n"), 5, 19,
     "epsilon is not 0, but f32 rounds it to 0: '1e-50'; allowed: numbers from 0 to 1"},
    {"slope below f32", TEXT(HEAD "slopes: {values: [0, -1e-46]}\n"), 5, 22,
     "slopes is not 0, but f32 rounds it to 0: '-1e-46'; allowed: numbers"},
    {"slope that log2(e) makes infinite", TEXT(HEAD "slopes: {values: [1, 3e38]}\n"), 5, 22,
     "slopes is out of range: '3e38'; allowed: numbers from -FLT_MAX / 2 to FLT_MAX / 2"},
    {"max_bias beside slopes", TEXT(SLOPES "max_bias: [8, 16]\n"), 6, 12,
     "max_bias is given beside the slopes themselves: '8' with slopes values:1; allowed: slopes of a convention"},
    {"head_offset beside slopes", TEXT(SLOPES "head_offset: 0\n"), 6, 14,
     "head_offset is given beside the slopes themselves: '0' with slopes values:1"},
    {"total_heads beside slopes", TEXT(SLOPES "total_heads: 1\n"), 6, 14,
     "total_heads is given beside the slopes themselves: '1' with slopes values:1"},
    {"fewer slopes than heads", TEXT(HEAD "slopes: {values: [1, 2]}\n"), 5, 9,
     "slopes has not one value a head: 'values:1:2' with num_heads 8; allowed: num_heads values"},
    {"duplicate slopes",
     TEXT("case: a\nseq_len: 1\nnum_heads: 1\nhead_dim: 64\nslopes: [{values: [1]}, {values: [1.0]}]\n"), 5, 25,
     "duplicate value of slopes: 'values:1', already on"},
    {"floor beyond the dtypes", TEXT(HEAD "input: {distribution: logit_floor, value: 1e38}\n"), 5, 8,
     "input has logits that q and k cannot hold: 'logit_floor:value=1e+38' with dtype f16, kv_dtype same, scale 0.125"},
    {"floor beyond an fp8 cache",
     TEXT(HEAD "input: {distribution: logit_floor, value: -1e8}\nkv_dtype: [same, e4m3]\n"), 5, 8,
     "with dtype f16, kv_dtype e4m3"},
    {"negative spread", TEXT(HEAD "input: {distribution: logit_floor, spread: -1}\n"), 5, 44, "spread is out of range"},
    {"parameter of no mask", TEXT(HEAD "mask: {window: 3, snks: 1}\n"), 5, 19,
     "unknown parameter of mask window: 'snks'; did you mean 'sinks'? allowed: holes, window, sinks, drop_newest"},
    {"mask parameter twice", TEXT(HEAD "mask: {sinks: 3, window: 1, sinks: 3}\n"), 5, 29, "duplicate key: 'sinks'"},
    {"mask key with a NUL", TEXT(HEAD "mask: {\"win\\0dow\": 3}\n"), 5, 8, "a key is not a name"},
    {"mask's second key is a list", TEXT(HEAD "mask: {window: 3, [a]: 1}\n"), 5, 19, "a key is not a name: a list"},
    {"holes above 1", TEXT(HEAD "mask: {holes: 1.5}\n"), 5, 15,
     "holes is out of range: '1.5'; allowed: numbers from 0"},
    {"holes below 0", TEXT(HEAD "mask: {holes: -0.1}\n"), 5, 15, "holes is out of range: '-0.1'"},
    {"holes NaN", TEXT(HEAD "mask: {holes: .nan}\n"), 5, 15, "holes is not a finite number: '.nan'"},
    {"holes in percent", TEXT(HEAD "mask: {holes: 10%}\n"), 5, 15, "holes is not a number: '10%'"},
    {"half a key", TEXT(HEAD "mask: {window: 2.5}\n"), 5, 16,
     "window is not a whole number: '2.5'; allowed: whole numbers from 0 to the largest seq_len"},
    {"list of windows", TEXT(HEAD "mask: {window: [1, 2]}\n"), 5, 16, "window is not a single value: a list"},
    {"negative window", TEXT(HEAD "mask: {window: -1}\n"), 5, 16, "window is out of range: '-1'"},
    {"negative sinks", TEXT(HEAD "mask: {window: 1, sinks: -1}\n"), 5, 26, "sinks is out of range: '-1'"},
    {"blocks of nothing", TEXT(HEAD "mask: {block: 0}\n"), 5, 15,
     "block is out of range: '0'; allowed: whole numbers from 1"},
    {"every 0th block", TEXT(HEAD "mask: {block: 8, keep_every: 0}\n"), 5, 30, "keep_every is out of range: '0'"},
    {"beyond every cache", TEXT(HEAD "mask: {drop_newest: 134217729}\n"), 5, 21, "drop_newest is out of range"},
    {"duplicate mask", TEXT(HEAD "mask: [{window: 3}, {window: 3, sinks: 0}]\n"), 5, 21,
     "duplicate value of mask: 'window:3', already on line 5, column 8"},
    {"window beyond the cache", TEXT(HEAD "mask: {window: 34}\n"), 5, 7,
     "mask counts more keys than seq_len: 'window:34' with seq_len 33; allowed: counts up to seq_len, of window and "
     "sinks"},
    {"window beyond all caches",
     TEXT("case: a\nseq_len: [1..16:x2, 33, 20]\nnum_heads: 8\nhead_dim: 64\nmask: {window: 34}\n"), 5, 7,
     "'window:34' with seq_len 1; allowed: "},
    {"sinks beyond the cache", TEXT(HEAD "mask: {window: 3, sinks: 34}\n"), 5, 7,
     "'window:3:sinks:34' with seq_len 33"},
    {"more dropped than there are", TEXT(HEAD "mask: {drop_newest: 34}\n"), 5, 7, "mask counts more keys than seq_len"},
    {"blocks beyond the cache", TEXT(HEAD "mask: {block: 34}\n"), 5, 7, "mask counts more keys than seq_len"},
    {"more padding than cache", TEXT(HEAD "mask: {padding: 34}\n"), 5, 7, "mask counts more keys than seq_len"},
    {"window beyond the cache in one combination",
     TEXT("case: a\nseq_len: [33, 100, 20]\nnum_heads: 8\nhead_dim: 64\nmask: [none, {window: 20}, {padding: 21}]\n"),
     5, 28, "'padding:21' with seq_len 20"},
    {"expect maybe", TEXT(HEAD "expect: maybe\n"), 5, 9, "unknown expect: 'maybe'; allowed: pass, fail"},
    {"tolerance of something else", TEXT(HEAD "tolerance: {ltol: 1}\n"), 5, 13,
     "unknown part of tolerance: 'ltol'; allowed: atol, rtol, lse"},
    {"lse negative", TEXT(HEAD "tolerance: {lse: -1}\n"), 5, 18, "lse is negative: '-1'"},
    {"judge of something else", TEXT(HEAD "judge: all\n"), 5, 8, "judge"},
    {"a budget that does not judge", TEXT(HEAD "budget: 2\njudge: tolerance\n"), 5, 9,
     "budget stands beside 'judge: tolerance': '2'; allowed: with judge: both or judge: budget"},
    {"because without a failure", TEXT(HEAD "because: luck\n"), 5, 10, "because stands without 'expect: fail': 'luck'"},
    {"signature of a pass", TEXT(HEAD "expect: pass\nsignature: nan\n"), 6, 12, "signature stands without"},
    {"CRLF keeps count of lines", TEXT("case: a\r\nseq_len: 1\r\nnum_heads: x\r\n"), 3, 12, "'x'"},
    {"columns are characters", TEXT("{case: a, about: \xc3\xa4\xe2\x98\xba, seq_len: -1}\n"), 1, 31,
     "seq_len is out of"},
    {"byte order mark has no column", TEXT("\xef\xbb\xbf{seq_len: -1, case: a}\n"), 1, 11, "seq_len is out of range"},
    {"long text is cut",
     TEXT(HEAD "dtype: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
               "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"),
     5, 8, "aaaa...'; allowed: f16"},
    {"line breaks are escaped", TEXT(HEAD "dtype: \"f\\n16\\t\\x07\"\n"), 5, 8, "'f\\n16\\t\\x07'"},
};

static void test_bad_texts_are_refused_with_their_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad_texts); i++) {
        const struct bad *bad = &bad_texts[i];
        char start[64];
        print_message("    %s\n", bad->name);
        int size = snprintf(start, sizeof start, "test.yaml:%d:", bad->line);
        if (bad->column > 0)
            snprintf(start + size, sizeof start - (size_t)size, "%d: ", bad->column);
        assert_refused(bad->text, bad->size, NULL, 0, start, bad->says);
        const char *broken = case_promise_broken(bad->text, bad->size);
        if (broken)
            fail_msg("%s: %s", bad->name, broken);
    }
}

static void test_bad_settings_are_refused_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *settings[2];
        const char *start, *says;
    } rows[] = {
        {{"seq_lne=1"}, "--set seq_lne=1:1: ", "unknown key: 'seq_lne'; did you mean 'seq_len'?"},
        {{"seq_len"}, "--set seq_len:1: ", "a setting has no '=': 'seq_len'; allowed: KEY=VALUE"},
        {{"=1"}, "--set =1:1: ", "unknown key: ''"},
        {{""}, "--set :1: ", "a setting has no '='"},
        {{"case=b"}, "--set case=b:1: ", "cannot be set: 'case'"},
        {{"about=b"}, "--set about=b:1: ", "cannot be set: 'about'"},
        {{"seed=1", "seed=2"}, "--set seed=2:1: ", "set twice: 'seed'"},
        {{"seed="}, "--set seed=:6: ", "seed has no value"},
        {{"seed=~"}, "--set seed=~:6: ", "seed has no value: '~'"},
        {{"seed=[1, x]"}, "--set seed=[1, x]:10: ", "seed is not a whole number: 'x'"},
        {{"seed=[1"}, "--set seed=[1:6: ", "not YAML: '[' is not closed"},
        {{"seed=1\n---\n2"}, "--set seed=1\\n---\\n2:1: ", "a setting is one line"},
        {{"seed=\xff"}, "--set seed=\\xff:6: ", "not UTF-8"},
        {{"seed=&a 1"}, "--set seed=&a 1:6: ", "anchors are not part of the format: '&a 1'"},
        {{"kernel=slpit_kv"}, "--set kernel=slpit_kv:8: ", "did you mean 'split_kv'?"},
        {{"num_kv_heads=3"}, "--set num_kv_heads=3:14: ", "'3' with num_heads 8"},
        {{"tolerance={atol: -1}"}, "--set tolerance={atol: -1}:18: ", "atol is negative: '-1'"},
        {{"slopes={values: [1, 2, 3, 4, 5, 6, 7, 8]}", "max_bias=16"},
         "--set max_bias=16:10: ",
         "max_bias is given beside the slopes themselves: '16' with slopes values:1:2:3"},
        {{"judge=tolerance", "budget=2"}, "--set budget=2:8: ", "budget stands beside 'judge: tolerance': '2'"},
        {{"because=x"}, "--set because=x:9: ", "because stands without 'expect: fail'"},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_refused(TEXT(HEAD), rows[i].settings, rows[i].settings[1] ? 2 : 1, rows[i].start, rows[i].says);
}

/* A text is as long as it is said to be: behind it there is a page that cannot be read. */
static void test_nothing_is_read_behind_a_text(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "case: a\nseed: [1 # open",    "case: a\nseed: [\"1",  "case: a\nseed: [\"1\\",   "case: a\nseed: ['1",
        "case: a\nseed: ['1'",         "case: a\nseed: [1\n",  "case: a\nseed: [1\nmask", "case: a\nseed: [1\nmask:",
        "case: a\nseed: [1\n--",       "case: a\nseed: [1\n-", "case: a\nseed:",          "case: a\nseed:1",
        "case: a\n  mask: {window:2}",
    };
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    assert_int_equal(mprotect(pages + page, page, PROT_NONE), 0);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct case_list list = {0};
        struct error error;
        size_t size = strlen(texts[i]);
        char *text = memcpy(pages + page - size, texts[i], size);
        assert_int_equal(case_list_parse(&list, "test.yaml", text, size, NULL, 0, &error), ERROR_USAGE);
    }
    munmap(pages, 2 * page);
}

/* ---- several errors at once ------------------------------------------------------------------------------------- */

static enum error_kind read_text(const char *text, const char *const *settings, size_t count, struct error *error)
{
    struct case_list list = {0};
    *error = (struct error){.kind = ERROR_NONE};
    enum error_kind kind = case_list_parse(&list, "test.yaml", text, strlen(text), settings, count, error);
    assert_int_equal(list.count, 0);
    case_list_clear(&list);
    return kind;
}

static void assert_lines(const char *text, const char *const *starts, size_t count)
{
    const char *line = text;
    for (size_t i = 0; i < count; i++) {
        if (!line || strncmp(line, starts[i], strlen(starts[i])) != 0)
            fail_msg("line %zu of\n%s\nis not %s", i + 1, text, starts[i]);
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    if (line)
        fail_msg("more than %zu lines:\n%s", count, text);
}

static void test_all_errors_of_a_file_are_told(void **state)
{
    (void)state;
    struct error error;
    static const char *const starts[] = {
        "test.yaml:2:10: seq_len ",
        "test.yaml:4:1: unknown key: 'head_dims'; did you mean 'head_dim'? ", /* and head_dim is not missing as well */
        "test.yaml:5:1: unknown key: 'colour'; allowed: ",
        "test.yaml:6:1: duplicate key: 'seq_len', already on line 2; ",
        "test.yaml:9:1: required key is missing: 'seq_len'; ", /* in the next case */
    };
    assert_int_equal(read_text("case: a\nseq_len: none\nnum_heads: 1\nhead_dims: 64\ncolour: red\nseq_len: 3\n---\n"
                               "# The next case.\ncase: b\nnum_heads: 1\nhead_dim: 64\n",
                               NULL, 0, &error),
                     ERROR_USAGE);
    assert_lines(error.text, starts, sizeof starts / sizeof starts[0]);
}

/* What keys must be to each other is asked of a case whose keys are right; a case that is wrong spoils no other. */
static void test_errors_that_follow_from_others_are_not_told(void **state)
{
    (void)state;
    struct error error;
    static const char *const starts[] = {"test.yaml:4:11: head_dim ", "test.yaml:9:15: num_kv_heads "};
    assert_int_equal(read_text("case: a\nseq_len: 1\nnum_heads: 3\nhead_dim: x\nnum_kv_heads: 2\n---\n"
                               "case: b\nseq_len: 1\nnum_kv_heads: 2\nnum_heads: 3\nhead_dim: 64\n",
                               NULL, 0, &error),
                     ERROR_USAGE);
    assert_lines(error.text, starts, 2);
}

static void test_a_bad_setting_is_told_once(void **state)
{
    (void)state;
    struct error error;
    static const char *const settings[] = {"seed=x"};
    static const char *const starts[] = {"--set seed=x:6: seed is not a whole number: 'x'; "};
    assert_int_equal(read_text(HEAD "---\n" HEAD, settings, 1, &error), ERROR_USAGE);
    assert_lines(error.text, starts, 1);
}

static void test_errors_beyond_a_limit_are_counted(void **state)
{
    (void)state;
    char text[2048] = "";
    struct error error;
    const char *starts[ERROR_LIST_MAX + 1];
    size_t length = 0;
    for (int i = 0; i < ERROR_LIST_MAX + 3; i++)
        length += (size_t)snprintf(text + length, sizeof text - length,
                                   "%scase: c%d\nseq_len: -1\nnum_heads: 1\nhead_dim: 64\n", i ? "---\n" : "", i);
    for (int i = 0; i < ERROR_LIST_MAX; i++)
        starts[i] = "test.yaml:";
    starts[ERROR_LIST_MAX] = "test.yaml: 3 more errors";
    assert_int_equal(read_text(text, NULL, 0, &error), ERROR_USAGE);
    assert_lines(error.text, starts, ERROR_LIST_MAX + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_read_behind_a_text),
        cmocka_unit_test(test_all_errors_of_a_file_are_told),
        cmocka_unit_test(test_errors_that_follow_from_others_are_not_told),
        cmocka_unit_test(test_a_bad_setting_is_told_once),
        cmocka_unit_test(test_errors_beyond_a_limit_are_counted),
        cmocka_unit_test(test_bad_texts_are_refused_with_their_place),
        cmocka_unit_test(test_bad_settings_are_refused_with_their_place),
    };
    return cmocka_run_group_tests_name("case_errors", tests, NULL, NULL) ? 1 : 0;
}
