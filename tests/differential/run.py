"""Has every script with Wellhead and with the newest Kafka that speaks its versions."""

import concurrent.futures
import traceback

from . import compare, peer, schema, scripts

AT_ONCE = 8


class Broken(AssertionError):
    """A script could not be had with one side at all."""


def all_scripts(wellhead, kafkas, chosen=scripts.ALL):
    """Every difference; `kafkas` are from the newest to the oldest."""
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        running = [pool.submit(_compared, script, wellhead, kafka, versions)
                   for script in chosen for kafka, versions in _ages(script, wellhead, kafkas)]
        return [difference for one in running for difference in one.result()]


def spoken(wellhead, kafka):
    """What both speak: {api: versions}."""
    both = {}
    for api, ours in wellhead.ranges.items():
        theirs = kafka.ranges.get(api, schema.NONE)
        common = schema.Versions(max(ours.first, theirs.first), min(ours.last, theirs.last))
        if common.first <= common.last:
            both[api] = common
    return both


def tables(wellhead, kafkas):
    """The tables of versions beside each other, as differences: the newest Kafka's, and that of any older one where it
    speaks more."""
    newest = kafkas[0]
    found = []
    for api in dict.fromkeys((*newest.ranges, *wellhead.ranges)):
        theirs, ours = _spelled(newest.ranges.get(api)), _spelled(wellhead.ranges.get(api))
        if theirs != ours:
            found.append(compare.Difference(newest.name, "versions", "spoken", api, 0, "", theirs, ours))
    return found


def _spelled(versions):
    return f"{versions.first}-{versions.last}" if versions else "-"


def _ages(script, wellhead, kafkas):
    """Each combination of versions with the newest Kafka that speaks it."""
    had = set()
    for kafka in kafkas:
        both = spoken(wellhead, kafka)
        if not both.keys() >= set(script.apis):
            # That is a difference between the tables of versions, and told there.
            continue
        both |= {api: schema.Versions(max(first, both[api].first), both[api].last)
                 for api, first in script.since.items()}
        for versions in scripts.versions(both, script.apis) if script.apis else [{}]:
            new = {(api, version) for api, version in versions.items()} - had
            if new or (not versions and kafka is kafkas[0]):
                yield kafka, versions
            had |= new


def _compared(script, wellhead, kafka, versions):
    theirs, ours = ((_talk(script, side, versions), compare.Names(side.names, side.epochs))
                    for side in (kafka, wellhead))
    return compare.differences(kafka.name, script.name, theirs, ours)


def _talk(script, side, versions):
    with peer.Talk(side, script, versions) as talk:
        try:
            script.run(talk)
        except Exception as failure:
            last = "\n".join(map(str, talk.steps[-3:]))
            raise Broken(f"{script.name} {versions} with {side.name}:\n{traceback.format_exc()}\n{last}") from failure
    return talk.steps
