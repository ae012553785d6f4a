#include "harness/command/recorded_function.h"

#include <string.h>

#define BATCH_DECODE "BatchDecodeWithPagedKVCacheWrapper"
#define BATCH_PAGED "BatchPrefillWithPagedKVCacheWrapper"
#define BATCH_RAGGED "BatchPrefillWithRaggedKVCacheWrapper"

#define NONE GIVEN_OPTION_COUNT
#define HARMLESS(name)                      \
    {                                       \
        name, RECORDED_HARMLESS, NONE, NULL \
    }
#define TENSOR(name, option)                \
    {                                       \
        name, RECORDED_TENSOR, option, NULL \
    }
#define FACT(name, kind)                  \
    {                                     \
        name, RECORDED_##kind, NONE, NULL \
    }

/* A name means the same in all functions but for those that say `of`, which stand first. Sizes that tensors have as
 * well, types, and what is said to be faster are harmless; a second copy of page tables or lengths is not, since some
 * backends go by that. */
static const struct recorded_parameter parameters[] = {
    {"q_scale", RECORDED_ONE, NONE, BATCH_RAGGED ".run"},
    {"k_scale", RECORDED_ONE, NONE, BATCH_RAGGED ".run"},
    {"v_scale", RECORDED_ONE, NONE, BATCH_RAGGED ".run"},
    TENSOR("q", GIVEN_Q),
    TENSOR("k", GIVEN_K),
    TENSOR("v", GIVEN_V),
    FACT("paged_kv_cache", CACHE),
    TENSOR("indptr", GIVEN_KV_INDPTR),
    TENSOR("indices", GIVEN_KV_INDICES),
    TENSOR("last_page_len", GIVEN_KV_LAST_PAGE_LEN),
    TENSOR("qo_indptr", GIVEN_QO_INDPTR),
    TENSOR("kv_indptr", GIVEN_KV_INDPTR),
    TENSOR("paged_kv_indptr", GIVEN_KV_INDPTR),
    TENSOR("paged_kv_indices", GIVEN_KV_INDICES),
    TENSOR("paged_kv_last_page_len", GIVEN_KV_LAST_PAGE_LEN),
    FACT("kv_layout", LAYOUT),
    FACT("pos_encoding_mode", ENCODING),
    FACT("sm_scale", SCALE),
    FACT("q_scale", FACTOR),
    {"k_scale", RECORDED_FACTOR, GIVEN_K_SCALE, NULL},
    FACT("v_scale", V_FACTOR),
    FACT("o_scale", ONE),
    FACT("q_len_per_req", ONE),
    FACT("window_left", WINDOW),
    FACT("window_right", WINDOW_RIGHT),
    FACT("logits_soft_cap", CAP),
    FACT("causal", CAUSAL),
    FACT("page_size", PAGE_SIZE),
    FACT("lse_base", LSE_BASE),
    FACT("lse_layout", LSE_LAYOUT),
    {"sinks", RECORDED_OFF, GIVEN_SINK_LOGITS, NULL},
    FACT("custom_mask", OFF),
    FACT("packed_custom_mask", OFF),
    FACT("custom_mask_buf", OFF),
    FACT("mask_indptr_buf", OFF),
    FACT("variant_owns_mask", OFF),
    FACT("jit_args", OFF),
    FACT("jit_kwargs", OFF),
    FACT("scale_q", OFF),
    FACT("scale_k", OFF),
    FACT("scale_v", OFF),
    FACT("kv_cache_sf", OFF),
    FACT("kv_block_scales", OFF),
    FACT("use_token_head_sf", OFF),
    FACT("skip_softmax_threshold_scale_factor", OFF),
    FACT("uses_spcompress", OFF),
    FACT("prefix_len_ptr", OFF),
    FACT("token_pos_in_items_ptr", OFF),
    FACT("token_pos_in_items_len", OFF),
    FACT("max_item_len_ptr", OFF),
    FACT("seq_lens", OFF),
    FACT("seq_lens_q", OFF),
    FACT("block_tables", OFF),
    FACT("v_indptr", OFF),
    FACT("o_indptr", OFF),
    FACT("qo_indptr_cpu", OFF),
    FACT("kv_indptr_cpu", OFF),
    HARMLESS("self"),
    HARMLESS("is_causal"),  /* of a batch of one query each */
    HARMLESS("rope_scale"), /* of ROPE_LLAMA alone */
    HARMLESS("rope_theta"),
    HARMLESS("num_qo_heads"),
    HARMLESS("num_kv_heads"),
    HARMLESS("head_dim"),
    HARMLESS("head_dim_qk"),
    HARMLESS("head_dim_vo"),
    HARMLESS("uniform_q_len"),
    HARMLESS("max_token_per_sequence"),
    HARMLESS("max_sequence_kv"),
    HARMLESS("max_total_num_rows"),
    HARMLESS("data_type"),
    HARMLESS("q_data_type"),
    HARMLESS("kv_data_type"),
    HARMLESS("o_data_type"),
    HARMLESS("o_dtype"),
    HARMLESS("use_tensor_cores"),
    HARMLESS("use_cuda_graph"),
    HARMLESS("use_fp16_qk_reduction"),
    HARMLESS("use_fp16_softmax"),
    HARMLESS("backend"),
    HARMLESS("enable_pdl"),
    HARMLESS("non_blocking"),
    HARMLESS("fixed_split_size"),
    HARMLESS("disable_split_kv"),
    HARMLESS("return_lse"),
    HARMLESS("out"),
    HARMLESS("lse"),
    HARMLESS("float_workspace_buffer"),
    HARMLESS("paged_kv_indptr_buffer"),
    HARMLESS("paged_kv_indices_buffer"),
    HARMLESS("paged_kv_last_page_len_buffer"),
    HARMLESS("qo_indptr_buf"),
    HARMLESS("kv_indptr_buf"),
    HARMLESS("paged_kv_indptr_buf"),
    HARMLESS("paged_kv_indices_buf"),
    HARMLESS("paged_kv_last_page_len_buf"),
};

static const struct recorded_function functions[] = {
    {"single_decode_with_kv_cache", RECORDED_ALONE,
     "q k v kv_layout pos_encoding_mode use_tensor_cores q_scale k_scale v_scale window_left logits_soft_cap sm_scale "
     "rope_scale rope_theta return_lse",
     NULL},
    {"single_prefill_with_kv_cache", RECORDED_ALONE,
     "q k v scale_q scale_k scale_v o_dtype custom_mask packed_custom_mask causal kv_layout pos_encoding_mode "
     "use_fp16_qk_reduction sm_scale window_left logits_soft_cap rope_scale rope_theta backend return_lse",
     NULL},
    {BATCH_DECODE ".run", RECORDED_RUN, "self q paged_kv_cache", "q_scale k_scale v_scale"},
    {BATCH_DECODE ".plan", RECORDED_PLAN,
     "self indptr indices last_page_len num_qo_heads num_kv_heads head_dim page_size pos_encoding_mode window_left "
     "logits_soft_cap q_data_type kv_data_type",
     NULL},
    {BATCH_DECODE ".__init__", RECORDED_INIT,
     "self float_workspace_buffer kv_layout use_cuda_graph use_tensor_cores paged_kv_indptr_buffer "
     "paged_kv_indices_buffer paged_kv_last_page_len_buffer backend jit_args",
     NULL},
    {BATCH_PAGED ".run", RECORDED_RUN, "self q paged_kv_cache", "k_scale v_scale"},
    {BATCH_PAGED ".plan", RECORDED_PLAN,
     "self qo_indptr paged_kv_indptr paged_kv_indices paged_kv_last_page_len num_qo_heads num_kv_heads head_dim_qk "
     "page_size head_dim_vo custom_mask packed_custom_mask causal pos_encoding_mode use_fp16_qk_reduction sm_scale "
     "window_left logits_soft_cap rope_scale rope_theta q_data_type kv_data_type",
     NULL},
    {BATCH_PAGED ".__init__", RECORDED_INIT,
     "self float_workspace_buffer kv_layout use_cuda_graph qo_indptr_buf paged_kv_indptr_buf paged_kv_indices_buf "
     "paged_kv_last_page_len_buf custom_mask_buf mask_indptr_buf backend jit_args jit_kwargs",
     NULL},
    {BATCH_RAGGED ".run", RECORDED_RUN, "self q k v", NULL},
    {BATCH_RAGGED ".plan", RECORDED_PLAN,
     "self qo_indptr kv_indptr num_qo_heads num_kv_heads head_dim_qk head_dim_vo custom_mask packed_custom_mask causal "
     "pos_encoding_mode use_fp16_qk_reduction window_left logits_soft_cap sm_scale rope_scale rope_theta q_data_type "
     "kv_data_type",
     NULL},
    {BATCH_RAGGED ".__init__", RECORDED_INIT,
     "self float_workspace_buffer kv_layout use_cuda_graph qo_indptr_buf kv_indptr_buf custom_mask_buf mask_indptr_buf "
     "backend jit_args jit_kwargs",
     NULL},
};

const struct recorded_function *recorded_function_find(const char *name)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (!strcmp(name, functions[i].name))
            return &functions[i];
    return NULL;
}

const struct recorded_parameter *recorded_parameter_find(const struct recorded_function *function, const char *name)
{
    for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++)
        if (!strcmp(name, parameters[i].name) && (!parameters[i].of || !strcmp(parameters[i].of, function->name)))
            return &parameters[i];
    return NULL;
}

bool recorded_function_kin(const struct recorded_function *function, const struct recorded_function *other)
{
    size_t size = strcspn(function->name, ".");
    return size == strcspn(other->name, ".") && !memcmp(function->name, other->name, size);
}
