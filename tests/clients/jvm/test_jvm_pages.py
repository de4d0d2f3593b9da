"""The pages for the JVM, each as it stands."""

import os
import re
import shlex
import shutil
import subprocess

import pytest

import console
import java
import pages


@pytest.mark.parametrize("page", ["java", "dts-sdk", "flink"])
def test_a_page_does_what_it_says(page, served, scratch):
    pages.does_what_it_says(page, served, scratch)


def test_the_page_of_the_console_tools_does_what_it_says(served, scratch):
    """Kafka's start scripts are not on Maven; each is one class with the tools' jars."""
    scripts = scratch / "bin"
    scripts.mkdir()
    for name, main in console.MAINS.items():
        script = scripts / f"{name}.sh"
        words = shlex.join(java.command(console.VERSIONS[0], main))
        script.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        script.chmod(0o755)
    page = scratch / "page"
    shutil.copytree(pages.PAGES / "console-tools", page)
    with served.new_login() as login:
        own = {"127.0.0.1:9092": served.broker, "reader-dtsgroupid": login.user, "dtsgroupid": login.group,
               "Secret_123": login.password, "shop": served.topic}
        for file in page.iterdir():
            file.write_text(re.sub("|".join(own), lambda found: own[found[0]], file.read_text()))
        done = subprocess.run(
            ["bash", "-euc", pages.first_block(page)], capture_output=True, text=True, errors="replace", timeout=240,
            cwd=page, stdin=subprocess.DEVNULL, env={**os.environ, "PATH": f"{scripts}:{os.environ['PATH']}"})
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert f"Topic: {served.topic}\t" in done.stdout
    assert f"{served.topic}:0:0" in done.stdout.splitlines()
    assert done.stdout.count("\tOffset:") == 10
