"""The legacy Databricks CLI, databricks-cli: its workspace commands.  It drops the
port of the host that it is given."""
# serve: port80

import os
import subprocess

from checks import check, check_in


def databricks(*words):
    done = subprocess.run(
        ["databricks", "workspace", *words], capture_output=True, text=True, timeout=120
    )
    return done.returncode, done.stdout, done.stderr


def good(*words):
    status, out, err = databricks(*words)
    check("databricks workspace " + " ".join(words), (status, err), (0, ""))
    return out


def bad(part, *words):
    status, out, err = databricks(*words)
    check_in("databricks workspace " + " ".join(words) + " fails", part, out + err)
    check("... with a status", status != 0)


notebooks = {
    "first.py": "# Databricks notebook source\nprint('grüße')",
    "sub/second.sql": "-- Databricks notebook source\nSELECT 1\n\n-- COMMAND ----------\n\nSELECT 2",
    "sub/third.scala": "// Databricks notebook source\n1+1",
    "sub/deep/fourth.r": "# Databricks notebook source\nplot(1)",
}
os.makedirs("tree/sub/deep")
for name, text in notebooks.items():
    with open(f"tree/{name}", "w") as f:
        f.write(text)
with open("tree/readme.txt", "w") as f:
    f.write("no notebook")

good("mkdirs", "/Shared/legacy/dir")
check("an empty directory lists nothing", good("ls", "/Shared/legacy/dir").strip(), "")
out = good("import_dir", "tree", "/Shared/legacy/tree")
check_in("import_dir skips what is no notebook", "readme.txt does not have a valid extension", out)
check("ls shows names without extension", good("ls", "/Shared/legacy/tree/sub").split(), ["deep", "second", "third"])
rows = [line.split() for line in good("ls", "-l", "/Shared/legacy/tree").splitlines()]
check("ls -l knows kinds", rows, [["NOTEBOOK", "first", "PYTHON"], ["DIRECTORY", "sub"]])
good("export_dir", "/Shared/legacy/tree", "back")
for name, text in notebooks.items():
    with open(f"back/{name}") as f:
        check(f"{name} comes back", f.read(), text)
bad("RESOURCE_ALREADY_EXISTS", "import", "-l", "PYTHON", "tree/first.py", "/Shared/legacy/tree/first")
good("import", "-o", "-l", "SQL", "tree/sub/second.sql", "/Shared/legacy/tree/first")
good("export", "-o", "/Shared/legacy/tree/first", "first")
with open("first") as f:
    check("import -o replaces", f.read(), notebooks["sub/second.sql"])
good("export", "-f", "JUPYTER", "/Shared/legacy/tree/first", "first.ipynb")
good("import", "-f", "JUPYTER", "-l", "SQL", "first.ipynb", "/Shared/legacy/again")
good("export", "/Shared/legacy/again", "again.sql")
with open("again.sql") as f:
    check("a Jupyter document comes back", f.read(), notebooks["sub/second.sql"])

bad("RESOURCE_DOES_NOT_EXIST", "ls", "/Shared/none")
bad("DIRECTORY_NOT_EMPTY", "rm", "/Shared/legacy/tree")
good("rm", "-r", "/Shared/legacy/tree")
bad("RESOURCE_DOES_NOT_EXIST", "rm", "/Shared/legacy/tree")
bad("DIRECTORY_PROTECTED", "rm", "-r", "/Shared")
