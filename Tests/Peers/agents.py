"""Writes the list of bots that event-service knows, from the package crawler-user-agents.

usage: agents.py FILE         writes the list
       agents.py --bots       prints real agents of bots as a JSON list
       agents.py --read FILE  reads agents (a JSON list) with the package ua-parser, prints what they are

Event-service looks for literals, all at once and in linear time, so the few patterns of that list
that are more than a literal are written out here. Each line is `literal|category`; a `^`
before the literal means that an agent begins with it.
"""

import importlib.metadata
import json
import pathlib
import re
import sys

import crawleruseragents
import ua_parser

# Ends of a literal that say little (`ds9` is part of a phone's name).
SHORTEST = 4
# Parts of the names of phones, televisions and browsers.
AMBIGUOUS = {"sonic", "butterfly", "fluid", "speedy", "008/"}
# Patterns that are more than a literal with either case of a letter, and what stands for them.
WRITTEN_OUT = {
    r"(sistrix|SISTRIX) [cC]rawler": ["sistrix crawler"],
    r"Ahrefs(Bot|SiteAudit)": ["ahrefsbot", "ahrefssiteaudit"],
    r"(^| )sentry\/": ["^sentry/", " sentry/"],
    r"(^| )PTST\/": ["^ptst/", " ptst/"],
    r"AdsBot-Google([^-]|$)": ["adsbot-google"],
    r"BlogTraffic\/\d\.\d+ Feed-Fetcher": ["blogtraffic/"],
    r"Automaton|Newsify Feed Fetcher": ["automaton", "newsify feed fetcher"],
    r"Chirp|gotosocial": ["chirp", "gotosocial"],
    r"ContextualBot[\s\S]*outcomes\.net": ["contextualbot"],
    r"Current[\s\S]*RSS Reader": ["current rss reader"],
    r"Netumo|netumo": ["netumo"],
    r"Spider[\s\S]*spider\.com": [],
    # A browser of tablets.
    r"^Silk\/": [],
}


def literals(pattern):
    """What an agent that fits the pattern contains, in small letters."""
    if pattern in WRITTEN_OUT:
        return WRITTEN_OUT[pattern]
    text = re.sub(r"\[([A-Za-z])([A-Za-z])\]", r"\1", pattern)
    start = "^" if text.startswith("^") else ""
    text = text.removeprefix("^").removesuffix("$")
    bare = re.sub(r"\\[./\-\s()+!]", "", text)
    if re.search(r"[\[\](){}|*+?^$\\]", bare):
        raise SystemExit(f"write out the pattern {pattern}")
    text = re.sub(r"\\(.)", r"\1", text).lower()
    if len(text) < SHORTEST and not text.endswith("/"):
        return []
    return [start + text]


def entries():
    folder = pathlib.Path(crawleruseragents.__file__).parent
    return json.loads((folder / "crawler-user-agents.json").read_text())


def lines():
    for entry in entries():
        tags = entry.get("tags", [])
        category = "http-library" if "http-library" in tags else (tags or ["other"])[0]
        for literal in literals(entry["pattern"]):
            if literal not in AMBIGUOUS:
                yield literal, category


def write(path):
    found = {}
    for literal, category in lines():
        found.setdefault(literal, category)
    version = importlib.metadata.version("crawler-user-agents")
    head = [
        f"# From crawler-user-agents {version} (MIT, github.com/monperrus/crawler-user-agents),",
        "# by Tests/Peers/agents.py: literal|category.",
    ]
    body = [f"{literal}|{category}" for literal, category in sorted(found.items())]
    pathlib.Path(path).write_text("\n".join(head + body) + "\n")


def bots():
    return [agent for entry in entries() if "http-library" not in entry.get("tags", [])
            for agent in entry["instances"]]


def read(path):
    for agent in json.loads(pathlib.Path(path).read_text()):
        found = ua_parser.parse(agent)
        browser, system = found.user_agent, found.os
        yield {
            "browser": browser and browser.family, "major": browser and browser.major,
            "os": system and system.family,
        }


if sys.argv[1] == "--bots":
    print(json.dumps(bots()))
elif sys.argv[1] == "--read":
    print(json.dumps(list(read(sys.argv[2]))))
else:
    write(sys.argv[1])
