"""Completion scripts for bash, zsh and fish; addresses are read from the manifests by awk, so that Tab is quick."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from reconciler.cli.words import Command, Flag

Lists = Mapping[str, Sequence[str]]

_READING = r"""
# Names of entries as they are usually laid out: a kind at the margin, its names one step in.
_reconciler_addresses() {
    find "$1/manifests" "$1/overlays" -name '*.yaml' ! -name '*.test.yaml' -exec awk '
        FNR == 1 { kind = "" }
        /^[a-z][a-z0-9_]*\.[a-z0-9_]+:/ { sub(/:.*/, "", $1); kind = $1; step = 0; next }
        /^[^ #]/ { kind = "" }
        kind != "" && match($0, /^ +/) {
            if (!step) step = RLENGTH
            if (RLENGTH == step && $1 ~ /^[A-Za-z0-9][A-Za-z0-9_.@-]*:/) { sub(/:.*/, "", $1); print kind "/" $1 }
        }' {} + 2>/dev/null | sort -u
}

# Keys below one key of reconciler.yaml: stacks, vendors.
_reconciler_keys() {
    awk -v section="$2:" '
        $1 == section && /^[a-z]/ { on = 1; step = 0; next }
        /^[^ #]/ { on = 0 }
        on && match($0, /^ +/) {
            if (!step) step = RLENGTH
            if (RLENGTH == step && $1 ~ /^[a-z0-9][a-z0-9_-]*:/) { sub(/:.*/, "", $1); print $1 }
        }' "$1/reconciler.yaml" 2>/dev/null
}
"""

_WORDS = r"""
# The words for what is taken; $1 is the project's folder, $2 what is taken.
_reconciler_words() {
    case $2 in
        address) _reconciler_addresses "$1" ;;
        subject) _reconciler_addresses "$1"; printf '%s\n' KINDS ;;
        kind) printf '%s\n' KINDS ;;
        vendor) printf '%s\n' VENDORS ;;
        impact) printf '%s\n' IMPACTS ;;
        stack) _reconciler_keys "$1" stacks ;;
        connection) _reconciler_keys "$1" vendors ;;
    esac
}
"""

_BASH = r"""
_reconciler() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} dir=${RECONCILER_DIR:-.}
    local flags= take= choices= n
    for ((n = 2; n < COMP_CWORD - 1; n++)); do
        case ${COMP_WORDS[n]} in --dir|-C) dir=${COMP_WORDS[n+1]} ;; esac
    done
    if [[ $cur == "=" ]]; then cur=; elif [[ $prev == "=" ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        choices='COMMANDS'
    else
        case "$command ${COMP_WORDS[2]}" in VERBS) ((COMP_CWORD > 2)) && command="$command ${COMP_WORDS[2]}" ;; esac
        _reconciler_table "$command" "$prev"
        if [[ $prev == ":" ]]; then take=address; choices=
        elif [[ $take == flag+ || ($take == *+ && $cur == -*) ]]; then take=; choices=$flags; fi
    fi
    take=${take%+}
    case $take in
        file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
        directory) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
        *) mapfile -t COMPREPLY < <(compgen -W "$choices $(_reconciler_words "$dir" "$take")" -- "$cur") ;;
    esac
}
complete -F _reconciler reconciler
"""

_ZSH = r"""
_reconciler() {
    local cur=$PREFIX prev=${words[CURRENT-1]} command=${words[2]} dir=${RECONCILER_DIR:-.} flags take choices n
    for ((n = 3; n < CURRENT - 1; n++)); do
        case ${words[n]} in --dir|-C) dir=${words[n+1]} ;; esac
    done
    if [[ $cur == --*=* ]]; then prev=${cur%%=*}; compset -P '*='; cur=$PREFIX; fi
    if ((CURRENT == 2)); then
        choices='COMMANDS'
    else
        case "$command ${words[3]}" in VERBS) ((CURRENT > 3)) && command="$command ${words[3]}" ;; esac
        _reconciler_table "$command" "$prev"
        if [[ $cur == *:* && $take == impact ]]; then compset -P '*:'; take=address
        elif [[ $take == flag+ || ($take == *+ && $cur == -*) ]]; then take=; choices=$flags; fi
    fi
    take=${take%+}
    case $take in
        file) _files ;;
        directory) _files -/ ;;
        *) compadd -- ${=choices} ${(f)"$(_reconciler_words "$dir" "$take")"} ;;
    esac
}
if [[ ${funcstack[1]} == _reconciler ]]; then _reconciler "$@"; else compdef _reconciler reconciler; fi
"""


def bash(commands: Sequence[Command], lists: Lists) -> str:
    """For bash 4 or newer: `eval "$(reconciler completion bash)"`."""
    return "# Completion of reconciler for bash; generated." + _filled(_BASH, commands, lists)


def zsh(commands: Sequence[Command], lists: Lists) -> str:
    """For zsh: `eval "$(reconciler completion zsh)"` after compinit, or a file `_reconciler` in fpath."""
    return "#compdef reconciler\n# Completion of reconciler for zsh; generated." + _filled(_ZSH, commands, lists)


def _filled(script: str, commands: Sequence[Command], lists: Lists) -> str:
    """A script behind the parts that both shells understand, with the words of these commands in it."""
    known = {"KINDS": " ".join(lists["kind"]), "IMPACTS": " ".join(lists["impact"]),
             "VENDORS": " ".join(lists["vendor"]),
             "COMMANDS": " ".join(command.name for command in commands if len(command.path) == 1),
             "VERBS": "|".join(f'"{command.name}"' for command in commands if len(command.path) > 1)}
    whole = _READING + _WORDS + _table(commands) + script
    return re.sub(rf"\b({'|'.join(known)})\b", lambda hit: known[hit[0]], whole)


def _table(commands: Iterable[Command]) -> str:
    """Sets `flags`, `take` and `choices` for a command and the word before; a `+` behind `take`: flags fit there too."""
    lines = ["", "# What fits behind $1, a command, when $2 is the word before.", "_reconciler_table() {", "    case $1 in"]
    for command in commands:
        flags = " ".join(name for flag in command.flags for name in flag.names)
        lines += [f'        "{command.name}")', f"            flags='{flags}'", "            case $2 in"]
        lines += [f"                {'|'.join(names)}) {taken} ;;" for taken, names in _by_value(command.flags).items()]
        lines += [f"                *) {_following(command)} ;;", "            esac ;;"]
    return "\n".join([*lines, "    esac", "}", ""])


def _by_value(flags: Iterable[Flag]) -> dict[str, list[str]]:
    """The flags that take the same, together."""
    found: dict[str, list[str]] = {}
    for flag in flags:
        if flag.take:
            found.setdefault(_taken(flag), []).extend(flag.names)
    return found


def _taken(flag: Flag) -> str:
    return f"choices='{' '.join(flag.choices)}'" if flag.choices else f"take={flag.take}"


def _following(command: Command) -> str:
    if command.choices:
        return f"take=choice+ choices='{' '.join(command.choices)}'"
    return f"take={command.take or 'flag'}+"


# fish


def fish(commands: Sequence[Command], lists: Lists) -> str:
    """For fish: `reconciler completion fish | source`."""
    lines = ["# Completion of reconciler for fish; generated.", *_fish_reading(), *_FISH, "complete -c reconciler -f"]
    for command in commands:
        lines.extend(_fish_command(command, lists))
    return "\n".join(lines) + "\n"


_FISH = r"""
# Whether the words before the cursor begin with this command; with `next` whether it comes right behind them.
function __reconciler_in
    set -l words (commandline -opc)
    test "$words[2..$(math (count $argv) + 1)]" = "$argv"
end
function __reconciler_next
    set -l words (commandline -opc)
    test "$words[2..]" = "$argv"
end
""".splitlines()


def _fish_reading() -> list[str]:
    """The same readers, run by sh, which every machine has."""
    body = (_READING + '\n"_reconciler_$1" "${RECONCILER_DIR:-.}" $2').strip().replace("\\", "\\\\").replace("'", "\\'")
    return ["function __reconciler_read", f"    sh -c '{body}' reconciler $argv", "end"]


def _fish_command(command: Command, lists: Lists) -> Iterable[str]:
    start, last = " ".join(command.path[:-1]), command.path[-1]
    when = f"-n '__reconciler_in {command.name}'"
    yield f"complete -c reconciler -n '{f'__reconciler_next {start}'.strip()}' -a {last} -d {_fish_word(command.help)}"
    for flag in command.flags:
        names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in flag.names)
        value = _fish_value(flag.take, flag.choices, lists)
        yield f"complete -c reconciler {when} {names}{value} -d {_fish_word(flag.help)}"
    value = _fish_value(command.take, command.choices, lists, flag=False) if command.take else ""
    if value:
        yield f"complete -c reconciler {when}{value}"


def _fish_value(take: str, choices: Sequence[str], lists: Lists, *, flag: bool = True) -> str:
    """How a value is completed: `-x` needs one and takes no files, `-r` needs one, `-F` takes files."""
    needs = " -x" if flag and take else ""
    kinds = " ".join(lists["kind"])
    known = {"": "", "choice": " ".join(choices), "kind": kinds, "impact": " ".join(lists["impact"]), "text": "",
             "vendor": " ".join(lists["vendor"]),
             "address": "(__reconciler_read addresses)", "subject": f"(__reconciler_read addresses) {kinds}",
             "stack": "(__reconciler_read keys stacks)", "connection": "(__reconciler_read keys vendors)",
             "directory": "(__fish_complete_directories)"}
    if take == "file":
        return " -r -F" if flag else " -F"
    if take not in known:
        return ""
    return f"{needs} -a '{known[take]}'" if known[take] else needs


def _fish_word(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
