"""What the peers are made of: a Java, jars, and our own small programs compiled on them, all in the tests' cache."""

import hashlib
import re
import subprocess
import tempfile
from pathlib import Path

from harness import database, paths

from . import Failed

HERE = Path(__file__).resolve().parent
JAVA = HERE / "java"
ROOT = paths.CACHE / "java-21"
CLASSES = paths.CACHE / "peer-classes"


def install(*names):
    """Brings in parts that `install` knows."""
    done = subprocess.run([HERE / "install", *names], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise Failed(f"bench/peers/install {' '.join(names)}: {done.stderr.strip()}")


def program(name):
    """The command that starts one of the JDK's programs."""
    return database.root_program(ROOT, next(ROOT.glob(f"usr/lib/jvm/java-21-openjdk-*/bin/{name}")).relative_to(ROOT))


def jars(part):
    """The folder of jars that `install` made for this part."""
    return paths.JARS / f"peer-{part}"


def version(part, stem):
    """The version of one of its jars, from its name."""
    names = [jar.name for jar in jars(part).glob(f"{stem}-*.jar")]
    found = [match[1] for name in names if (match := re.fullmatch(rf"{re.escape(stem)}-(\d.*)\.jar", name))]
    if len(found) != 1:
        raise Failed(f"{jars(part)} has {names or 'nothing'} for {stem}")
    return found[0]


def java_version():
    """As Java says it."""
    said = subprocess.run([*program("java"), "-version"], capture_output=True, text=True, check=True).stderr
    return re.search(r'"([^"]+)"', said)[1]


def compiled(part, *sources):
    """The class path of a program of our own: these sources, compiled on the jars of this part."""
    files = [JAVA / source for source in sources]
    stamps = sorted(stamp.name for stamp in jars(part).glob("*.complete"))
    recipe = b"".join(file.read_bytes() for file in files) + repr((part, stamps)).encode()
    classes = CLASSES / hashlib.sha256(recipe).hexdigest()[:16]
    path = f"{jars(part)}/*"
    if not classes.exists():
        CLASSES.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CLASSES) as fresh:
            subprocess.run([*program("javac"), "-nowarn", "-proc:none", "-cp", path, "-d", f"{fresh}/made", *files],
                           check=True)
            Path(fresh, "made").rename(classes)
    return f"{classes}:{path}"
