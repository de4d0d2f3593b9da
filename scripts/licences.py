"""Compares the licence of every dependency with the list in `deny.toml`, from what cargo itself knows.

Dual licences (`A OR B`, and the older `A/B`) need one allowed side; `A AND B` needs both.
"""

import json
import re
import subprocess
import sys
import tomllib


def main():
    with open("deny.toml", "rb") as file:
        policy = tomllib.load(file)["licenses"]
    allowed = set(policy["allow"])
    exceptions = {item["crate"]: set(item["allow"]) for item in policy.get("exceptions", [])}
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", "x86_64-unknown-linux-gnu"]
    packages = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["packages"]

    refused = []
    for package in packages:
        names = allowed | exceptions.get(package["name"], set())
        expression = package["license"] or ""
        if not satisfied(expression, names):
            refused.append(f"  {package['name']} {package['version']}: {expression or 'no licence named'}")
        if package["source"] and not package["source"].startswith("registry+"):
            refused.append(f"  {package['name']} {package['version']}: comes from {package['source']}")
    if refused:
        print("not allowed by deny.toml:", *refused, sep="\n", file=sys.stderr)
        return 1
    print(f"{len(packages)} packages, all under allowed licences")
    return 0


def satisfied(expression, names):
    """Whether the names allow an SPDX expression."""
    words = re.findall(r"\(|\)|[^\s()]+", expression.replace("/", " OR "))
    value, rest = _either(words, names)
    return value and not rest


def _either(words, names):
    value, words = _both(words, names)
    while words and words[0] == "OR":
        right, words = _both(words[1:], names)
        value = value or right
    return value, words


def _both(words, names):
    value, words = _one(words, names)
    while words and words[0] == "AND":
        right, words = _one(words[1:], names)
        value = value and right
    return value, words


def _one(words, names):
    if not words:
        return False, []
    if words[0] == "(":
        value, words = _either(words[1:], names)
        return value, words[1:]
    name, words = words[0], words[1:]
    if words[:1] == ["WITH"]:
        name, words = f"{name} WITH {words[1]}", words[2:]
    return name in names, words


if __name__ == "__main__":
    sys.exit(main())
