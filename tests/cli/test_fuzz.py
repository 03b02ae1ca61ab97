"""No command line ends in a traceback, whatever stands on it."""

from __future__ import annotations

import os
import random

from reconciler.cli.program import COMMANDS
from tests.cli.project import PRO, Project

CODES = {0, 1, 2, 3, 4, 5, 6, 7, 64}
_FLAGS = """--stack -s --dir -C --vendor --target --exclude --changed-since --sandbox --format --json-into --detailed-exitcode
--show-unchanged --auto-approve --allow --leave-drift --skip-blocked --max-delete-percent --max-changes --parallelism --timeout
--lock-timeout --no-color --no-input --quiet -v --out --all-stacks --digest --config-from --take-over --kind --match --archived
--check --limit --run --help -h -- - --= -sx"""
_VALUES = """default stripe stripe.price/monthly stripe.price/* * [ a=b : 0 -1 1e999 nan 5m 1h1h
stripe.product/pro=pro json text money
money:stripe.price/monthly irreversible:x 99999999999999999999 plan.json . manifests
/dev/null HEAD %s%n {x} list show log forget move verify unlock rebuild bash manifest stripe.price
stripe.price.unit_amount"""
FLAGS, VALUES = _FLAGS.split(), ["", " ", "\n", "\u202e", "\u00e9", *_VALUES.split()]


def test_no_command_line_ends_in_a_traceback(box: Project) -> None:
    """400 seeded command lines: one of the documented exit codes, a message and no traceback (a defect would raise here)."""
    seed = int(os.environ.get("SEED", "20261125"))
    print(f"seed {seed}")
    chance = random.Random(seed)
    box.apply("--sandbox")
    box.ok("plan", "--sandbox", "--out", "plan.json")
    commands = [name for name in COMMANDS if name != "sandbox"]
    for _ in range(400):
        words = [chance.choice(commands) if chance.random() < 0.95 else chance.choice(VALUES)]
        words += [chance.choice(FLAGS if chance.random() < 0.5 else VALUES) for _ in range(chance.randrange(6))]
        if "--sandbox" not in words and words[0] in COMMANDS and chance.random() < 0.7:
            words.append("--sandbox")
        done = box.run(*words)
        assert done.code in CODES, (words, done)
        assert "Traceback" not in done.said, (words, done)
        assert "defect" not in done.said, (words, done)
        box.manifest(PRO)
