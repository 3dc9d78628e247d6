"""Takes spans by OTLP over HTTP and adds each to a file as a line of JSON.

usage: otlp_collector.py --port 4318 --out spans.jsonl

Requests are read with the messages of the `opentelemetry-proto` package; what those refuse or do not
know gets 400.
"""

import argparse
import gzip
import http.server
import json
import sys
import threading

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
    lock = threading.Lock()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
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
            with lock, open(options.out, "a") as out:
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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=4318)
    parser.add_argument("--out", required=True)
    serve(parser.parse_args())


main()
