"""Runs every benchmark and writes report.md and report.json: what ci/bench does once it has built.

Times are of one machine at one time, which the report names; what can be compared are the ratios,
whose two sides were measured in turn. Nothing here judges a time. A benchmark that fails makes the
exit code 1, after all others have run; what is asked for and does not exist, 2."""

import argparse
import json
import os
import platform
import subprocess
import sys
import time

sys.dont_write_bytecode = True
import benchmarks  # noqa: E402
import report_tables  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(
        prog="ci/bench", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="examples:\n  ci/bench\n  ci/bench --long --out /tmp/long\n"
               "  ci/bench --only growth --only placeholder")
    parser.add_argument("--long", action="store_true",
                        help="all sizes, to 4 GiB, and longer runs: an hour or two")
    parser.add_argument("--instant", action="store_true",
                        help="only to see that it works: what it measures says nothing")
    parser.add_argument("--preset", default="release", help="which build (default: release)")
    parser.add_argument("--out", metavar="FOLDER", help="where report.md and report.json go (default: the build's bench/)")
    parser.add_argument("--only", metavar="PROGRAM", action="append", default=[],
                        help="only this program, such as growth; may be given again")
    return parser.parse_args()


def first_line_of(path, beginning):
    try:
        with open(path, encoding="utf-8") as file:
            for line in file:
                if line.startswith(beginning):
                    return line[len(beginning):].strip(" \t:\n")
    except OSError:
        pass
    return ""


def machine():
    kib = first_line_of("/proc/meminfo", "MemTotal").removesuffix(" kB") or "0"
    return {
        "cpu": first_line_of("/proc/cpuinfo", "model name") or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(int(kib) / 2**20, 1),
        "kernel": platform.release(),
        "libc": " ".join(platform.libc_ver()),
        "transparent_huge_pages":
            first_line_of("/sys/kernel/mm/transparent_hugepage/enabled", ""),
    }


def commit():
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=benchmarks.ROOT,
                          capture_output=True, text=True)
    return done.stdout.strip()


def run_all(names, chosen):
    """{program: {"seconds", "benchmarks"}}"""
    form = "long" if chosen.long else "instant" if chosen.instant else "short"
    seconds = {"long": 0.5, "short": 0.1, "instant": 0.001}[form]
    results = {}
    for name in names:
        print(f"{name} …", end="", flush=True)
        begin = time.monotonic()
        document = benchmarks.run(benchmarks.program(name, chosen.preset), form,
                                  [f"--benchmark_min_time={seconds}"])
        took = time.monotonic() - begin
        results[name] = {"seconds": round(took, 1), "benchmarks": document["benchmarks"]}
        print(f" {took:.0f} s", flush=True)
    return results


def failures(results):
    return [f"{row['name']}: {row['error_message']}" for program in results.values()
            for row in program["benchmarks"] if row.get("error_occurred")]


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    print(path)


def report():
    chosen = arguments()
    folder = chosen.out or benchmarks.folder(chosen.preset)
    names = ([os.path.basename(benchmarks.program(name, chosen.preset)) for name in chosen.only]
             or benchmarks.programs(chosen.preset))
    begin = time.monotonic()
    results = run_all(names, chosen)
    whole = {"command": " ".join(["ci/bench", *sys.argv[1:]]), "commit": commit(),
             "machine": machine(), "seconds": round(time.monotonic() - begin),
             "failures": failures(results), "programs": results}
    whole["tables"] = report_tables.tables(results)
    os.makedirs(folder, exist_ok=True)
    write(folder, "report.md", report_tables.markdown(whole))
    write(folder, "report.json", json.dumps(whole, indent=1) + "\n")
    for failure in whole["failures"]:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if whole["failures"] else 0


if __name__ == "__main__":
    benchmarks.main(report)
