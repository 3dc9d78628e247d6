"""Checks OpenAPI descriptions with the validator of the python-openapi project.

usage: openapi_check.py openapi.json...

Exits with 0 when all are valid; prints one line per description.
"""

import json
import sys

from openapi_spec_validator import validate

assert sys.argv[1:], "nothing to check"
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        validate(json.load(file))
    print(f"ok   {path}")
