"""A web application as there are many: threads, a pool of processes, a database, temporary files, programs it calls."""
import ctypes
import hashlib
import json
import mmap
import multiprocessing
import os
import sqlite3
import ssl
import subprocess
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

database = "/var/lib/app.db"


def digest(number):
    return hashlib.sha256(str(number).encode()).hexdigest()


def count():
    with sqlite3.connect(database, timeout=30) as connection:
        connection.execute("create table if not exists visits (at text)")
        connection.execute("insert into visits values (datetime())")
        return connection.execute("select count(*) from visits").fetchone()[0]


def sort_natively():
    """libffi makes code at run time for the callback."""
    compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
    numbers = (ctypes.c_int * 3)(3, 1, 2)
    ctypes.CDLL("libc.so.6").qsort(numbers, 3, ctypes.sizeof(ctypes.c_int), compare(lambda a, b: a[0] - b[0]))
    return list(numbers)


def report():
    with tempfile.NamedTemporaryFile() as file, mmap.mmap(-1, 4096) as shared:
        file.write(shared.read(16))
        file.flush()
        return subprocess.run(["/bin/sh", "-c", f"sha256sum {file.name}; df -h /"], capture_output=True, check=True).stdout


def answer(path, pool):
    if path == "/visits":
        return json.dumps(count()).encode()
    if path == "/digests":
        return json.dumps(pool.map(digest, range(20))).encode()
    if path == "/sort":
        return json.dumps(sort_natively()).encode()
    if path == "/report":
        return report()
    return ssl.OPENSSL_VERSION.encode()


if __name__ == "__main__":
    multiprocessing.set_start_method("forkserver")
    pool = multiprocessing.Pool(2)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = answer(self.path, pool)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    os.umask(0o027)
    ThreadingHTTPServer(("127.0.0.1", 8000), Handler).serve_forever()
