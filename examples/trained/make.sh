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

train() { # name, task, format's ending, further settings
    local name=$1 task=$2 ending=$3
    "${PYTHON:-python}" "$here/data.py" "$name" "$data" "$runs"
    "${bertkit[@]}" finetune --task "$task" --train "$runs/$name.train.$ending" --eval "$runs/$name.eval.$ending" \
        -o "$runs/$name" --set model.lora.rank=8 "${@:4}"
    rm -rf "$here/../../src/bertkit/trained/$name"
    cp -r "$runs/$name/adapter" "$here/../../src/bertkit/trained/$name"
}

for name in "${@:-sentiment entities questions}"; do
    for one in $name; do
        case $one in
            sentiment) train sentiment text-classification jsonl --set train.epochs=1 ;;
            entities) train entities token-classification jsonl --set train.epochs=6 ;;
            questions) train questions question-answering json --set train.epochs=1 --set data.length=256 ;;
            *) echo "$one: not one of sentiment, entities, questions" >&2; exit 2 ;;
        esac
    done
done
