#!/usr/bin/env bash
# Measures the training step of `autoprog bench` and of PyTorch (deit_step.py, dit_step.py, volo_step.py, resnet_step.py) in turns, so that a change of the machine's load hits
# both, and prints the ratio. A ResNet is trained from the ONNX file that torchvision_models.py writes.
#
#   tools/peers/compare.sh [--model NAME] [--img-size PIXELS] [--batch-size N] [--threads N] [--steps N] [--rounds N]
set -euo pipefail

model=deit_small img_size= batch_size=8 threads=$(nproc) steps=10 rounds=3
while [ $# -gt 0 ]; do
  case $1 in
    --model | --img-size | --batch-size | --threads | --steps | --rounds)
      [ $# -ge 2 ] || { echo "$1 needs a value" >&2; exit 2; }
      name=${1#--}
      printf -v "${name//-/_}" %s "$2"
      shift 2
      ;;
    *)
      sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
      exit 2
      ;;
  esac
done

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
python=${PYTHON:-/usr/bin/python3}
peer=$here/deit_step.py
[[ $model != dit_* ]] || peer=$here/dit_step.py
[[ $model != volo_* ]] || peer=$here/volo_step.py
[[ $model != resnet* ]] || peer=$here/resnet_step.py
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

dotnet build "$root/src/AutoProg.Cli" -c Release -v quiet --nologo >&2
autoprog=("dotnet" "$root/src/AutoProg.Cli/bin/Release/net10.0/autoprog.dll")
[ -n "$img_size" ] || img_size=$([[ $model == *_micro || $model == dit_* ]] && echo 32 || echo 224)
shape=(--img-size "$img_size" --batch-size "$batch_size" --threads "$threads" --steps "$steps")
subject=(--model "$model")
if [[ $model == resnet* ]]; then
  "$python" "$here/torchvision_models.py" --output "$results" --img-size "$img_size" "$model" >&2
  subject=("$results/$model.yaml")
  cat > "${subject[0]}" <<RECIPE
name: $model
model: { onnx: $model.onnx, num_classes: 1000, batch_norm: train }
data: { dataset: builtin }
growth: { policy: original, num_stages: 1 }
RECIPE
fi

for round in $(seq "$rounds"); do
  echo "round $round of $rounds: autoprog" >&2
  "${autoprog[@]}" bench "${subject[@]}" "${shape[@]}" --json > "$results/ours-$round.json"
  echo "round $round of $rounds: PyTorch" >&2
  "$python" "$peer" --model "$model" "${shape[@]}" > "$results/peer-$round.json"
done

"$python" - "$results" <<'PYTHON'
import glob, json, os, statistics, sys

def read(name):
    return [json.load(open(path)) for path in sorted(glob.glob(os.path.join(sys.argv[1], name + "-*.json")))]

# bench lists every sub-network; the complete model is the largest.
ours = [max(report["subnetworks"], key=lambda s: (s["resolution"], s["depth"])) for report in read("ours")]
peer = read("peer")
print(f"{'':22}{'autoprog':>12}{'PyTorch ' + peer[0]['torch']:>20}{'ratio':>9}")
for key in ("step_ms", "forward_backward_ms", "update_ms", "peak_memory_mb"):
    a, b = (statistics.median(run[key] for run in runs) for runs in (ours, peer))
    print(f"{key:22}{a:12.1f}{b:20.1f}{a / b:9.3f}")
per_round = ", ".join(f"{a['step_ms'] / b['step_ms']:.3f}" for a, b in zip(ours, peer))
print(f"\n{peer[0]['model']}, {peer[0]['resolution']} px, batch {peer[0]['batch_size']}, {peer[0]['threads']} threads; step ratio per round: {per_round}")
PYTHON
