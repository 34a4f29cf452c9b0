"""fsspec's dbfs filesystem, which insists on https."""
# serve: tls

from urllib.parse import urlsplit

import fsspec
from checks import HOST, MIB, TOKEN, check, check_in, check_raises, material


# Not at the top: fsspec asks for the parent of a top directory as "".
def filesystem():
    """A new one: fsspec keeps listings."""
    return fsspec.filesystem(
        "dbfs", instance=urlsplit(HOST).netloc, token=TOKEN, skip_instance_cache=True
    )


fs = filesystem()
fs.makedirs("/top/spec/dir/sub")
fs.makedirs("/top/spec/dir/sub")
check("an empty directory lists nothing", fs.ls("/top/spec/dir/sub"), [])
check_raises("makedirs can refuse", FileExistsError, lambda: fs.makedirs("/top/spec/dir", exist_ok=False))

for size in (1, MIB - 1, MIB, MIB + 1, 4 * MIB + 7):
    data = material(size)
    with fs.open(f"/top/spec/f{size}", "wb") as f:
        f.write(data)
    with filesystem().open(f"/top/spec/f{size}", "rb") as f:
        check(f"a file of {size} bytes comes back", f.read() == data)
with filesystem().open(f"/top/spec/f{4 * MIB + 7}", "rb") as f:
    data = material(4 * MIB + 7)
    f.seek(3 * MIB - 5)
    check("seek and read", f.read(10) == data[3 * MIB - 5 : 3 * MIB + 5])
    f.seek(4 * MIB)
    check("read to the end", f.read() == data[4 * MIB :])

fs = filesystem()
check(
    "ls with details",
    [(e["name"], e["type"], e["size"]) for e in fs.ls("/top/spec")][:3],
    [("/top/spec/dir", "directory", 0), ("/top/spec/f1", "file", 1), (f"/top/spec/f{MIB - 1}", "file", MIB - 1)],
)
check("info", fs.info("/top/spec/f1")["size"], 1)
check("exists", (fs.exists("/top/spec/f1"), fs.exists("/top/spec/none")), (True, False))
check("find", fs.find("/top/spec/dir"), [])
check("glob", sorted(fs.glob("/top/spec/f1*")), sorted(f"/top/spec/f{n}" for n in (1, MIB - 1, MIB, MIB + 1)))
check_raises("ls of nothing", FileNotFoundError, lambda: fs.ls("/top/spec/none"))
check_raises("open of nothing", FileNotFoundError, lambda: fs.open("/top/spec/none", "rb"))

with fs.open("/top/spec/f1", "wb") as f:
    f.write(b"replaced")
check("writing replaces", filesystem().cat("/top/spec/f1"), b"replaced")
fs.mv("/top/spec/f1", "/top/spec/moved")
check("mv moves", filesystem().cat("/top/spec/moved"), b"replaced")
check_raises("mv does not replace", FileExistsError, lambda: fs.mv("/top/spec/moved", f"/top/spec/f{MIB}"))
check_raises("mv of nothing", FileNotFoundError, lambda: fs.mv("/top/spec/none", "/top/spec/x"))
check_raises("rm of a full directory", OSError, lambda: fs.rm("/top/spec"))
fs.rm("/top/spec/moved")
check("rm removes", filesystem().exists("/top/spec/moved"), False)
fs.rm("/top/spec", recursive=True)
check("rm of a tree", filesystem().exists("/top/spec"), False)

wrong = fsspec.filesystem("dbfs", instance=urlsplit(HOST).netloc, token="dapi-wrong", skip_instance_cache=True)
error = check_raises("a wrong token is refused", Exception, lambda: wrong.ls("/"))
check_in("... in the service's words", "Invalid access token", str(error))
