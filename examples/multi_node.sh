#!/usr/bin/env bash
# A run on two machines of eight GPUs each, without a scheduler. Start it on both, with the same arguments:
#
#   bash examples/multi_node.sh FIRST_MACHINE CONFIG [--set KEY=VALUE]…
#
# FIRST_MACHINE is the name or address of one of the two. CONFIG, shards and run.directory must be on a disk that both
# see. Each may be started again after a failure; the run goes on from its newest checkpoint.
#
#   NODES=4 GPUS=4 bash examples/multi_node.sh …    for other numbers
set -euo pipefail

[ $# -ge 2 ] || { echo "usage: bash $0 FIRST_MACHINE CONFIG [--set KEY=VALUE]…" >&2; exit 2; }
first_machine=$1
shift

exec torchrun \
    --nnodes="${NODES:-2}" \
    --nproc-per-node="${GPUS:-8}" \
    --rdzv-backend=c10d \
    --rdzv-id=bertkit \
    --rdzv-endpoint="$first_machine:29500" \
    -m bertkit pretrain "$@"
