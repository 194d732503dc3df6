#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Trains the four arms of arXiv 2404.03605 at a size that fits into a repository, and keeps of each its spec, its metrics, the
# held-out text, and the checkpoints at the beginning, a quarter, half and the end.
# Usage: sample_models/make_training_lab.sh KURTOSCOPE OUT    (minutes on one core)
set -euo pipefail
binary=$1 out=$2
mkdir -p "$out"
spec=$(mktemp)
trap 'rm -f "$spec"' EXIT
cat >"$spec" <<'JSON'
{
  "schema": 1,
  "model": {"family": "gpt2", "layers": 2, "hidden": 48, "heads": 4, "length": 64, "vocabulary": 384},
  "data": {"artificial_bytes": 600000},
  "training": {"steps": 400, "batch": 16, "warmup": 40, "learning_rate": 0.004, "seed": 1},
  "watch": {"checkpoint_every": 100, "validate_every": 50, "record_every": 10}
}
JSON
arm() {
    local name=$1
    shift
    "$binary" train "$spec" --name "$name" --threads 1 --out "$out/$name" "$@"
    rm -rf "$out/$name/data/train.tokens" "$out/$name/checkpoints/step-000300"
    # What going on would take is twice the weights again.
    rm -f "$out/$name"/checkpoints/*/training_state.*
}
arm none
arm kurtosis --regularizer kurtosis:lambda=0.001
arm qat --qat-bits 4
arm both --qat-bits 4 --regularizer kurtosis:lambda=0.001
