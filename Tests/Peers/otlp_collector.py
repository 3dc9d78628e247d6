"""Takes spans by OTLP over HTTP and keeps each as a line of JSON; tells whether a trace is whole.

usage: otlp_collector.py serve --port 4318 --out spans.jsonl [--fail-first N]
       otlp_collector.py check spans.jsonl --root "POST /v1/sdk/events" [--service NAME]... [--span NAME]...
                               [--within SECONDS]

`check` exits with 0 as soon as one trace begins with the root span and has, below it, a span of
every service and of every name given, each with its parent among the trace's spans. It waits for it.
Requests are read with the messages of the `opentelemetry-proto` package; what those refuse gets 400.
"""

import argparse
import gzip
import http.server
import json
import sys
import time

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.trace.v1 import trace_pb2


def value(any_value):
    kind = any_value.WhichOneof("value")
    return None if kind is None else getattr(any_value, kind)


def attributes(pairs):
    return {pair.key: value(pair.value) for pair in pairs}


def spans(request):
    for group in request.resource_spans:
        resource = attributes(group.resource.attributes)
        for scoped in group.scope_spans:
            for span in scoped.spans:
                if len(span.trace_id) != 16 or len(span.span_id) != 8:
                    raise ValueError("an id has a wrong length")
                if len(span.parent_span_id) not in (0, 8):
                    raise ValueError("a parent's id has a wrong length")
                if not span.name or span.end_time_unix_nano < span.start_time_unix_nano:
                    raise ValueError("a span has no name or ends before it begins")
                yield {
                    "service": resource["service.name"],
                    "scope": scoped.scope.name,
                    "trace_id": span.trace_id.hex(),
                    "span_id": span.span_id.hex(),
                    "parent_span_id": span.parent_span_id.hex() or None,
                    "name": span.name,
                    "kind": trace_pb2.Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
                    "start": span.start_time_unix_nano,
                    "end": span.end_time_unix_nano,
                    "attributes": attributes(span.attributes),
                    "status": trace_pb2.Status.StatusCode.Name(span.status.code).removeprefix(
                        "STATUS_CODE_"
                    ),
                    "flags": span.flags,
                }


def serve(options):
    remaining_failures = options.fail_first

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            nonlocal remaining_failures
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            if remaining_failures > 0:
                remaining_failures -= 1
                return self.answer(503)
            if self.path != "/v1/traces":
                return self.answer(404)
            if self.headers["Content-Type"] != "application/x-protobuf":
                return self.answer(415)
            request = trace_service_pb2.ExportTraceServiceRequest()
            try:
                request.ParseFromString(body)
                lines = [json.dumps(span) for span in spans(request)]
            except (DecodeError, ValueError, KeyError) as error:
                print(f"refused: {error}", file=sys.stderr, flush=True)
                return self.answer(400)
            # What the messages do not know would be a mistake in our numbering.
            if request.SerializeToString(deterministic=True) != canonical(body):
                print("refused: unknown fields", file=sys.stderr, flush=True)
                return self.answer(400)
            with open(options.out, "a") as out:
                out.writelines(line + "\n" for line in lines)
            self.answer(200, trace_service_pb2.ExportTraceServiceResponse().SerializeToString())

        def answer(self, status, body=b""):
            self.send_response(status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    print(f"listening on {server.server_port}", flush=True)
    server.serve_forever()


def canonical(body):
    """The same request without fields that the messages do not know, at any depth."""
    request = trace_service_pb2.ExportTraceServiceRequest()
    request.ParseFromString(body)
    request.DiscardUnknownFields()
    return request.SerializeToString(deterministic=True)


def whole(trace, root, services, names):
    by_id = {span["span_id"]: span for span in trace}
    roots = [span for span in trace if span["name"] == root]
    if not roots:
        return False

    def is_below(span):
        seen = set()
        while span["span_id"] not in seen:
            if span["name"] == root:
                return True
            seen.add(span["span_id"])
            parent = by_id.get(span["parent_span_id"])
            if parent is None:
                return False
            span = parent
        return False

    below = [span for span in trace if is_below(span)]
    return set(services) <= {span["service"] for span in below} and set(names) <= {
        span["name"] for span in below
    }


def check(options):
    end = time.monotonic() + options.within
    while True:
        traces = {}
        try:
            with open(options.file) as file:
                for line in file:
                    if line.endswith("\n"):
                        span = json.loads(line)
                        traces.setdefault(span["trace_id"], []).append(span)
        except FileNotFoundError:
            pass
        for trace_id, trace in traces.items():
            if whole(trace, options.root, options.service, options.span):
                for span in sorted(trace, key=lambda span: span["start"]):
                    print(f"{span['service']:24} {span['kind']:9} {span['name']}")
                print(f"ok {trace_id}")
                return
        if time.monotonic() > end:
            best = max(traces.values(), key=len, default=[])
            for span in sorted(best, key=lambda span: span["start"]):
                print(f"{span['service']:24} {span['kind']:9} {span['name']}")
            sys.exit(f"no trace of {len(traces)} leads from '{options.root}' to all that is asked")
        time.sleep(0.2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    serving = commands.add_parser("serve")
    serving.add_argument("--port", type=int, default=4318)
    serving.add_argument("--out", required=True)
    serving.add_argument("--fail-first", type=int, default=0)
    serving.set_defaults(run=serve)
    checking = commands.add_parser("check")
    checking.add_argument("file")
    checking.add_argument("--root", required=True)
    checking.add_argument("--service", action="append", default=[])
    checking.add_argument("--span", action="append", default=[])
    checking.add_argument("--within", type=float, default=30)
    checking.set_defaults(run=check)
    options = parser.parse_args()
    options.run(options)


main()
