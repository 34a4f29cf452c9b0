"""The legacy Databricks CLI, databricks-cli: its own fs commands.  It drops the
port of the host that it is given."""
# serve: port80

import os
import subprocess

from checks import MIB, check, check_in, material


def databricks(*words):
    done = subprocess.run(
        ["databricks", "fs", *words], capture_output=True, text=True, timeout=120
    )
    return done.returncode, done.stdout, done.stderr


def good(*words):
    status, out, err = databricks(*words)
    check("databricks fs " + " ".join(words), (status, err), (0, ""))
    return out


def bad(part, *words):
    status, out, err = databricks(*words)
    check_in("databricks fs " + " ".join(words) + " fails", part, out + err)
    check("... with a status", status != 0)


os.makedirs("tree/sub")
files = {"empty": 0, "small": 100, "block": MIB, "large": 3 * MIB + 5, "sub/inner": 2000}
for name, size in files.items():
    with open(f"tree/{name}", "wb") as f:
        f.write(material(size))

good("mkdirs", "dbfs:/legacy/dir")
check("an empty directory lists nothing", good("ls", "dbfs:/legacy/dir").strip(), "")
good("cp", "tree/large", "dbfs:/legacy/large")
good("cp", "tree/empty", "dbfs:/legacy/empty")
good("cp", "tree/small", "dbfs:/legacy/dir")
check("ls sorts", good("ls", "dbfs:/legacy").split(), ["dir", "empty", "large"])
check(
    "ls of a file gives its path",
    good("ls", "--absolute", "dbfs:/legacy/large").split(),
    ["dbfs:/legacy/large"],
)
rows = [line.split()[:3] for line in good("ls", "-l", "dbfs:/legacy").splitlines()]
check(
    "ls -l knows kinds and sizes",
    rows,
    [["dir", "0", "dir"], ["file", "0", "empty"], ["file", str(3 * MIB + 5), "large"]],
)
for name in ("large", "empty", "dir/small"):
    good("cp", "--overwrite", f"dbfs:/legacy/{name}", "back")
    with open("back", "rb") as f, open("tree/" + os.path.basename(name), "rb") as g:
        check(f"{name} comes back", f.read() == g.read())

bad("RESOURCE_ALREADY_EXISTS", "cp", "tree/small", "dbfs:/legacy/large")
good("cp", "--overwrite", "tree/small", "dbfs:/legacy/large")
good("cp", "--overwrite", "dbfs:/legacy/large", "back")
check("cp --overwrite replaces", os.path.getsize("back"), 100)

good("cp", "-r", "tree", "dbfs:/legacy/tree")
good("cp", "-r", "dbfs:/legacy/tree", "tree2")
for name in files:
    with open(f"tree/{name}", "rb") as f, open(f"tree2/{name}", "rb") as g:
        check(f"{name} comes back from the tree", f.read() == g.read())

with open("text", "w") as f:
    f.write("grüße\n")
good("cp", "text", "dbfs:/legacy/with space %41 ä.txt")
check("cat", good("cat", "dbfs:/legacy/with space %41 ä.txt"), "grüße\n")

good("mv", "dbfs:/legacy/tree", "dbfs:/legacy/moved")
bad("RESOURCE_DOES_NOT_EXIST", "ls", "dbfs:/legacy/tree")
bad("RESOURCE_ALREADY_EXISTS", "mv", "dbfs:/legacy/moved/small", "dbfs:/legacy/moved/block")
bad("RESOURCE_DOES_NOT_EXIST", "mv", "dbfs:/legacy/none", "dbfs:/legacy/none2")
bad("RESOURCE_DOES_NOT_EXIST", "cat", "dbfs:/legacy/none")
bad("non-empty", "rm", "dbfs:/legacy/moved")
check_in("rm -r", "Delete finished successfully", good("rm", "-r", "dbfs:/legacy/moved"))
check_in("rm of nothing is no error", "Delete finished", good("rm", "dbfs:/legacy/none"))
bad("RESOURCE_DOES_NOT_EXIST", "ls", "dbfs:/legacy/moved")

os.environ["DATABRICKS_TOKEN"] = "dapi-wrong"
bad("Authorization failed", "ls", "dbfs:/")
