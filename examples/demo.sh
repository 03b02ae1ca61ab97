#!/usr/bin/env bash
# What `make demo` runs: a temporary copy of this repository's own project against the sandbox, with an empty environment.
set -euo pipefail
here="$(cd "$(dirname "$0")/.." && pwd)"
copy="$(mktemp -d)"
trap 'rm -rf "$copy"' EXIT
cp -R "$here/reconciler.yaml" "$here/manifests" "$here/schemas" "$copy/"
cd "$copy"

bold="" plain=""
if [ -t 1 ]; then bold=$'\033[1m' plain=$'\033[0m'; fi

# Shows a command line as it would be typed, and runs it with nothing in its environment but the path.
run() {
  printf '\n%s$ %s%s\n' "$bold" "$1" "$plain"
  env -i PATH="$PATH" TERM="${TERM:-dumb}" bash -c "$1"
}

say() { printf '\n# %s\n' "$*"; }

say "The manifests are checked offline: no credential is needed, nothing is sent."
run "reconciler validate"
say "What would be created, and what that means."
run "reconciler plan --sandbox --quiet"
say "Do it. Unattended, money and access need a word of their own."
run "reconciler apply --sandbox --auto-approve --allow money,access --quiet | tail -n 1"
say "Everything is there: the same plan is empty now."
run "reconciler plan --sandbox --detailed-exitcode --quiet"
say "Pro shall cost 35 dollars a month. An amount never changes in Stripe: a new price supersedes the old one."
run "sed -i.before 's/unit_amount: 2900$/unit_amount: 3500/' manifests/billing.yaml"
run "reconciler plan --sandbox --quiet --out price.plan"
say "Apply exactly this plan: it was read, so it needs no further consent."
run "reconciler apply price.plan --sandbox --quiet | grep -E '^(done|Apply)'"
say "And the plan after it is empty again."
run "reconciler plan --sandbox --detailed-exitcode --quiet"
