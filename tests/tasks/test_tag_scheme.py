from __future__ import annotations

import pytest

from bertkit.tasks.tag_scheme import Tag, placed


def said(labels: str) -> str:
    """What each label says, as one word: `B:PER`, and the label itself where it says no place."""
    tags = placed(labels.split())
    return " ".join(":".join(tags.get(label, (label,))) for label in labels.split())


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        pytest.param("O B-PER I-PER L-PER U-LOC", "O B:PER I:PER L:PER U:LOC", id="BILOU, a type of single words"),
        pytest.param("O B-PER I-PER E-PER S-LOC", "O B:PER I:PER E:PER S:LOC", id="BIOES, a type of single words"),
        pytest.param("O B_PER E_PER S_LOC", "O B:PER E:PER S:LOC", id="underscores"),
        pytest.param("O B-PER M-PER E-PER S-LOC", "O B:PER M:PER E:PER S:LOC", id="BMES"),
        pytest.param("O B-PER M-PER E-PER W-LOC", "O B:PER M:PER E:PER W:LOC", id="BMEWO"),
        pytest.param("O B-PER I-PER S-LOC", "O B:PER I:PER S:LOC", id="BIOS"),
        pytest.param("O I-PER E-PER E-LOC", "O I:PER E:PER E:LOC", id="IOE2, a type of single words"),
        pytest.param("O S-PER S-LOC", "O S:PER S:LOC", id="single words only"),
        pytest.param("O U-LOC", "O U:LOC", id="single words of one type only"),
        pytest.param("O B-PER I-LOC", "O B:PER I:LOC", id="IOB"),
        pytest.param("o b-per i-per b-loc", "o B:per I:per B:loc", id="small letters"),
        pytest.param("O b-per i-per e-per s-loc", "O B:per I:per E:per S:loc", id="small letters, BIOES"),
        pytest.param("o b-loc", "o B:loc", id="small letters, one tag"),
        pytest.param("O PER-B PER-I LOC-B", "O B:PER I:PER B:LOC", id="suffixes"),
        pytest.param("O PER_B PER_E LOC_S", "O B:PER E:PER S:LOC", id="suffixes, BIOES"),
        pytest.param("o per-b per-i loc-b", "o B:per I:per B:loc", id="small suffixes"),
        pytest.param("O tax-B tax-I [PAD] <s>", "O B:tax I:tax [PAD] <s>", id="special tokens beside"),
        pytest.param("O B-E-MAIL I-E-MAIL", "O B:E-MAIL I:E-MAIL", id="a type that looks like a tag"),
        pytest.param("O B-PER I-PER E-MAIL", "O B:PER I:PER E-MAIL", id="no scheme ends what does not begin"),
        pytest.param("O B-PER I-PER U-BOAT X", "O B:PER I:PER U-BOAT X", id="not all have one"),
        pytest.param("O B-PER I-PER E-PER S-PER U-BOAT", "O B:PER I:PER E:PER S:PER U-BOAT", id="of two schemes"),
        pytest.param("O E-MAIL S-BAHN U-BAHN", "O E-MAIL S-BAHN U-BAHN", id="types that look like tags"),
        pytest.param("O i-phone e-mail", "O i-phone e-mail", id="small types that look like tags"),
        pytest.param("O VITAMIN-B HEPATITIS-B", "O VITAMIN-B HEPATITIS-B", id="types that end like tags"),
        pytest.param("NOUN VERB X", "NOUN VERB X", id="no scheme"),
        pytest.param("O", "O", id="nothing but outside"),
    ],
)
def test_a_letter_is_read_by_the_whole_set(labels: str, says: str) -> None:
    assert said(labels) == says


def test_a_tag_is_its_place_and_its_type() -> None:
    assert placed(["o", "loc-b", "loc-i"]) == {"loc-b": Tag("B", "loc"), "loc-i": Tag("I", "loc")}
