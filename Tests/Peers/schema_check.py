"""Holds values against a JSON Schema with the PyPI package jsonschema.

usage: schema_check.py FILE

FILE is {"schema": …, "values": […]}; prints a JSON list of true and false. Fails when the schema is none.
"""

import json
import pathlib
import sys

from jsonschema import Draft202012Validator

document = json.loads(pathlib.Path(sys.argv[1]).read_text())
Draft202012Validator.check_schema(document["schema"])
validator = Draft202012Validator(document["schema"])
print(json.dumps([validator.is_valid(value) for value in document["values"]]))
