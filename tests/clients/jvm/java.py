"""How programs of this folder are started: few threads, quick to start, on the jars of one program of jars.txt."""

from harness import paths

HERE = paths.TESTS / "clients" / "jvm"
BUILT = paths.CACHE / "clients"
OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-Xmx256m")


def jars(program):
    """The class path of a program."""
    return f"{BUILT / 'jvm' / program}/*"


def command(program, main, *arguments, classes=None, options=()):
    """Runs a class with a program's jars, and the classes that `install` compiled for it."""
    path = ":".join(filter(None, (str(BUILT / classes) if classes else None, jars(program))))
    return ("java", *OPTIONS, *options, "-cp", path, main, *map(str, arguments))


def versions(family):
    """The names of jars.txt that begin so."""
    lines = (HERE / "jars.txt").read_text().splitlines()
    return [line.split()[0] for line in lines if line.startswith(f"{family}-")]
