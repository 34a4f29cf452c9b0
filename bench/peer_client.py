"""What others' Python clients need for the same work: python peer.py CLIENT JOB
ARGUMENT...  Their import and set-up is not counted."""

import json
import os
import sys
import time
from urllib.parse import urlsplit

HOST, TOKEN = os.environ["DATABRICKS_HOST"], os.environ["DATABRICKS_TOKEN"]
MIB = 1 << 20


def sdk():
    """databricks-sdk, by one call after the other, as its functions are written."""
    import shutil

    from databricks.sdk import WorkspaceClient

    dbfs = WorkspaceClient(host=HOST, token=TOKEN).dbfs

    def download(path, local):
        with dbfs.download(path) as src, open(local, "wb") as dst:
            shutil.copyfileobj(src, dst, MIB)

    def upload(local, path):
        with open(local, "rb") as src:
            dbfs.upload(path, src, overwrite=True)

    def put_files(local, directory, count):
        for i in range(int(count)):
            upload(local, f"{directory}/{i}")

    def get_files(directory, local, count):
        for entry in list(dbfs.list(directory))[: int(count)]:
            download(entry.path, local)

    def walk(directory):
        for _ in dbfs.list(directory, recursive=True):
            pass

    return locals()


def fsspec():
    """fsspec's dbfs file system."""
    from fsspec import filesystem

    fs = filesystem(
        "dbfs", instance=urlsplit(HOST).netloc, token=TOKEN, skip_instance_cache=True
    )

    def download(path, local):
        fs.get_file(path, local)

    def upload(local, path):
        fs.put_file(local, path)

    def put_files(local, directory, count):
        for i in range(int(count)):
            fs.put_file(local, f"{directory}/{i}")

    def get_files(directory, local, count):
        for path in fs.ls(directory, detail=False)[: int(count)]:
            fs.get_file(path, local)

    def walk(directory):
        fs.find(directory)

    return locals()


if __name__ == "__main__":
    client, job, *args = sys.argv[1:]
    work = {"sdk": sdk, "fsspec": fsspec}[client]()[job]
    began = time.perf_counter()
    work(*args)
    print(json.dumps({"seconds": time.perf_counter() - began}))
