"""What crashes and people leave in the folder of a log: torn ends, half-written files, spoiled indexes.

Everything here is done while nobody has the log open, and nothing of it touches an acknowledged record.
"""

import shutil

from . import witness

INDEXES = ("index", "timeindex")


class LogFolder:
    """The files of one partition."""

    def __init__(self, data, topic):
        self.path = data / "log" / topic / "0"

    def segments(self):
        """The segments, oldest first; the last one is the active one."""
        return sorted(self.path.glob("*.log"))

    def indexes(self):
        """The indexes of the closed segments."""
        return sorted(path for kind in INDEXES for path in self.path.glob(f"*.{kind}"))

    def size(self):
        """Bytes of all segments; safe to ask while the server runs."""
        return sum(path.stat().st_size for path in self.segments())

    def whole(self):
        """The active segment, and the batches and bytes at its beginning that are whole."""
        active = self.segments()[-1]
        content = active.read_bytes()
        return active, list(witness.batches_of(content)), b"".join(split(content))


def without_an_index(folder, dice):
    """Some indexes are gone."""
    for path in _some(folder.indexes(), dice):
        path.unlink()


def cut_index(folder, dice):
    """An index ends too early."""
    for path in _some(folder.indexes(), dice):
        content = path.read_bytes()
        path.write_bytes(content[: dice.randrange(len(content))])


def spoiled_index(folder, dice):
    """A bit of an index has changed."""
    for path in _some(folder.indexes(), dice):
        content = bytearray(path.read_bytes())
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
        path.write_bytes(content)


def foreign_index(folder, dice):
    """A segment has the indexes of another one."""
    closed = folder.segments()[:-1]
    if len(closed) < 2:
        return
    one, other = dice.sample(closed, 2)
    for kind in INDEXES:
        shutil.copy(one.with_suffix(f".{kind}"), other.with_suffix(f".{kind}"))


def half_written_files(folder, dice):
    """Files that were to be renamed, and indexes of a segment that was never begun."""
    for name in ("partition.meta.tmp", "00000000000000000000.index.tmp", "00000000000000000000.timeindex.tmp"):
        (folder.path / name).write_bytes(dice.randbytes(dice.randrange(100)))
    (folder.path / "00000000009999999999.index").write_bytes(dice.randbytes(100))


def garbage_at_the_end(folder, dice):
    """The file grew, and what was to be written there did not come."""
    count = dice.choice((1, 11, 60, 61, 4096, 100_000))
    with open(folder.segments()[-1], "ab") as active:
        active.write(dice.choice((bytes(count), dice.randbytes(count))))


def half_a_batch_at_the_end(folder, dice):
    """The next batch is there, but not all of it."""
    active, batches, content = folder.whole()
    if not batches:
        return
    # The last batch again, with the offset that the next one would have.
    *_, last = split(content)
    again = batches[-1].next.to_bytes(8, "big") + last[8:]
    with open(active, "ab") as file:
        file.write(again[: dice.randrange(1, len(again))])


def new_segment_without_a_batch(folder, dice):
    """The next segment was begun, and nothing came into it."""
    _, batches, content = folder.whole()
    active = folder.segments()[-1]
    if batches and len(content) == active.stat().st_size:
        (folder.path / f"{batches[-1].next:020}.log").touch()


ALL = (
    without_an_index,
    cut_index,
    spoiled_index,
    foreign_index,
    half_written_files,
    garbage_at_the_end,
    half_a_batch_at_the_end,
    new_segment_without_a_batch,
)


def split(content):
    """The bytes of each whole batch at the beginning of some bytes."""
    at = 0
    while at + witness.BATCH_HEAD.size <= len(content):
        end = at + witness.UNCOUNTED + witness.BATCH_HEAD.unpack_from(content, at)[1]
        if end > len(content):
            return
        yield content[at:end]
        at = end


def _some(paths, dice):
    return dice.sample(paths, dice.randrange(min(len(paths), 4) + 1))
