"""Keys of any `config.json` of the hub's library that change nothing that is computed here, each with the reason.

Keys of one family stand in its own file, by `because`. A key in no table is one that the family's library does not
read: harmless too, and `bertkit info` lists it.
"""

from __future__ import annotations

from collections.abc import Mapping


def because(reason: str, keys: str) -> dict[str, str]:
    """The same reason for several keys, which blanks part."""
    return dict.fromkeys(keys.split(), reason)


DROPOUT = "what is dropped in training only; heads are trained here with the encoder's dropout"
DECODER = "of decoders, which keep what they have computed for the next token"

HARMLESS: Mapping[str, str] = {
    **because(
        "a name, a version or a note",
        """
        transformers_version _name_or_path name_or_path name language tokenizer_class prefix finetuning_task
        task_specific_params auto_map attribute_map _commit_hash
        """,
    ),
    **because("id2label says it", "label2id"),
    **because(
        "the tokenizer's files say it",
        "bos_token_id eos_token_id sep_token_id cls_token_id mask_token_id unk_token_id pad_token_id",
    ),
    **because(
        "what the library's functions return",
        "output_attentions output_hidden_states output_past return_dict use_return_dict tie_last_hidden_states",
    ),
    **because(
        "how the library computes the same numbers",
        """
        attn_implementation _attn_implementation _attn_implementation_autoset _attn_implementation_internal
        _experts_implementation chunk_size_feed_forward torchscript gradient_checkpointing use_bfloat16 xla_device
        tf_legacy_loss
        """,
    ),
    **because("--dtype chooses the precision", "dtype torch_dtype"),
    **because(
        DECODER,
        "use_cache is_encoder_decoder tie_encoder_decoder cross_attention_hidden_size decoder_start_token_id",
    ),
    **because(
        "how text is generated",
        """
        max_length min_length do_sample early_stopping num_beams num_beam_groups diversity_penalty temperature top_k
        top_p typical_p repetition_penalty length_penalty no_repeat_ngram_size encoder_no_repeat_ngram_size
        bad_words_ids num_return_sequences output_scores return_dict_in_generate forced_bos_token_id
        forced_eos_token_id remove_invalid_values exponential_decay_length_penalty suppress_tokens
        begin_suppress_tokens
        """,
    ),
}

# Keys that are no description of an encoder; tasks and the loader read them.
READ_ELSEWHERE = frozenset(
    """
    model_type architectures id2label num_labels _num_labels problem_type
    sentence_transformers sbert_ce_default_activation_function bertkit_classifier_reads
    bertkit_int8
    """.split()
)

# Another value of these is another model, in every family.
FIXED: Mapping[str, object] = {"quantization_config": None, "per_layer_config": None, "pruned_heads": None}
