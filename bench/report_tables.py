"""What benchmarks say, as tables: of placeholders, of growth, and of everything.

A table is {"title", "about", "head": [text], "rows": [[text]]}."""

import math
import re

# Columns of the table of placeholders beside 64 MiB of bf16 on one rank: a name, and what of that
# setting is another.
SETTINGS = [
    ("4 KiB each", {"KiB": "4"}),
    ("16 MiB, reused", {"KiB": "16384", "pages": "reused"}),
    ("256 MiB", {"KiB": "262144"}),
    ("4 GiB", {"KiB": "4194304"}),
    ("fp32", {"dtype": "fp32"}),
    ("8 ranks", {"ranks": "8"}),
    ("huge pages", {"huge": "1"}),
]
BASE = {"dtype": "bf16", "pages": "cold", "huge": "0", "KiB": "65536", "ranks": "1"}

# What Google Benchmark says of every row; the rest are counters.
PLAIN = {"name", "run_name", "run_type", "repetitions", "repetition_index", "threads", "iterations",
         "real_time", "cpu_time", "time_unit", "label", "family_index",
         "per_family_instance_index", "error_occurred", "error_message"}


def rows_of(results, program):
    rows = results.get(program, {"benchmarks": []})["benchmarks"]
    return [row for row in rows if row["run_type"] == "iteration" and not row.get("error_occurred")]


def setting_of(name):
    """{"how", "dtype", "pages", "huge", "KiB", "ranks"} of placeholder/…"""
    _, how, dtype, pages, huge, kib, ranks = name.split("/")[:7]
    parts = dict(part.split(":") for part in (huge, kib, ranks))
    return {"how": how, "dtype": dtype, "pages": pages, **parts}


def short(value):
    if value == 0:
        return "0"
    if abs(value) < 0.005:
        return "< 0.01"
    return f"{value:.2f}"


def percent(value):
    return "0 %" if value < 0.005 else f"{100 * value:.0f} %"


def found(rows, how, wanted):
    for setting, row in rows:
        if setting == {"how": how, **BASE, **wanted}:
            return row
    return None


def cost(row):
    """What it takes to hold the place, and how much of the bytes is committed by that."""
    return f"{short(row['hold'])} ({percent(row['committed'] / row['asked'])})" if row else ""


def placeholders(results):
    rows = [(setting_of(row["name"]), row) for row in rows_of(results, "placeholder_bench")]
    names = list(dict.fromkeys(setting["how"] for setting, _ in rows))
    columns = [(title, wanted) for title, wanted in SETTINGS
               if any(found(rows, how, wanted) for how in names)]
    table = []
    for how in names:
        base = found(rows, how, {})
        if base is None:
            continue
        over_nan, fresh, copied = (part.split(": ")[1] for part in base["label"].split("; "))
        table.append([f"`{how}`", cost(base), short(base["later"]),
                      *(cost(found(rows, how, wanted)) for _, wanted in columns),
                      over_nan, fresh, copied])
    return {"title": "What a placeholder costs",
            "about": "Time to make it, and the share of its bytes that the kernel commits for "
                     "that. 1 is what `empty_like` and its first write cost together, in cold "
                     "memory at the same size, ranks and pages, measured in turn. 64 MiB of bf16 "
                     "on one rank, but for what a column says. Ranks are processes; memory is that "
                     "of torch's own allocator. The last three columns were tried on a model whose "
                     "head is the placeholder.",
            "head": ["placeholder", "64 MiB", "first write", *(title for title, _ in columns),
                     "unwritten, over NaN", "unwritten, fresh pages", "a copy into it"],
            "rows": table}


def huge_pages(results):
    rows = [(setting_of(row["name"]), row) for row in rows_of(results, "placeholder_bench")]
    table = []
    for how in dict.fromkeys(setting["how"] for setting, _ in rows):
        small, huge = found(rows, how, {}), found(rows, how, {"huge": "1"})
        if small and huge:
            table.append([f"`{how}`", f"{huge['sum_us'] / small['sum_us']:.2f}",
                          f"{small['faults'] + small['faults_later']:.0f}",
                          f"{huge['faults'] + huge['faults_later']:.0f}"])
    return {"title": "What huge pages change",
            "about": "Time to make 64 MiB and write it once with huge pages, over that without; and "
                     "minor faults of both.",
            "head": ["placeholder", "time", "faults without", "faults with"], "rows": table}


def growth(results):
    """Between neighbouring sizes of a family: the power of the size with which time grows."""
    families = {}
    for row in rows_of(results, "growth_bench"):
        match = re.match(r"(\w+)/(\d+)", row["name"])
        if match:
            families.setdefault(match[1], []).append((int(match[2]), row["real_time"]))
    fitted = {row["name"].split("/")[0].removesuffix("_BigO"): row["big_o"]
              for row in results.get("growth_bench", {"benchmarks": []})["benchmarks"]
              if "big_o" in row}
    table = []
    for family, points in families.items():
        points.sort()
        powers = [math.log(t2 / t1) / math.log(n2 / n1)
                  for (n1, t1), (n2, t2) in zip(points, points[1:])]
        table.append([f"`{family}`", f"{points[0][0]} to {points[-1][0]}",
                      " ".join(f"{power:.1f}" for power in powers), fitted.get(family, "")])
    return {"title": "How time grows",
            "about": "The power of the size with which time grows, from each size to the next: 1 is "
                     "linear, below it a fixed part shows. Beside it what Google Benchmark fits.",
            "head": ["benchmark", "sizes", "powers", "fitted"], "rows": table}


def number(value):
    if value == 0 or 0.01 <= abs(value) < 10_000:
        return f"{value:.4g}"
    return f"{value:.3g}"


def everything(name, program):
    table = []
    for row in program["benchmarks"]:
        if row.get("run_type") != "iteration":
            continue
        counters = [f"{key} {number(value)}" for key, value in row.items()
                    if key not in PLAIN and isinstance(value, (int, float))]
        said = row.get("error_message") or ", ".join(counters)
        table.append([f"`{row['name']}`", f"{number(row['real_time'])} {row['time_unit']}"
                      if "real_time" in row else "", said])
    return {"title": name, "about": f"{program['seconds']} s.",
            "head": ["benchmark", "time", "counters"], "rows": table}


def tables(results):
    special = [make(results) for make in (placeholders, huge_pages, growth)]
    return ([table for table in special if table["rows"]]
            + [everything(name, program) for name, program in results.items()])


def one_table(table):
    lines = [f"## {table['title']}", "", table["about"], "",
             "| " + " | ".join(table["head"]) + " |", "|" + " --- |" * len(table["head"])]
    lines += ["| " + " | ".join(row) + " |" for row in table["rows"]]
    return "\n".join(lines) + "\n"


def markdown(whole):
    machine = whole["machine"]
    head = ["# Benchmarks", "",
            f"`{whole['command']}` at {whole['commit']}, {whole['seconds']} s, on {machine['cpu']}, "
            f"{machine['cores']} cores, {machine['memory_gib']} GiB, Linux {machine['kernel']}, "
            f"{machine['libc']}, transparent huge pages {machine['transparent_huge_pages']}.", ""]
    if whole["failures"]:
        head += ["**Failed:**", "", *(f"- {failure}" for failure in whole["failures"]), ""]
    return "\n".join(head) + "\n" + "\n".join(one_table(table) for table in whole["tables"])
