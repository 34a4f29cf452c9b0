"""fsspec's dbfs filesystem, which insists on https."""
# serve: tls

from urllib.parse import urlsplit

import fsspec
from checks import HOST, MIB, TOKEN, check, check_raises, material


def filesystem():
    """A new one: fsspec keeps listings."""
    return fsspec.filesystem(
        "dbfs", instance=urlsplit(HOST).netloc, token=TOKEN, skip_instance_cache=True
    )


fs = filesystem()
fs.makedirs("/spec/dir/sub")
fs.makedirs("/spec/dir/sub")
check("an empty directory lists nothing", fs.ls("/spec/dir/sub"), [])
check_raises("makedirs can refuse", FileExistsError, lambda: fs.makedirs("/spec/dir", exist_ok=False))

for size in (1, MIB - 1, MIB, MIB + 1, 4 * MIB + 7):
    data = material(size)
    with fs.open(f"/spec/f{size}", "wb") as f:
        f.write(data)
    with filesystem().open(f"/spec/f{size}", "rb") as f:
        check(f"a file of {size} bytes comes back", f.read() == data)
with filesystem().open(f"/spec/f{4 * MIB + 7}", "rb") as f:
    data = material(4 * MIB + 7)
    f.seek(3 * MIB - 5)
    check("seek and read", f.read(10) == data[3 * MIB - 5 : 3 * MIB + 5])
    f.seek(4 * MIB)
    check("read to the end", f.read() == data[4 * MIB :])

fs = filesystem()
check(
    "ls with details",
    [(e["name"], e["type"], e["size"]) for e in fs.ls("/spec")][:3],
    [("/spec/dir", "directory", 0), ("/spec/f1", "file", 1), (f"/spec/f{MIB}", "file", MIB)],
)
check("info", fs.info("/spec/f1")["size"], 1)
check("exists", (fs.exists("/spec/f1"), fs.exists("/spec/none")), (True, False))
check("find", fs.find("/spec/dir"), [])
check("glob", sorted(fs.glob("/spec/f1*")), [f"/spec/f1", f"/spec/f{MIB}", f"/spec/f{MIB - 1}", f"/spec/f{MIB + 1}"])
check_raises("ls of nothing", FileNotFoundError, lambda: fs.ls("/spec/none"))
check_raises("open of nothing", FileNotFoundError, lambda: fs.open("/spec/none", "rb"))

with fs.open("/spec/f1", "wb") as f:
    f.write(b"replaced")
check("writing replaces", filesystem().cat("/spec/f1"), b"replaced")
fs.mv("/spec/f1", "/spec/moved")
check("mv moves", filesystem().cat("/spec/moved"), b"replaced")
check_raises("mv does not replace", FileExistsError, lambda: fs.mv("/spec/moved", f"/spec/f{MIB}"))
check_raises("mv of nothing", FileNotFoundError, lambda: fs.mv("/spec/none", "/spec/x"))
check_raises("rm of a full directory", OSError, lambda: fs.rm("/spec"))
fs.rm("/spec/moved")
check("rm removes", filesystem().exists("/spec/moved"), False)
fs.rm("/spec", recursive=True)
check("rm of a tree", filesystem().exists("/spec"), False)

wrong = fsspec.filesystem("dbfs", instance=urlsplit(HOST).netloc, token="dapi-wrong", skip_instance_cache=True)
check_raises("a wrong token is refused", Exception, lambda: wrong.ls("/"))
