#!/usr/bin/env bash
# Trains variants of a model file on the same rows and prints one table: every network with every scene adaptation, or every way to
# balance losses (of four experts that know the scene). Rates fall alike in all of them.
#   tests/bench/compare_models.sh networks|balances MODEL EVENTS SPLIT HALF_LIFE_STEPS [--seeds N] [--json] ...
# SPLIT: rows with an event time from then on are the test rows. HALF_LIFE_STEPS: of the dense learning rate. The rest goes to
# polyscene-train --compare.
set -euo pipefail
if (($# < 5)); then
  sed -n '2,6s/^# //p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
what=$1 model=$2 events=$3 split=$4 half_life=$5
shift 5
train=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/build/release/bin/polyscene-train
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

variant() {  # NAME NETWORK [LOSS_BALANCE]: the model file with these in place of its own.
  awk '/^(network|dense_optimizer|loss_balance) *{/ {skip = 1} !skip {print} skip && /} *$/ && (/^}/ || /^[a-z]/) {skip = 0}' "$model" |
    sed "s/^name: .*/name: \"$1\"/" >"$work/$1.textproto"
  cat >>"$work/$1.textproto" <<EOF
network { $2 }
dense_optimizer {
  adam { learning_rate: 0.001 }
  schedule { warm_up_steps: 100 exponential { half_life_steps: $half_life } floor: 0.05 }
}
${3:+loss_balance { $3 \}}
EOF
}

declare -A networks=(
  [shared_bottom]='shared_bottom { hidden: [256, 128] } tower: [64]'
  [mmoe]='mmoe { experts: 4 hidden: [128, 64] } tower: [32]'
  [ple]='ple { shared_experts: 3 hidden: [128, 64] } tower: [32]'
  [single]='single { hidden: [128, 64] } tower: [32]'
)
case $what in
  networks)
    for network in shared_bottom mmoe ple; do
      for adaptation in NO_ADAPTATION SCENE_EMBEDDING STAR GATE; do
        variant "${network}_${adaptation,,}" "${networks[$network]} scene_adaptation: $adaptation"
      done
    done
    variant single "${networks[single]}"
    ;;
  balances)
    mmoe="${networks[mmoe]} scene_adaptation: SCENE_EMBEDDING"
    variant fixed "$mmoe"
    variant uncertainty "$mmoe" 'uncertainty {}'
    variant grad_norm "$mmoe" 'grad_norm {}'
    variant dynamic_weight_average "$mmoe" 'dynamic_weight_average {}'
    variant pcgrad "$mmoe" 'pcgrad: true'
    variant uncertainty_pcgrad "$mmoe" 'uncertainty {} pcgrad: true'
    ;;
  *)
    echo "compare_models.sh: '$what', expected networks or balances" >&2
    exit 2
    ;;
esac
[[ " $* " == *" --epochs "* ]] || set -- --epochs 4 "$@"
"$train" --compare "$work"/*.textproto --train "$events" --split "$split" "$@"
