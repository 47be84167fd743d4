"""Programs of Google Benchmark, as bench/compare and ci/bench use them: where they are, what they
have, and one run of some of it."""

import difflib
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Wrong(Exception):
    """What a person asked for cannot be done; the text says why, and what can."""


def folder(preset):
    return os.path.join(ROOT, "build", preset, "bench")


def programs(preset):
    """The names of what is built, sorted."""
    try:
        names = os.listdir(folder(preset))
    except FileNotFoundError:
        names = []
    found = sorted(name for name in names if name.endswith("_bench"))
    if not found:
        raise Wrong(f"no benchmark is built in {folder(preset)}: "
                    f"cmake --build --preset {preset}")
    return found


def program(name, preset):
    """The path of one, from its name, with or without `_bench`."""
    known = programs(preset)
    if name.removesuffix("_bench") + "_bench" in known:
        return os.path.join(folder(preset), name.removesuffix("_bench") + "_bench")
    raise Wrong(f"there is no benchmark program '{name}'" + near(name, known))


def near(name, known):
    close = difflib.get_close_matches(name, known, n=5, cutoff=0.3)
    return ("; the nearest are:\n  " if close else "; there are:\n  ") + "\n  ".join(
        close or known[:20])


def listed(path, form):
    """The names of the benchmarks of a program."""
    done = subprocess.run([path, "--benchmark_list_tests"], env=environment(form), cwd=ROOT,
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise Wrong(f"{path} --benchmark_list_tests: exit code {done.returncode}\n{done.stderr}")
    return done.stdout.split("\n")[:-1]


def one_of(names, wanted):
    """The benchmark of that name, or the only one that the pattern is found in."""
    if wanted in names:
        return wanted
    try:
        found = [name for name in names if re.search(wanted, name)]
    except re.error as error:
        raise Wrong(f"'{wanted}' is no name and no regular expression: {error}") from error
    if len(found) == 1:
        return found[0]
    if not found:
        raise Wrong(f"no benchmark is called '{wanted}'" + near(wanted, names))
    raise Wrong(f"'{wanted}' is found in {len(found)} names; say more of the one you mean:\n  "
                + "\n  ".join(found[:20]) + ("\n  …" if len(found) > 20 else ""))


def environment(form):
    return dict(os.environ, LOADPROOF_BENCH_FORM=form)


def run(path, form, arguments, show=False):
    """One run, as the JSON that the library writes. A benchmark that fails is not Wrong."""
    with tempfile.TemporaryDirectory() as scratch:
        out = os.path.join(scratch, "out.json")
        command = [path, f"--benchmark_out={out}", "--benchmark_out_format=json", *arguments]
        done = subprocess.run(command, env=environment(form), cwd=ROOT, text=True,
                              stdout=None if show else subprocess.PIPE,
                              stderr=None if show else subprocess.PIPE)
        if done.returncode != 0:
            raise Wrong(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr or ''}")
        with open(out, encoding="utf-8") as file:
            return json.load(file)


def main(body):
    """Runs a command: exit code 2 and a text for what is Wrong."""
    try:
        sys.exit(body())
    except Wrong as wrong:
        print(f"{os.path.basename(sys.argv[0])}: {wrong}", file=sys.stderr)
        sys.exit(2)
