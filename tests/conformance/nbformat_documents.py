"""nbformat reads the Jupyter documents that the emulator writes, and the other way
round.  The emulator's module is driven by a program of its own, tests/conformance/convert."""
# serve: plain

import json
import os
import random
import subprocess
import warnings

import nbformat
from checks import check
from nbformat import v4

warnings.simplefilter("error")
CONVERT = os.path.join(os.environ["builddir"], "tests/conformance/convert")
OF_NOTEBOOK = "application/vnd.databricks.v1+notebook"
OF_CELL = "application/vnd.databricks.v1+cell"
LANGUAGES = {"PYTHON": "#", "SQL": "--", "SCALA": "//", "R": "#"}


def try_convert(origin, target, text, language="PYTHON"):
    run = subprocess.run([CONVERT, origin, target, language], input=text.encode(), capture_output=True)
    return run.returncode, run.stdout.decode()


def convert(*args):
    status, text = try_convert(*args)
    if status != 0:
        raise SystemExit(f"FAIL: convert {args!r}: status {status}")
    return text


def valid(text):
    """A document as nbformat reads it; of its version, and to the schema."""
    nb = nbformat.reads(text, as_version=nbformat.NO_CONVERT)
    nbformat.validate(nb)
    return nb


def cells(nb):
    return [(c.cell_type, c.source) for c in nb.cells]


def source(mark, *parts):
    lines = [f"{mark} Databricks notebook source\n{parts[0]}", *parts[1:]]
    return f"\n\n{mark} COMMAND ----------\n\n".join(lines)


def magic(mark, text):
    return "\n".join(f"{mark} MAGIC {line}".rstrip() for line in text.split("\n"))


# What the emulator writes.

for language, mark in LANGUAGES.items():
    text = source(
        mark,
        "first\n\n  second \u00e4\U0001f600\u2028",
        magic(mark, '%md\n# Words\n\n<b> "quoted" \\'),
        "",
        f"{mark} DBTITLE 1,A title\n" + magic(mark, "%sh\nls\n\tdf"),
        "last",
    )
    nb = valid(convert("source", "jupyter", text, language))
    check(f"{language}: version", (nb.nbformat, nb.nbformat_minor), (4, 0))
    check(
        f"{language}: cells",
        cells(nb),
        [
            ("code", "first\n\n  second \u00e4\U0001f600\u2028"),
            ("markdown", '# Words\n\n<b> "quoted" \\'),
            ("code", ""),
            ("code", "%sh\nls\n\tdf"),
            ("code", "last"),
        ],
    )
    check(f"{language}: title", nb.cells[3].metadata[OF_CELL], {"showTitle": True, "title": "A title"})
    check(
        f"{language}: metadata",
        nb.metadata,
        {
            OF_NOTEBOOK: {"language": language.lower(), "notebookName": "A name"},
            "language_info": {"name": language.lower()},
        },
    )
    check(
        f"{language}: source, through nbformat, and back",
        convert("jupyter", "source", nbformat.writes(nb), "R"),
        text,
    )

check("only a header", cells(valid(convert("source", "jupyter", ""))), [("code", "")])

# What nbformat writes.

rich = v4.new_notebook(
    metadata={"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
    cells=[
        v4.new_markdown_cell("![x](attachment:x.png)", attachments={"x.png": {"image/png": "iVBORw0KGgo="}}),
        v4.new_code_cell(
            "print(1)\n1 / 0",
            execution_count=7,
            outputs=[
                v4.new_output("stream", name="stdout", text="1\n\x1b[0m\u0000"),
                v4.new_output("error", ename="E", evalue="v", traceback=["a", "b"]),
                v4.new_output("display_data", {"text/html": "</script>", "application/json": {"a": [1.5, None]}}),
                v4.new_output("execute_result", {"text/plain": "1"}, execution_count=7),
            ],
        ),
        v4.new_raw_cell("raw\n"),
        v4.new_code_cell("%sql\nSELECT 1"),
        v4.new_code_cell(""),
    ],
)
kept_text = convert("jupyter", "kept", nbformat.writes(rich))
kept = valid(kept_text)
check("kept: version", (kept.nbformat, kept.nbformat_minor), (rich.nbformat, rich.nbformat_minor))
check("kept: metadata is added", kept.metadata.pop(OF_NOTEBOOK), {"language": "python", "notebookName": "A name"})
check("kept: the language is added", kept.metadata.pop("language_info"), {"name": "python"})
check("kept: of cells, too", [c.metadata.pop(OF_CELL)["title"] for c in kept.cells], [""] * 5)
check("kept: all else is as it was", kept, rich)
check("kept again: the same", convert("jupyter", "kept", kept_text), kept_text)

in_source = source(
    "#",
    magic("#", "%md\n![x](attachment:x.png)"),
    "print(1)\n1 / 0",
    "raw\n",
    magic("#", "%sql\nSELECT 1"),
    "",
).rstrip("\n")
for what, text in (("written", nbformat.writes(rich)), ("kept", kept_text)):
    check(f"as {what}, to source: outputs and attachments go", convert("jupyter", "source", text), in_source)
check("... which is valid as Jupyter again", len(valid(convert("source", "jupyter", in_source)).cells), 5)

for minor in range(5):
    without_ids = [v4.new_code_cell("a"), v4.new_markdown_cell("b")]
    for cell in without_ids:
        del cell["id"]
    nb = v4.new_notebook(cells=without_ids, nbformat_minor=minor)
    got = valid(convert("jupyter", "kept", nbformat.writes(nb)))
    check(f"4.{minor} stays 4.{minor}", (got.nbformat_minor, cells(got)), (minor, cells(nb)))

old = nbformat.convert(v4.new_notebook(cells=[v4.new_code_cell("a")]), 3)
check("version 3 is refused", try_convert("jupyter", "kept", nbformat.writes(old, version=3))[0], 2)
for text in ("", "{}", "[]", json.dumps(rich)[:-1]):
    check(f"{text[:10]!r} is refused", try_convert("jupyter", "source", text)[0], 2)

# Any notebook.

rng = random.Random(4)
WORDS = ["a", " ", "\n", "\n\n", "\t", '"', "\\", "%sql\n", "\u00e4", "\U0001f600", "# b", "<b>", "`", "\u0085", "\x01"]


def any_text():
    # Newlines at the ends of a cell are not what is to be shown.
    return "".join(rng.choice(WORDS) for _ in range(rng.randrange(12))).strip("\n")


def any_cell():
    return v4.new_markdown_cell(any_text()) if rng.random() < 0.3 else v4.new_code_cell(any_text())


for _ in range(200):
    nb = v4.new_notebook(cells=[any_cell() for _ in range(rng.randrange(1, 8))] + [v4.new_code_cell("end")])
    for target in ("source", "archived", "html"):
        there = convert("jupyter", target, nbformat.writes(nb))
        back = valid(convert(target, "jupyter", there))
        if cells(back) != cells(nb):
            raise SystemExit(f"FAIL: through {target}: {cells(nb)!r} became {cells(back)!r}")
print("ok: 200 notebooks come back from source, archive and page")
