/* The fields of struct recipe. */
#include "harness/case/recipe_field.h"

#include <stdio.h>
#include <string.h>

#include <xxhash.h>

#include "harness/case/recipe_value.h"
#include "reference/error_bound.h"

/* ---- the table --------------------------------------------------------------------------------------------------- */

#define MEMBER(member) FIELD_MEMBER(struct recipe, member)
#define CONTRACT(member) FIELD_MEMBER(struct recipe, contract.member)
#define FACTOR(member) .type = FIELD_OWN, .own = &factor_own, CONTRACT(member)
#define NAMES(array) .type = FIELD_CHOICE, .names = FIELD_NAMES(array)
#define ROUNDING .type = FIELD_CHOICE, .names = FIELD_NAMES_FIRST(dtype_rounding_names, ROUND_ANY_COUNT)

_Static_assert(sizeof(enum bias_form) == sizeof(int), "fields that are enumerations are read as int");

static const struct field fields[] = {
    {.name = "sentinel",
     .type = FIELD_OWN,
     .own = &recipe_sentinel_own,
     MEMBER(sentinel),
     .about = "What stands in for -inf as a masked key's logit, in the units of the kernel's logits: natural where "
              "log2e is exponential, else base 2."},
    {.name = "masked_entry",
     NAMES(masked_entry_names),
     MEMBER(masked_entry),
     .about = "A masked logit is the sentinel, or what it would be plus the sentinel; or plus that once for each kind "
              "of the case's mask that removes the key."},
    {.name = "initial_max",
     .type = FIELD_OWN,
     .own = &initial_max_own,
     .offset = offsetof(struct recipe, initial_max),
     .size = sizeof(int) + sizeof(float),
     .about = "The maximum before the first key. as_sentinel: the sentinel, -inf where that is exclude."},
    {.name = "initial_sum", NUMBER(0, 1), MEMBER(initial_sum), .about = "The sum of weights before the first key."},
    {.name = "guards",
     NAMES(guards_names),
     MEMBER(guards),
     .about = "Where a maximum is -inf. false: inf - inf is formed; zero_max: it becomes 0 and stays the maximum."},
    {.name = "empty_row",
     NAMES(empty_row_names),
     MEMBER(empty_row),
     .about =
         "A row whose sum is 0: output 0, or 0 / 0; or output 0 also where its maximum equals the sentinel; or the "
         "output is not written."},
    {.name = "epsilon", NUMBER(0, 1), MEMBER(epsilon), .about = "Added to every denominator."},
    {.name = "division",
     NAMES(division_names),
     MEMBER(division),
     .about = "By the sum: IEEE, or a product with rcp.approx.ftz of it."},
    {.name = "masked_values",
     NAMES(masked_values_names),
     MEMBER(masked_values),
     .about = "v of keys that a mask removes: not read, or read and multiplied by a weight of 0; or that of slots past "
              "the end "
              "of the cache too."},
    {.name = "bias",
     NAMES(bias_form_names),
     MEMBER(bias),
     .about = "slope * (j - q_position), slope * j, or none at all."},
    {.name = "slopes",
     NAMES(slopes_source_names),
     MEMBER(slopes),
     .about = "The slopes of the problem, or the kernel's own for num_heads heads by a convention."},
    {.name = "slopes_max_bias",
     NUMBER(0, 64),
     MEMBER(slopes_max_bias),
     .about = "max_bias of the kernel's own slopes; 0: 8."},
    {.name = "slope_dtype", ROUNDING, MEMBER(slope_dtype), .about = "What slopes are rounded to."},
    {.name = "position_dtype",
     ROUNDING,
     MEMBER(position_dtype),
     .about = "What positions or distances are rounded to before the product with the slope."},
    {.name = "bias_dtype", ROUNDING, MEMBER(bias_dtype), .about = "What biases are rounded to."},
    {.name = "positions",
     NAMES(positions_names),
     MEMBER(positions),
     .about = "Where keys are: global, within their chunk alone, or as magnitudes of a distance from a query at 0."},
    {.name = "positive_bias",
     NAMES(positive_bias_names),
     MEMBER(positive_bias),
     .about = "Keys whose bias is positive, with slopes above 0 those newer than the query: kept or masked."},
    {.name = "key_shift",
     .type = FIELD_WHOLE,
     .whole = {-65536, 65536, 0},
     .range_prefix = "whole numbers from ",
     MEMBER(key_shift),
     .about = "Keys by which every distance is off."},
    {.name = "scale_entry",
     NAMES(scale_entry_names),
     MEMBER(scale_entry),
     .about = "scale * q.k + bias, (scale q).k + bias, or scale * (q.k + bias / scale); product: scale * q.k is "
              "rounded before the bias is added."},
    {.name = "scale_dtype", ROUNDING, MEMBER(scale_dtype), .about = "What the scale is rounded to. input: q's dtype."},
    {.name = "query_dtype",
     ROUNDING,
     MEMBER(query_dtype),
     .about = "What the scaled query is rounded to, with scale_entry query."},
    {.name = "log2e",
     NAMES(log2e_entry_names),
     MEMBER(log2e),
     .about = "Where log2(e) enters: in scale and slopes (logits are formed in base 2), at the exponential (they stay "
              "natural), or in each logit once it is formed."},
    {.name = "dot_dtype", ROUNDING, MEMBER(dot_dtype), .about = "What every product and sum of q.k is rounded to."},
    {.name = "dot_result_dtype",
     ROUNDING,
     MEMBER(dot_result_dtype),
     .about = "What q.k is rounded to once it is summed up."},
    {.name = "scaled_dtype",
     ROUNDING,
     MEMBER(scaled_dtype),
     .about = "What scale * q.k is rounded to before the bias is added, with scale_entry product."},
    {.name = "logit_dtype", ROUNDING, MEMBER(logit_dtype), .about = "What logits are rounded to."},
    {.name = "weight_form",
     NAMES(weight_form_names),
     MEMBER(weight_form),
     .about = "What is multiplied with v: exponentials, with one division at the end, or probabilities, divided by "
              "their sum first. two_pass alone knows the sum by then; other kernels divide at the end."},
    {.name = "weight_dtype",
     NAMES(dtype_rounding_names),
     MEMBER(weight_dtype),
     .about = "What weights are rounded to before the product with v; their sum takes them unrounded."},
    {.name = "weight_scale",
     NUMBER(0, 57344),
     MEMBER(weight_scale),
     .about = "What weights are multiplied by before they are rounded, and divided by again; 0: nothing."},
    {.name = "sum_dtype",
     ROUNDING,
     MEMBER(sum_dtype),
     .about = "What a lane's sum of weights is rounded to after each addition and rescaling; lanes add up in f32."},
    {.name = "weighted_sum_dtype",
     ROUNDING,
     MEMBER(weighted_sum_dtype),
     .about = "The same of a lane's sum of weights times v."},
    {.name = "exponential",
     NAMES(exponential_names),
     MEMBER(exponential),
     .about = "A polynomial for 2^x, ex2.approx.ftz, exp2f, expf of natural logits, or of these PyTorch's fexp_u20, "
              "1.1e-4 off, with expf for what rescales."},
    {.name = "max_offset",
     NUMBER(0, ERROR_BOUND_MAX_OFFSET),
     MEMBER(max_offset),
     .about = "Added to every maximum, in nats."},
    {.name = "tile_keys",
     .type = FIELD_WHOLE,
     .whole = {0, 65536, 32},
     .range_prefix = "multiples of 32 from ",
     MEMBER(tile_keys),
     .about = "two_pass: the maximum runs with the keys, a tile of so many at a time; 0: it is that of the row. Other "
              "kernels have tiles of their own."},
    {.name = "tensor_core",
     .type = FIELD_CHOICE,
     .names = FIELD_NAMES_OF(tensor_cores, name, TENSOR_CORE_COUNT),
     MEMBER(tensor_core),
     .about =
         "kernel tensor_core: whose fused sums it makes; ampere's are Ada's too. A GPU makes its own, and takes no "
         "others. Kernels without tensor cores have no such sums."},
    {.name = "merge",
     NAMES(merge_form_names),
     MEMBER(merge),
     .about = "How chunks come together: undivided outputs by maximum and sum, divided ones by the same, or divided "
              "ones by lse."},
    {.name = "partial_dtype", ROUNDING, MEMBER(partial_dtype), .about = "What the outputs of chunks are rounded to."},
    {.name = "merge_cutoff",
     NUMBER(-1000, 0),
     MEMBER(merge_cutoff),
     .about = "Chunks whose factor is below exp of this count as 0; 0: none do."},
    {.name = "soft_cap",
     NAMES(soft_cap_use_names),
     MEMBER(soft_cap),
     .about =
         "A problem's soft cap: applied, ignored, applied twice, on the other side of the bias, or to what stands for "
         "masked keys too."},
    {.name = "sink",
     NAMES(sink_use_names),
     MEMBER(sink),
     .about = "Learned sinks: counted, ignored, or counted once for each chunk of a kernel that splits the sequence."},

    /* What the kernel takes the problem to be (kernels/recipe_contract.h). */
    {.name = "lse_base", NAMES(lse_base_names), CONTRACT(lse_base), .about = "The base of the lse that is returned."},
    {.name = "merge_lse_base",
     NAMES(merge_lse_base_names),
     CONTRACT(merge_lse_base),
     .about =
         "Where merge is lse: the lse of chunks are in base 2 and taken for natural ones, or the other way; mixed: "
         "the first chunk's alone is in base 2."},
    {.name = "merge_guards",
     NAMES(merge_guards_names),
     CONTRACT(merge_guards),
     .about = "false: inf - inf is formed where chunks are merged, whatever guards does elsewhere."},
    {.name = "empty_row_lse",
     NAMES(empty_row_lse_names),
     CONTRACT(empty_row_lse),
     .about = "The lse of a row without weight."},
    {.name = "page_id_bits",
     NAMES(page_id_bits_names),
     CONTRACT(page_id_bits),
     .about = "Bits of a page id that are read: with 16, pages from 65536 on are taken for others."},
    {.name = "page_offset_bits",
     NAMES(page_offset_bits_names),
     CONTRACT(page_offset_bits),
     .about = "Bits of a page's place, its id times its elements, that are counted: with 32, elements from 2^32 on are "
              "taken for others, which the oracle offsets shows."},
    {.name = "page_table_row",
     NAMES(page_table_row_names),
     CONTRACT(page_table_row),
     .about = "The row of the page table that is read: the sequence's own, the first one's or the next one's of the "
              "launch."},
    {.name = "kv_head_map",
     NAMES(kv_head_map_names),
     CONTRACT(kv_head_map),
     .about = "The KV head of head h, of H and Hkv with G = H / Hkv: h / G, h % Hkv, (h / G + 1) % Hkv, or h / Hkv "
              "but Hkv - 1 at most."},
    {.name = "window",
     .type = FIELD_WHOLE,
     .whole = {0, INT32_MAX, 0},
     .range_prefix = "whole numbers from ",
     CONTRACT(window),
     .about = "The kernel's own window: keys from the end of the cache that alone take part; 0: all do."},
    {.name = "window_by",
     .type = FIELD_CHOICE,
     .names = FIELD_NAMES_FIRST(removal_names, REMOVAL_NONE),
     CONTRACT(window_by),
     .about = "Its keys are let in one by one, or tiles of 32 as a whole: if any or if all of their keys are in it."},
    {.name = "mask_by",
     NAMES(removal_names),
     CONTRACT(mask_by),
     .about = "The same of the keys that the mask leaves; none: the mask is not read."},
    {.name = "keys_past_end",
     .type = FIELD_WHOLE,
     .whole = {0, 1024, 0},
     .range_prefix = "whole numbers from ",
     CONTRACT(keys_past_end),
     .about = "Slots behind the last key that are taken for keys, whatever lies there: NaN, but where it is the key of "
              "a later query."},
    {.name = "query_keys",
     NAMES(query_keys_names),
     CONTRACT(query_keys),
     .about =
         "The keys that query i of Q sees: those up to its own, which is key N - Q + i; the next query's, too; all, "
         "those of later queries too; or the first i + 1."},
    {.name = "query_positions",
     NAMES(query_positions_names),
     CONTRACT(query_positions),
     .about =
         "Where query i of Q stands, from which biases are counted: at its own position, at the last query's, or at "
         "key i."},
    {.name = "scale_factor", FACTOR(scale_factor), .about = "What the scale of q.k is multiplied by."},
    {.name = "k_scale",
     NAMES(cache_scale_names),
     CONTRACT(k_scale),
     .about = "k_scale of an fp8 cache is applied, ignored or applied twice."},
    {.name = "v_scale", NAMES(cache_scale_names), CONTRACT(v_scale), .about = "The same of v_scale."},
    {.name = "slope_factor", FACTOR(slope_factor), .about = "What slopes are multiplied by."},
    {.name = "slope_head_shift",
     .type = FIELD_WHOLE,
     .whole = {-4096, 4096, 0},
     .range_prefix = "whole numbers from ",
     CONTRACT(slope_head_shift),
     .about = "Heads by which slopes are off: head h has the slope of head h + this, counted round."},
};

const struct field_table recipe_fields = FIELD_TABLE(fields);

_Static_assert(sizeof fields / sizeof fields[0] <= RECIPE_MAX_FIELDS, "a bit for each");

const struct recipe recipe_sound = {.sentinel = {.policy = SENTINEL_EXCLUDE}};

const struct field *recipe_field_find(const char *name)
{
    size_t index = field_find(&recipe_fields, name, strlen(name));
    return index < recipe_fields.count ? field_at(&recipe_fields, index) : NULL;
}

int recipe_compare(const struct recipe *a, const struct recipe *b)
{
    return fields_compare(&recipe_fields, a, b);
}

bool recipe_field_equal(const struct field *field, const struct recipe *a, const struct recipe *b)
{
    return field_compare(field, field_in(field, a), field_in(field, b)) == 0;
}

/* Of the contract, or a row left unwritten. */
static bool is_of_contract(const struct field *field, const struct recipe *recipe)
{
    size_t contract = offsetof(struct recipe, contract);
    if (field->offset == offsetof(struct recipe, empty_row))
        return recipe->empty_row == EMPTY_ROW_UNWRITTEN;
    return field->offset >= contract && field->offset < contract + sizeof recipe->contract;
}

char *recipe_contract_format(char *text, const struct recipe *recipe)
{
    char value[FIELD_TEXT_SIZE];
    size_t length = 0;
    *text = '\0';
    for (size_t i = 0; i < recipe_fields.count && length < RECIPE_CONTRACT_TEXT_SIZE; i++) {
        const struct field *field = field_at(&recipe_fields, i);
        if (is_of_contract(field, recipe) && !recipe_field_equal(field, recipe, &recipe_sound))
            length += (size_t)snprintf(text + length, RECIPE_CONTRACT_TEXT_SIZE - length, "%s%s %s", length ? ", " : "",
                                       field->name, field_format(value, field, field_in(field, recipe)));
    }
    return text;
}

uint64_t recipe_digest(const struct recipe *recipe)
{
    uint64_t digest = XXH64("", 0, 0);
    for (size_t i = 0; i < recipe_fields.count; i++) {
        const struct field *field = field_at(&recipe_fields, i);
        if (!recipe_field_equal(field, recipe, &recipe_sound))
            digest = field_hash(field, field_in(field, recipe), XXH64(field->name, strlen(field->name), digest));
    }
    return digest;
}
