"""Every key that any configuration of any family has in its library: which of the three verdicts it has."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import transformers

from bertkit.errors import BertkitError
from bertkit.families.catalogue import FAMILIES
from bertkit.families.contract import Family
from bertkit.families.foreign_config import read_config, read_keys
from bertkit.families.harmless import FIXED, HARMLESS, READ_ELSEWHERE

# What earlier versions of the library, 2 to 4, wrote into every file.
LEGACY = """
    _name_or_path _num_labels add_cross_attention attn_implementation bad_words_ids begin_suppress_tokens bos_token_id
    chunk_size_feed_forward cross_attention_hidden_size decoder_start_token_id diversity_penalty do_sample
    early_stopping encoder_no_repeat_ngram_size eos_token_id exponential_decay_length_penalty finetuning_task
    forced_bos_token_id forced_eos_token_id id2label is_decoder is_encoder_decoder label2id length_penalty max_length
    min_length no_repeat_ngram_size num_beam_groups num_beams num_labels num_return_sequences output_attentions
    output_hidden_states output_past output_scores pad_token_id position_embedding_type prefix problem_type
    pruned_heads remove_invalid_values repetition_penalty return_dict return_dict_in_generate sep_token_id
    suppress_tokens task_specific_params temperature tf_legacy_loss tie_encoder_decoder tie_word_embeddings
    tokenizer_class top_k top_p torch_dtype torchscript transformers_version typical_p use_bfloat16 use_cache
    xla_device quantization_config per_layer_config
""".split()
LEGACY_OF = {
    "albert": "classifier_dropout_prob down_scale_factor gap_size net_structure_type num_memory_blocks".split(),
    "bert": "directionality pooler_fc_size pooler_num_attention_heads pooler_num_fc_layers pooler_type".split(),
    "distilbert": ["tie_weights_"],
    "eurobert": "rope_theta rope_scaling mask_token".split(),
    "modernbert": """
        global_attn_every_n_layers global_rope_theta local_rope_theta rope_scaling sliding_window layer_norm_eps
        reference_compile repad_logits_with_grad
    """.split(),
    "nomic_bert": "rope_theta rope_scaling activation_function prenorm causal rotary_emb_fraction".split(),
}


def library_keys(model_type: str) -> set[str]:
    """What the library's class has and maps, and what its files have had."""
    kind = transformers.CONFIG_MAPPING[model_type]
    return {field.name for field in dataclasses.fields(kind)} | set(kind.attribute_map) | {"model_type"}


def verdicts(family: Family, key: str) -> set[str]:
    heads = family.heads.values()
    honoured = {*read_keys(family), *READ_ELSEWHERE, *(head.reads_key for head in heads)}
    refused = {*FIXED, *family.assumed, *family.other_programs, *family.implied}
    tables = {"honoured": honoured, "refused": refused, "harmless": {*HARMLESS, *family.harmless}}
    return {verdict for verdict, table in tables.items() if key in table}


@pytest.mark.parametrize("model_type", FAMILIES)
def test_every_key_of_the_library_has_a_verdict(model_type: str) -> None:
    family = FAMILIES[model_type]
    keys = library_keys(model_type) | {*LEGACY_OF.get(model_type, [])}
    assert {key for key in keys if not verdicts(family, key)} == set()
    # What every old file has is in a table, or is of other families: decoders, and attention by distance.
    unread = {key for key in LEGACY if not verdicts(family, key)}
    assert unread <= {"add_cross_attention", "is_decoder", "position_embedding_type"}


@pytest.mark.parametrize("model_type", FAMILIES)
def test_no_key_is_harmless_in_one_table_and_refused_in_another(model_type: str) -> None:
    family = FAMILIES[model_type]
    keys = {*read_keys(family), *family.harmless, *family.assumed, *family.other_programs, *family.implied}
    both = {key for key in keys | library_keys(model_type) if {"harmless", "refused"} <= verdicts(family, key)}
    assert both == set()
    assert all(reason for reason in (HARMLESS | family.harmless).values())


ODD = [None, "x", "3", -1, 0, 1.5, True, [], {}, [1], {"a": 1}, {"full_attention": 5}, 10**12]


@pytest.mark.parametrize("model_type", FAMILIES)
def test_a_value_of_any_kind_is_read_or_refused_in_words(model_type: str, tmp_path: Path) -> None:
    keys = {key for key in library_keys(model_type) | {*LEGACY} if verdicts(FAMILIES[model_type], key) != {"harmless"}}
    keys |= {*LEGACY_OF.get(model_type, [])} - {"model_type"}
    small = {"num_attention_heads": 3, "hidden_size": 36, "n_heads": 3, "dim": 36}
    for key in sorted(keys):
        for value in ODD:
            values = {**small, key: value, "model_type": model_type}
            (tmp_path / "config.json").write_text(json.dumps(values))
            refused = None
            try:
                read_config(tmp_path)
            except BertkitError as error:
                refused = error
            if refused is not None:
                assert refused.what.startswith(str(tmp_path / "config.json")), refused.what
                assert len(refused.what.splitlines()) == 1
                assert refused.remedy
