"""The official Python SDK, databricks-sdk: its Workspace and Repos calls."""
# serve: plain

import base64
import io
import json
import zipfile

from checks import MIB, check, check_in, check_raises, material
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    BadRequest,
    DatabricksError,
    NotFound,
    ResourceAlreadyExists,
    ResourceDoesNotExist,
)
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
from databricks.sdk.service.workspace import (
    ExportFormat,
    ImportFormat,
    Language,
    ObjectType,
)

w = WorkspaceClient()
me = f"/Users/{w.current_user.me().user_name}"
home = f"{me}/sdk"


def status(path):
    return w.workspace.get_status(path)


def content(path, format=None):
    with w.workspace.download(path, format=format) as f:
        return f.read()


def b64(data):
    return base64.b64encode(data).decode()


# Directories.
w.workspace.mkdirs(f"{home}/a/b")
w.workspace.mkdirs(f"{home}/a/b")
check("mkdirs makes parents, and twice is once", status(f"{home}/a").object_type, ObjectType.DIRECTORY)
check("an empty directory lists nothing", list(w.workspace.list(f"{home}/a/b")), [])
check("get_status keeps /Workspace", status(f"/Workspace{home}/a").path, f"/Workspace{home}/a")
check("an id is more than a double holds", status(home).object_id > 2**53)
check("... and is the resource's", status(home).resource_id, str(status(home).object_id))

# upload and download: SOURCE is what the SDK means when nothing is said.
w.workspace.upload(f"{home}/one.py", io.BytesIO(b"print(1)"))
check("upload makes a notebook", status(f"{home}/one.py").object_type, ObjectType.NOTEBOOK)
check("... of the language of its name", status(f"{home}/one.py").language, Language.PYTHON)
check("... with a header", content(f"{home}/one.py"), b"# Databricks notebook source\nprint(1)")
check("... without a size", status(f"{home}/one.py").size, None)
w.workspace.upload(f"{home}/file.py", io.BytesIO(b"print(1)"), format=ImportFormat.AUTO)
check("upload AUTO makes a file", status(f"{home}/file.py").object_type, ObjectType.FILE)
check("... with its size", status(f"{home}/file.py").size, 8)
check("... as it is", content(f"{home}/file.py"), b"print(1)")
for size in (0, 1, MIB, 12 * MIB + 5):
    w.workspace.upload(f"{home}/size-{size}", io.BytesIO(material(size)), format=ImportFormat.AUTO)
    check(f"a file of {size} bytes has its size", status(f"{home}/size-{size}").size or 0, size)
for size in (0, 1, MIB):
    check(f"a file of {size} bytes comes back", content(f"{home}/size-{size}") == material(size))
check_raises(
    "export of 12 MiB is refused",
    BadRequest,
    lambda: content(f"{home}/size-{12 * MIB + 5}"),
    error_code="MAX_READ_SIZE_EXCEEDED",
)
error = check_raises(
    "upload does not replace unless told",
    ResourceAlreadyExists,
    lambda: w.workspace.upload(f"{home}/file.py", b"2", format=ImportFormat.AUTO),
    error_code="RESOURCE_ALREADY_EXISTS",
)
check_in("... in the service's words", f"Path ({home}/file.py) already exists.", str(error))
before = status(f"{home}/file.py")
w.workspace.upload(f"{home}/file.py", b"22", format=ImportFormat.AUTO, overwrite=True)
check("upload replaces when told", content(f"{home}/file.py"), b"22")
check("... and the id stays", status(f"{home}/file.py").object_id, before.object_id)
check("... and when it was made", status(f"{home}/file.py").created_at, before.created_at)
check_raises(
    "upload makes no parents",
    ResourceDoesNotExist,
    lambda: w.workspace.upload(f"{home}/none/x", b"2", format=ImportFormat.AUTO),
    error_code="RESOURCE_DOES_NOT_EXIST",
)
check_raises(
    "a file does not replace a notebook",
    DatabricksError,
    lambda: w.workspace.upload(f"{home}/one.py", b"2", format=ImportFormat.RAW, overwrite=True),
)

# import_ and export, as JSON.
sources = {
    Language.PYTHON: b"# Databricks notebook source\nprint(1)\n\n# COMMAND ----------\n\n# MAGIC %md\n# MAGIC # Words",
    Language.SQL: b"-- Databricks notebook source\nSELECT 1\n\n-- COMMAND ----------\n\nSELECT 2",
    Language.SCALA: b"// Databricks notebook source\n1+1",
    Language.R: b"# Databricks notebook source\nplot(1)",
}
for language, source in sources.items():
    path = f"{home}/a/{language.value}"
    w.workspace.import_(path, content=b64(source), format=ImportFormat.SOURCE, language=language)
    check(f"{language.value} is kept", status(path).language, language)
    answer = w.workspace.export(path)
    check("... its source comes back", base64.b64decode(answer.content), source)
    answer = w.workspace.export(path, format=ExportFormat.JUPYTER)
    check("... its Jupyter document is one", answer.file_type, "ipynb")
    document = base64.b64decode(answer.content)
    check("... of nbformat 4", json.loads(document)["nbformat"], 4)
    w.workspace.import_(f"{path}-jupyter", content=b64(document), format=ImportFormat.JUPYTER)
    check("... and gives the same source", base64.b64decode(w.workspace.export(f"{path}-jupyter").content), source)
    check_in("... its HTML has a head", b"<head>", content(path, ExportFormat.HTML))
w.workspace.import_(f"{home}/auto.py", content=b64(sources[Language.PYTHON]), format=ImportFormat.AUTO)
check("AUTO with a header is a notebook without extension", status(f"{home}/auto").object_type, ObjectType.NOTEBOOK)
w.workspace.import_(f"{home}/book.ipynb", content=b64(document), format=ImportFormat.AUTO)
check("AUTO with .ipynb is one, too", status(f"{home}/book").object_type, ObjectType.NOTEBOOK)
check_raises(
    "a notebook of more than 10 MiB is refused",
    BadRequest,
    lambda: w.workspace.upload(f"{home}/big.py", bytes(10 * MIB + 1), format=ImportFormat.SOURCE),
    error_code="MAX_NOTEBOOK_SIZE_EXCEEDED",
)

# Directories as archives.
with zipfile.ZipFile(io.BytesIO(content(f"{home}/a", ExportFormat.SOURCE))) as z:
    check("a directory is a zip of sources", "SQL.sql" in z.namelist())
    check("... as they are", z.read("SCALA.scala"), sources[Language.SCALA])
check_raises(
    "... of at most 10 MiB",
    BadRequest,
    lambda: content(home, ExportFormat.AUTO),
    error_code="BAD_REQUEST",
)
w.workspace.delete(f"{home}/size-{12 * MIB + 5}")
with zipfile.ZipFile(io.BytesIO(content(home, ExportFormat.AUTO))) as z:
    check("AUTO has files and notebooks", z.read("file.py") == b"22" and "a/PYTHON.py" in z.namelist())
dbc = w.workspace.export(f"{home}/a", format=ExportFormat.DBC)
check("... or an archive of its own", dbc.file_type, "dbc")
w.workspace.import_(f"{home}/dbc", content=dbc.content, format=ImportFormat.DBC)
check("... that gives the same", content(f"{home}/dbc/PYTHON"), sources[Language.PYTHON])
html = w.workspace.export(f"{home}/a/R", format=ExportFormat.HTML).content
w.workspace.import_(f"{home}/html", content=html, format=ImportFormat.HTML)
check("HTML comes back", content(f"{home}/html"), sources[Language.R])
markdown = w.workspace.export(f"{home}/a/R", format=ExportFormat.R_MARKDOWN).content
w.workspace.import_(f"{home}/rmd", content=markdown, format=ImportFormat.R_MARKDOWN)
check("R Markdown comes back", content(f"{home}/rmd"), sources[Language.R])

# Names.
for name in ("with space", "per%41cent", "plus+plus", "ümläut", "a#b?c&d=e", "quote'\"", "back\\slash", "🧱"):
    w.workspace.upload(f"{home}/a/b/{name}", name.encode(), format=ImportFormat.RAW)
    check(f"name {name!r}", content(f"{home}/a/b/{name}").decode(), name)
    check(f"name {name!r} in get_status", status(f"{home}/a/b/{name}").path, f"{home}/a/b/{name}")
check("all names are listed", len(list(w.workspace.list(f"{home}/a/b"))), 8)
check(
    "list of a file gives the file",
    [o.path for o in w.workspace.list(f"{home}/file.py")],
    [f"{home}/file.py"],
)
found = {o.path for o in w.workspace.list(home, recursive=True)}
check("a recursive list finds what is below", f"{home}/a/b/ümläut" in found and f"{home}/a/SQL" in found)
later = status(f"{home}/one.py").modified_at
check(
    "notebooks not changed since are left out",
    f"{home}/one.py" in {o.path for o in w.workspace.list(home, notebooks_modified_after=later)},
    False,
)

# Permissions.
number = str(status(f"{home}/one.py").object_id)
grant = AccessControlRequest(user_name="you@example.com", permission_level=PermissionLevel.CAN_RUN)
w.permissions.set("notebooks", number, access_control_list=[grant])
given = w.permissions.get("notebooks", number)
check("permissions are of the object", given.object_id, f"/notebooks/{number}")
check(
    "... and say who may",
    [(a.user_name, a.all_permissions[0].permission_level) for a in given.access_control_list if a.user_name],
    [("you@example.com", PermissionLevel.CAN_RUN)],
)
check(
    "... and what there is",
    "CAN_EDIT" in {l.permission_level.value for l in w.permissions.get_permission_levels("notebooks", number).permission_levels},
)

# What is not there, what is in the way.
for what, call in (
    ("get_status of nothing", lambda: status(f"{home}/none")),
    ("list of nothing", lambda: list(w.workspace.list(f"{home}/none"))),
    ("export of nothing", lambda: w.workspace.export(f"{home}/none")),
    ("delete of nothing", lambda: w.workspace.delete(f"{home}/none")),
):
    error = check_raises(what, NotFound, call, error_code="RESOURCE_DOES_NOT_EXIST")
    check_in("... in the service's words", f"Path ({home}/none) doesn't exist.", str(error))
check_raises(
    "mkdirs over a file is refused",
    DatabricksError,
    lambda: w.workspace.mkdirs(f"{home}/file.py/x"),
    error_code="RESOURCE_ALREADY_EXISTS",
)
check_raises(
    "delete of a full directory wants recursive",
    DatabricksError,
    lambda: w.workspace.delete(home),
    error_code="DIRECTORY_NOT_EMPTY",
)
check_raises(
    "a home is protected",
    DatabricksError,
    lambda: w.workspace.delete(me, recursive=True),
    error_code="DIRECTORY_PROTECTED",
)
w.workspace.delete(home, recursive=True)
check_raises("delete deletes", NotFound, lambda: status(home))

# Repos.
repo = w.repos.create(url="https://example.com/a/thing.git", provider="gitHub")
check("a repo is in the user's folder", repo.path.endswith("/thing"))
check("... has a branch", repo.branch, "main")
w.repos.update(repo.id, branch="next")
check("... can change it", w.repos.get(repo.id).branch, "next")
check("... is listed", [r.id for r in w.repos.list()], [repo.id])
check("... is an object", status(repo.path).object_type, ObjectType.REPO)
w.repos.delete(repo.id)
check("... can be deleted", list(w.repos.list()), [])
