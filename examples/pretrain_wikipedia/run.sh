#!/usr/bin/env bash
# From text to a BERT that fills masks: tokenizer, shards, training, answers.
#
#   bash examples/pretrain_wikipedia/run.sh CORPUS [FOLDER] [--set KEY=VALUE]…
#
# CORPUS is a file or a folder of text (WikiExtractor's, or documents between blank lines; gzip or not). Everything is
# made in FOLDER (pretrained-wikipedia when left out). Started again, it goes on where it was stopped.
#
#   VOCAB_SIZE=8192    pieces of the vocabulary
#   BERTKIT=bertkit    the program
set -euo pipefail

[ $# -ge 1 ] || { echo "usage: bash $0 CORPUS [FOLDER] [--set KEY=VALUE]…" >&2; exit 2; }
[ -e "$1" ] || { echo "error: $1: no such file or folder" >&2; exit 2; }
corpus=$1
shift
folder=pretrained-wikipedia
if [ $# -ge 1 ] && [ "${1#--}" = "$1" ]; then
    folder=$1
    shift
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
read -r -a bertkit <<<"${BERTKIT:-bertkit}"
mkdir -p "$folder"

if [ ! -d "$folder/tokenizer" ]; then
    mapfile -d '' -t files < <(find "$corpus" -type f -not -name '.*' -print0 | sort -z)
    "${bertkit[@]}" train-tokenizer "${files[@]}" --vocab-size "${VOCAB_SIZE:-8192}" -o "$folder/tokenizer"
fi
if [ ! -f "$folder/shards/manifest.json" ]; then
    "${bertkit[@]}" prepare "$corpus" --vocab "$folder/tokenizer" --held-out 0.02 -o "$folder/shards"
fi
"${bertkit[@]}" pretrain "$here/config.toml" --set "data.shards=$folder/shards" --set "run.directory=$folder/run" "$@"
"${bertkit[@]}" runs "$folder/run" --html "$folder/curves.html"
"${bertkit[@]}" predict -m "$folder/run/model" --task fill-mask \
    "The city is the capital of the [MASK]." "He was born in [MASK]."
