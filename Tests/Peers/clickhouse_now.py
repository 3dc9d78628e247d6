"""Today's ClickHouse (chdb from the Python Package Index) behind the part of its HTTP interface that
Grapevine uses, so that the same SQL runs on it as on Debian's.

    clickhouse_now.py PORT

Goes on until it is ended. chdb has no server, one session and one thread at a time."""

import gzip
import os
import re
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from chdb import session


class Engine:
    def __init__(self, directory):
        self.directory = directory
        self.lock = threading.Lock()
        self.session = session.Session(os.path.join(directory, "data"))
        # What Grapevine asks for with each request.
        self.session.query("SET output_format_json_quote_64bit_integers = 1")

    def run(self, statement, rows, database):
        with self.lock:
            self.session.query(f"USE {database}")
            if rows is None:
                return self.session.query(statement, "JSON").bytes()
            path = os.path.join(self.directory, "rows")
            with open(path, "wb") as file:
                file.write(rows)
            head, count = re.subn(r"FORMAT RowBinary\s*$", "", statement)
            assert count == 1, statement
            return self.session.query(f"{head} FROM INFILE '{path}' FORMAT RowBinary").bytes()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        parameters = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        statement, rows = parameters.get("query"), body
        if statement is None:
            statement, rows = body.decode(), None
        try:
            answer, status = ENGINE.run(statement, rows, parameters.get("database", "default")), 200
        except Exception as error:
            answer, status = str(error).encode(), 500
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments):
        pass


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        ENGINE = Engine(place)
        ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
