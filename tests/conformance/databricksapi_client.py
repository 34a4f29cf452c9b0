"""databricksapi, a client by somebody else: JSON bodies on GET, answers as they
are, misspelt members that a server has to bear."""
# serve: plain

import base64

from checks import HOST, MIB, TOKEN, check, check_in, material
from databricksapi import DBFS

dbfs = DBFS.DBFS(HOST, TOKEN)


def text(data):
    return base64.b64encode(data).decode()


check("makeDirs", dbfs.makeDirs("/other/dir"), {})
check("an empty directory is an empty answer", dbfs.listFiles("/other/dir"), {})

data = material(MIB)
handle = dbfs.createFile("/other/file", False)["handle"]
check("addBlock", dbfs.addBlock(text(data), handle), {})
check("addBlock again", dbfs.addBlock(text(b"end"), handle), {})
check("closeStream", dbfs.closeStream(handle), {})
status = dbfs.getStatus("/other/file")
check("getStatus has four members", sorted(status), ["file_size", "is_dir", "modification_time", "path"])
check("... and the size", status["file_size"], MIB + 3)
answer = dbfs.readFiles("/other/file", 0, MIB)
check("readFiles gives both members", sorted(answer), ["bytes_read", "data"])
check("... the bytes", base64.b64decode(answer["data"]) == data)
check("... to the end", base64.b64decode(dbfs.readFiles("/other/file", MIB, MIB)["data"]), b"end")
check("a read at the end keeps its members", dbfs.readFiles("/other/file", MIB + 3, 10), {"bytes_read": 0, "data": ""})
error = dbfs.readFiles("/other/file", MIB + 4, 10)
check("a read behind the end", error["error_code"], "INVALID_PARAMETER_VALUE")
check_in("... in the service's words", f"Found offset = {MIB + 4}", error["message"])
check("a read beyond 1 MiB", dbfs.readFiles("/other/file", 0, MIB + 1)["error_code"], "MAX_READ_SIZE_EXCEEDED")

check("putFiles with contents", dbfs.putFiles("/other/put", False, None, text(b"put")), {})
check("... not twice", dbfs.putFiles("/other/put", False, None, text(b"put"))["error_code"], "RESOURCE_ALREADY_EXISTS")
large = material(3 * MIB + 1)
for field in ("file", "contents", "filedata", "content"):
    check(f"putFiles of a form, field {field}", dbfs.putFiles("/other/form", True, {field: ("name", large)}), {})
    check("... its size", dbfs.getStatus("/other/form")["file_size"], len(large))
    check("... its bytes", base64.b64decode(dbfs.readFiles("/other/form", 2 * MIB, MIB)["data"]) == large[2 * MIB : 3 * MIB])
check(
    "a form does not replace unless told",
    dbfs.putFiles("/other/form", False, {"file": ("name", b"x")})["error_code"],
    "RESOURCE_ALREADY_EXISTS",
)

listing = dbfs.listFiles("/other")["files"]
check("listFiles", [f["path"] for f in listing], ["/other/dir", "/other/file", "/other/form", "/other/put"])
check("a directory has size 0", (listing[0]["is_dir"], listing[0]["file_size"]), (True, 0))

# This client says "recurisve" and "target_path".
error = dbfs.deleteFile("/other", True)
check("an unknown member counts for nothing", error["error_code"], "IO_ERROR")
check("a missing member is refused", dbfs.moveFiles("/other/put", "/other/put2")["error_code"], "INVALID_PARAMETER_VALUE")
check("... and nothing moved", dbfs.getStatus("/other/put")["file_size"], 3)
check("deleteFile", dbfs.deleteFile("/other/put", False), {})
check("deleteFile of nothing", dbfs.deleteFile("/other/put", False), {})
error = dbfs.getStatus("/other/put")
check("getStatus of nothing", error["error_code"], "RESOURCE_DOES_NOT_EXIST")
check_in("... in the service's words", "No file or directory exists on path", error["message"])
