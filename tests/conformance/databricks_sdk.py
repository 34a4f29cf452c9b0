"""The official Python SDK, databricks-sdk: its DBFS calls and their errors."""
# serve: plain

import base64
import io

from checks import MIB, check, check_in, check_raises, material
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    BadRequest,
    DatabricksError,
    NotFound,
    PermissionDenied,
    ResourceAlreadyExists,
    ResourceDoesNotExist,
    Unauthenticated,
)

w = WorkspaceClient()
me = w.current_user.me()
check("current_user.me gives an active user", me.active)
check_in("... with a user name", "@", me.user_name)

# Whole files, through the SDK's own reader and writer.
for size in (0, 1, MIB - 1, MIB, MIB + 1, 5 * MIB + 3):
    data = material(size)
    w.dbfs.upload(f"/sdk/sizes/{size}", io.BytesIO(data))
    with w.dbfs.download(f"/sdk/sizes/{size}") as f:
        check(f"a file of {size} bytes comes back", f.read() == data)
    status = w.dbfs.get_status(f"/sdk/sizes/{size}")
    check(f"... its size", status.file_size, size)
    check(f"... its path", status.path, f"/sdk/sizes/{size}")
    check(f"... is no directory", bool(status.is_dir), False)
    check(f"... has a time", status.modification_time > 1_500_000_000_000)

check(
    "list is sorted by name",
    [f.path for f in w.dbfs.list("/sdk/sizes")],
    sorted(f"/sdk/sizes/{n}" for n in (0, 1, MIB - 1, MIB, MIB + 1, 5 * MIB + 3)),
)
check(
    "list of a file gives the file",
    [(f.path, f.file_size) for f in w.dbfs.list("/sdk/sizes/1")],
    [("/sdk/sizes/1", 1)],
)
check("a path with dbfs: is taken", w.dbfs.get_status("dbfs:/sdk/sizes/1").path, "/sdk/sizes/1")

# Names travel in a query here.
for name in ("with space", "per%41cent", "plus+plus", "ümläut", "a#b?c&d=e", "quote'\"", "back\\slash"):
    api = super(type(w.dbfs), w.dbfs)
    api.put(f"/sdk/names/{name}", contents=base64.b64encode(name.encode()).decode())
    answer = api.read(f"/sdk/names/{name}")
    check(f"name {name!r}", base64.b64decode(answer.data).decode(), name)
    check(f"name {name!r} in get_status", api.get_status(f"/sdk/names/{name}").path, f"/sdk/names/{name}")
check("all names are listed", len(list(w.dbfs.list("/sdk/names"))), 7)

# Directories.
w.dbfs.mkdirs("/sdk/a/b/c")
w.dbfs.mkdirs("/sdk/a/b/c")
check("mkdirs makes parents, and twice is once", w.dbfs.get_status("/sdk/a/b").is_dir)
check("an empty directory lists nothing", list(w.dbfs.list("/sdk/a/b/c")), [])
check("exists says yes", w.dbfs.exists("/sdk/a/b/c"))
check("exists says no", w.dbfs.exists("/sdk/a/b/d"), False)
w.dbfs.upload("/sdk/a/b/c/f", io.BytesIO(b"f"))
w.dbfs.upload("/sdk/a/g", io.BytesIO(b"g"))
check(
    "a recursive list finds the files",
    sorted(f.path for f in w.dbfs.list("/sdk/a", recursive=True)),
    ["/sdk/a/b/c/f", "/sdk/a/g"],
)
w.dbfs.copy("/sdk/a/g", "/sdk/a/g2")
with w.dbfs.open("/sdk/a/g2", read=True) as f:
    check("copy copies", f.read(), b"g")
w.dbfs.move_("/sdk/a/g2", "/sdk/a/g3")
check("move_ moves", (w.dbfs.exists("/sdk/a/g2"), w.dbfs.exists("/sdk/a/g3")), (False, True))
w.dbfs.move("/sdk/a/b", "/sdk/moved")
check("move moves a directory", [f.path for f in w.dbfs.list("/sdk/moved/c")], ["/sdk/moved/c/f"])
check_raises("deleting a directory wants recursive", IOError, lambda: w.dbfs.delete("/sdk/a"))
w.dbfs.delete("/sdk/a", recursive=True)
check("delete deletes", w.dbfs.exists("/sdk/a"), False)

# The calls below the SDK's own layer.
api = super(type(w.dbfs), w.dbfs)
handle = api.create("/sdk/stream").handle
check("a handle is a number that doubles hold", 0 < handle < 2**53)
check_raises(
    "a file being written is not there yet",
    ResourceDoesNotExist,
    lambda: api.get_status("/sdk/stream"),
    error_code="RESOURCE_DOES_NOT_EXIST",
)
api.add_block(handle, base64.b64encode(b"one ").decode())
api.add_block(handle, "")
api.add_block(handle, base64.b64encode(b"two").decode())
check_raises(
    "a block beyond 1 MiB is refused",
    BadRequest,
    lambda: api.add_block(handle, base64.b64encode(bytes(MIB + 1)).decode()),
    error_code="MAX_BLOCK_SIZE_EXCEEDED",
)
api.close(handle)
check("blocks arrive in order", base64.b64decode(api.read("/sdk/stream").data), b"one two")
for what, call in (
    ("a second close", lambda: api.close(handle)),
    ("a block after close", lambda: api.add_block(handle, "")),
):
    error = check_raises(what, ResourceDoesNotExist, call, error_code="RESOURCE_DOES_NOT_EXIST")
    check_in("... in the service's words", f"No such stream with handle: {handle}", str(error))

answer = api.read("/sdk/stream", offset=4, length=100)
check("a read beyond the end is short", (answer.bytes_read, base64.b64decode(answer.data)), (3, b"two"))
check("a read at the end is empty", (api.read("/sdk/stream", offset=7).bytes_read or 0), 0)
check_raises(
    "a read behind the end is refused",
    BadRequest,
    lambda: api.read("/sdk/stream", offset=8),
    error_code="INVALID_PARAMETER_VALUE",
)
check_raises(
    "a read beyond 1 MiB is refused",
    BadRequest,
    lambda: api.read("/sdk/stream", length=MIB + 1),
    error_code="MAX_READ_SIZE_EXCEEDED",
)
w.dbfs.upload("/sdk/large", io.BytesIO(material(MIB)))
check("a read gives 512 KiB unless told", api.read("/sdk/large").bytes_read, MIB // 2)
check_raises("a read of a directory is refused", BadRequest, lambda: api.read("/sdk"), error_code="INVALID_PARAMETER_VALUE")
check_raises("a negative offset is refused", BadRequest, lambda: api.read("/sdk/stream", offset=-1), error_code="INVALID_PARAMETER_VALUE")

api.put("/sdk/put", contents=base64.b64encode(b"first").decode())
check_raises(
    "put does not replace unless told",
    ResourceAlreadyExists,
    lambda: api.put("/sdk/put", contents="", overwrite=False),
    error_code="RESOURCE_ALREADY_EXISTS",
)
api.put("/sdk/put", contents=base64.b64encode(b"second").decode(), overwrite=True)
check("put replaces when told", base64.b64decode(api.read("/sdk/put").data), b"second")
check_raises(
    "a put beyond 1 MiB is refused",
    BadRequest,
    lambda: api.put("/sdk/put2", contents=base64.b64encode(bytes(MIB + 1)).decode()),
    error_code="MAX_BLOCK_SIZE_EXCEEDED",
)
check_raises(
    "create does not replace unless told",
    ResourceAlreadyExists,
    lambda: api.create("/sdk/put"),
    error_code="RESOURCE_ALREADY_EXISTS",
)
check_raises(
    "mkdirs below a file is refused",
    DatabricksError,
    lambda: api.mkdirs("/sdk/put/below"),
    error_code="RESOURCE_ALREADY_EXISTS",
)
for what, call in (
    ("get_status of nothing", lambda: api.get_status("/sdk/none")),
    ("list of nothing", lambda: list(api.list("/sdk/none"))),
    ("read of nothing", lambda: api.read("/sdk/none")),
    ("move of nothing", lambda: api.move("/sdk/none", "/sdk/none2")),
):
    error = check_raises(what, NotFound, call, error_code="RESOURCE_DOES_NOT_EXIST")
check_raises(
    "move does not replace",
    ResourceAlreadyExists,
    lambda: api.move("/sdk/stream", "/sdk/put"),
    error_code="RESOURCE_ALREADY_EXISTS",
)
check("delete of nothing is no error", api.delete("/sdk/none") or None, None)
check_raises(
    "delete of a full directory wants recursive",
    DatabricksError,
    lambda: api.delete("/sdk/sizes"),
    error_code="IO_ERROR",
)
check_raises(
    "a relative path is refused", BadRequest, lambda: api.get_status("sdk"), error_code="INVALID_PARAMETER_VALUE"
)

wrong = WorkspaceClient(host=w.config.host, token="dapi-wrong")
check_raises("a wrong token is refused", (PermissionDenied, Unauthenticated), wrong.current_user.me)
