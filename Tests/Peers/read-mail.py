"""Reads the .eml files of a directory with Python's e-mail package; prints a JSON array."""

import email
import email.policy
import json
import os
import sys


def read(path):
    with open(path, "rb") as file:
        content = file.read()
    message = email.message_from_bytes(content, policy=email.policy.default)
    headers, parts, defects = {}, {}, [str(defect) for defect in message.defects]
    for name, value in message.items():
        headers.setdefault(name.lower(), []).append(str(value))
        defects += [f"{name}: {defect}" for defect in getattr(value, "defects", ())]
    for part in message.walk():
        defects += [str(defect) for defect in part.defects]
        if not part.is_multipart():
            parts[part.get_content_type()] = part.get_content()
    return {
        "headers": headers,
        "parts": parts,
        "defects": defects,
        "longestLine": max(len(line) for line in content.split(b"\r\n")),
        "isASCII": content.isascii() and b"\n" not in content.replace(b"\r\n", b""),
    }


directory = sys.argv[1]
names = sorted(name for name in os.listdir(directory) if name.endswith(".eml"))
print(json.dumps([read(os.path.join(directory, name)) for name in names]))
