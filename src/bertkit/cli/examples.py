"""Three examples a command, as its `--help` shows them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

EXAMPLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "predict": (
            'bertkit predict --task text-classification "What a day."',
            "bertkit predict -m run/model -i reviews.csv --text-column review -o answers.jsonl",
            'bertkit predict --task question-answering --question "Where?" -i article.txt --long window --json',
        ),
        "evaluate": (
            "bertkit evaluate -m run/model --task text-classification --data test.csv",
            "bertkit evaluate -m run/model --task text-classification --data dev.csv --calibrate",
            "bertkit evaluate --task text-classification --data test.csv --predictions a.jsonl --against b.jsonl",
        ),
        "info": (
            "bertkit info run/model",
            "bertkit info bert-base-uncased --json",
            "bertkit info --families",
        ),
        "tokenize": (
            'bertkit tokenize "My dog is cute."',
            'bertkit tokenize -m bert-base-uncased --text-pair "He likes playing." "My dog is cute."',
            "bertkit tokenize -i texts.txt -o tokens.jsonl",
        ),
        "train-tokenizer": (
            "bertkit train-tokenizer corpus.txt -o tokenizer",
            "bertkit train-tokenizer corpus.txt -o tokenizer --vocab-size 8000 --cased",
            "bertkit train-tokenizer part1.jsonl part2.jsonl --text-column body -o tokenizer",
        ),
        "prepare": (
            "bertkit prepare corpus.txt --vocab tokenizer -o shards",
            "bertkit prepare more.txt --vocab tokenizer -o shards --append",
            "bertkit prepare --audit shards",
        ),
        "pretrain": (
            "bertkit pretrain mini.toml",
            "bertkit pretrain mini.toml --set train.steps=2000 --set run.directory=second",
            "bertkit pretrain mini.toml --set train.seed=2 --json",
        ),
        "finetune": (
            "bertkit finetune --task text-classification --train train.csv -o run",
            "bertkit finetune --task text-classification --train train.csv -o run --quick",
            "bertkit finetune --task token-classification -m bert-base-uncased --train train.conll -o run",
        ),
        "distill": (
            "bertkit distill --teacher run/model --layers 3 --train texts.txt -o small",
            "bertkit distill --teacher run/model --layers 3 --train train.csv --eval dev.csv -o small",
            "bertkit distill --teacher run/model --student bert-mini --train texts.txt -o small",
        ),
        "runs": ("bertkit runs run", "bertkit runs run second third --html runs.html", "bertkit runs run --json"),
        "convert": (
            "bertkit convert run/model plain",
            "bertkit convert int8 float32",
            "bertkit convert bert-base-uncased embedder --pooling mean --normalize",
        ),
        "serve": (
            "bertkit serve",
            "bertkit serve -m intents=run/model -m embedder",
            "bertkit serve -m run/model --host 0.0.0.0 --api-key-file keys",
        ),
        "loadtest": (
            "bertkit loadtest http://localhost:8000 -i texts.txt",
            "bertkit loadtest http://localhost:8000 -i texts.txt --rate 20,40,80 --html load.html",
            "bertkit loadtest http://localhost:8000 -i texts.txt --check expected.jsonl",
        ),
        "index": (
            "bertkit index my-notes -o notes.idx",
            "bertkit index report.pdf letters.csv -o notes.idx",
            'bertkit index my-notes -o notes.idx -m e5-small --prompt "passage: " --query-prompt "query: "',
        ),
        "search": (
            'bertkit search notes.idx "What do we owe the printer?"',
            'bertkit search notes.idx "Who wrote about the engine?" --hybrid --answer',
            'bertkit search notes.idx "engine" --filter "year>2020" --json',
        ),
        "export": (
            "bertkit export run/model --to onnx -o graph",
            "bertkit export run/model --to openvino-int8 -o graph",
            "bertkit export embedder --to gguf -o gguf",
        ),
        "compare": (
            "bertkit compare run/model graph",
            "bertkit compare run/model int8 --data test.csv",
            "bertkit compare bert-base-uncased mine --json",
        ),
        "compress": (
            "bertkit compress -m run/model --to int8 --data dev.csv -o int8",
            "bertkit compress -m run/model --to int8 --data dev.csv --max-loss 0.5 -o int8",
            "bertkit compress -m run/model --cascade small --data dev.csv --max-loss 0.3 -o cascade",
        ),
        "plan": (
            "bertkit plan bert-base",
            'bertkit plan bert-large --on "RTX 4090" --train --lengths 512',
            'bertkit plan bert-base --compare "H100 SXM" "L40S"',
        ),
        "bench": (
            "bertkit bench bert-base --quick",
            "bertkit bench --calibrate",
            "bertkit bench --leaderboard results",
        ),
        "doctor": ("bertkit doctor", "bertkit doctor --json", "bertkit --debug doctor"),
        "quickstart": ("bertkit quickstart", "bertkit quickstart --docs notes", "bertkit quickstart --json"),
    }
)
