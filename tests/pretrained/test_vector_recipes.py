from __future__ import annotations

from pathlib import Path

from bertkit.config.vectors import SCORES
from bertkit.pretrained.sentence_parts import VectorModules
from bertkit.pretrained.sentence_transformers import CrossEncoderSettings, Prompts, SentenceSettings
from bertkit.pretrained.vector_recipes import recipe, vector_head
from bertkit.tasks.sentence_embedding import SentenceEmbedding
from bertkit.tasks.text_ranking import TextRanking
from bertkit.tokenization.tokenizer import Tokenizer
from tests.pretrained.sentence_folders import make_base


def test_a_recipe_has_the_poolings_of_the_modules() -> None:
    found = recipe(VectorModules(("max", "cls")), skip=3)
    assert (found.poolings, found.before, found.after, found.skip) == (("max", "cls"), (), (), 3)


def test_the_head_pools_as_the_task_asks(tmp_path: Path) -> None:
    tokenizer = Tokenizer.load(make_base(tmp_path / "base"))
    embedding = vector_head(SentenceSettings(VectorModules(("max",))), SentenceEmbedding(tokenizer, pooling="cls"))
    assert embedding is not None
    assert embedding.recipe.poolings == ("cls",)
    ranking = TextRanking(tokenizer)
    assert vector_head(CrossEncoderSettings(), ranking) is None, "a classifier of the family makes the scores"
    says = CrossEncoderSettings(prompts=Prompts({"q": "w1 w2 "}, "q"), parts=VectorModules(include_prompt=False))
    scores = vector_head(says, ranking)
    assert scores is not None
    assert (scores.name, scores.recipe.skip) == (SCORES, 3)
