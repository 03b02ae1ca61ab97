"""No command line ends in a traceback, whatever stands on it."""

from __future__ import annotations

import os
import random

import click

from reconciler.cli.program import COMMANDS, program
from tests.cli.project import PRO, Project

CODES = {0, 1, 2, 3, 4, 5, 6, 7, 64}
_VALUES = """default stripe stripe.price/monthly stripe.price/* * [ a=b : 0 -1 1e999 nan inf 5m 1h1h 0.001s 7 text json mermaid
stripe.product/pro=pro stripe.product/pro=none money money:stripe.price/monthly irreversible:stripe.price/monthly irreversible:x
99999999999999999999 plan.json . manifests /dev/null HEAD %s%n {x} list show log forget move verify unlock rebuild bash manifest
stripe.price stripe.price.unit_amount stripe.price.recurring.interval stripe.product/pro --nonsense -- - -x"""
VALUES = ["", " ", "\n", "\u202e", "\u00e9", *_VALUES.split()]


def line(chance: random.Random) -> list[str]:
    """A command with some of its own flags and arguments, right and wrong ones."""
    name = chance.choice([one for one in COMMANDS if one != "sandbox"])
    command = program.get_command(click.Context(program), name)
    words = [name]
    if isinstance(command, click.Group):
        verb = chance.choice(list(command.commands))
        command, words = command.commands[verb], [name, verb]
    assert command is not None
    for param in chance.sample(command.params, min(len(command.params), chance.randrange(5))):
        if isinstance(param, click.Option):
            words.append(chance.choice(param.opts))
            words += [] if param.is_flag else [chance.choice(VALUES)]
        else:
            words += [chance.choice(VALUES)]
    words += [chance.choice(VALUES)] * (chance.random() < 0.1)
    return words + ["--sandbox"] * (chance.random() < 0.8 and any("--sandbox" in param.opts for param in command.params))


def test_no_command_line_ends_in_a_traceback(box: Project) -> None:
    """300 seeded command lines: one of the documented exit codes, a message and no traceback (a defect would raise here)."""
    seed = int(os.environ.get("SEED", "20261125"))
    print(f"seed {seed}")
    chance = random.Random(seed)
    box.git("init", "-q")
    box.apply("--sandbox")
    box.ok("plan", "--sandbox", "--out", "plan.json")
    box.commit()
    for _ in range(300):
        words = line(chance)
        done = box.run(*words, typed=chance.choice([None, "yes\n", "\n"]))
        assert done.code in CODES, (words, done)
        assert "Traceback" not in done.said, (words, done)
        box.manifest(PRO)
