#!/usr/bin/env bash
# The adapters in src/bertkit/trained, from the publishers' files.
#
#   bash examples/trained/make.sh DATA [sentiment] [entities] [questions]
#
#   RUNS=build/trained     where the runs are; a run that was stopped goes on
#   BERTKIT=bertkit        the program
#   PYTHON=python
set -euo pipefail
[ $# -ge 1 ] && [ -d "$1" ] || { echo "usage: bash $0 DATA [sentiment] [entities] [questions]" >&2; exit 2; }
data=$1
shift
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
runs=${RUNS:-build/trained}
read -r -a bertkit <<<"${BERTKIT:-bertkit}"
mkdir -p "$runs"

licence() { # name
    case $1 in
        sentiment) echo "SST-2's authors state no licence; it is used here for research." ;;
        entities) echo "Wikigold and WNUT-17 are under CC BY 4.0, UNER English EWT under CC BY-SA 4.0." ;;
        questions) echo "SQuAD 1.1 is under CC BY-SA 4.0." ;;
    esac
    echo "MiniLM, which it goes on, and the adapter are under the Apache licence 2.0. No text of the sets is in it."
}

train() { # name, task, format's ending, further settings
    local name=$1 task=$2 ending=$3
    "${PYTHON:-python}" "$here/data.py" "$name" "$data" "$runs"
    "${bertkit[@]}" finetune --task "$task" --train "$runs/$name.train.$ending" --eval "$runs/$name.eval.$ending" \
        -o "$runs/$name" --set model.lora.rank=8 "${@:4}"
    rm -rf "$here/../../src/bertkit/trained/$name"
    "${PYTHON:-python}" "$here/halve.py" "$runs/$name/adapter" "$here/../../src/bertkit/trained/$name"
    { printf '\n## Data and licence\n\n`examples/trained/data.py` says what the files are made of. ' && licence "$name"; } \
        >>"$here/../../src/bertkit/trained/$name/README.md"
}

[ $# -gt 0 ] || set -- sentiment entities questions
for name in "$@"; do
    case $name in
        sentiment) train sentiment text-classification jsonl --set train.epochs=0.3 ;;
        entities) train entities token-classification jsonl --set train.epochs=3 --set train.evaluations=0.34 ;;
        questions) train questions question-answering json --set train.epochs=1 --set data.length=256 --set model.lora.rank=32 ;;
        *) echo "$name: not one of sentiment, entities, questions" >&2; exit 2 ;;
    esac
done
