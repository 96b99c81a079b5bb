"""The environment of a run: versions, hardware, commit, and a digest of the code."""

import functools
import hashlib
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

import keras

import keras_ccar
from keras_ccar.benchmark.training import devices
from keras_ccar.replicas import process_count

_PACKAGE = Path(keras_ccar.__file__).parent
_PACKAGES = (
    "keras",
    "keras-hub",
    "tensorflow",
    "jax",
    "jaxlib",
    "torch",
    "numpy",
    "scikit-learn",
)
# What only shows results, or finds and counts the data, whose digest a run holds.
_NOT_HASHED = (
    "benchmark/cli/",
    "benchmark/comparison.py",
    "benchmark/report/",
    "benchmark/runner/",
    "benchmark/spec/ablations.py",
    "benchmark/spec/published.py",
    "datasets/",
    "files.py",
    "requirements.py",
    "serving/",
)
# What makes the pixels of streamed images out of theirs, which no digest holds.
_HASHED_ANYWAY = ("datasets/images/",)


def comparability_key(environment, recipe):
    """Returns what of an environment the numbers of a run depend on.

    They differ a little between backends and versions, and more than that when the
    code changed. Other hardware is recorded, but a plan may be finished on it; a batch
    that several devices share is summed up in another order.

    Args:
        environment: from `environment`.
        recipe: the `Recipe` of the run as a dict.
    """
    backend, versions = environment["backend"], environment["versions"]
    packages = ["keras_ccar", "keras", "numpy", backend]
    if recipe["model"].startswith("imagenet-"):
        packages.append("keras-hub")
    if recipe["image_size"]:  # Streamed by tf.data on every backend.
        packages.append("tensorflow")
    found = {
        "backend": backend,
        "versions": {name: versions[name] for name in packages if name in versions},
        "code": environment["code"],
    }
    if "devices" in environment["hardware"]:
        found["devices"] = environment["hardware"]["devices"]
    return found


@functools.cache
def current_environment():
    """Returns what a result depends on besides its configuration, as plain JSON.

    Looked up once: what runs is the code as it was when the process began.
    """
    return {
        "backend": keras.backend.backend(),
        "versions": versions(),
        "hardware": hardware(),
        "commit": commit(),
        "code": code_digest(),
    }


def versions():
    """Returns the versions of Python, of this package and of what it stands on."""
    found = {"python": platform.python_version(), "keras_ccar": keras_ccar.__version__}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def hardware():
    """Returns the processor, the cores this process may use, and the accelerators.

    And how many devices, of how many hosts, share every batch, if not one.
    """
    found = {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "accelerators": _accelerators(),
    }
    if devices.num_devices() > 1:
        found |= {"devices": devices.num_devices(), "hosts": process_count()}
    return found


def commit():
    """Returns the git commit that the package runs from, None if installed.

    The commit of a tree with uncommitted changes ends in `-dirty`. Results that are
    being measured anew are no such change.
    """

    def git(*arguments):
        return subprocess.run(
            ["git", "-C", str(_PACKAGE), *arguments],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    try:
        # An installed copy may lie below some other project's repository.
        git("ls-files", "--error-unmatch", "__init__.py")
        but_results = (":(top)", ":(top,exclude)benchmarks/results")
        dirty = git("status", "--porcelain", "--untracked-files=no", "--", *but_results)
        return git("rev-parse", "HEAD") + ("-dirty" if dirty else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def code_digest():
    """Returns a digest of those source files that can change what a run gives."""
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        name = path.relative_to(_PACKAGE).as_posix()
        if name.startswith(_HASHED_ANYWAY) or not name.startswith(_NOT_HASHED):
            digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _processor():
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _accelerators():
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return [
            tf.config.experimental.get_device_details(device).get(
                "device_name", device.name
            )
            for kind in ("GPU", "TPU")
            for device in tf.config.list_physical_devices(kind)
        ]
    if backend == "jax":
        import jax

        return [d.device_kind for d in jax.devices() if d.platform != "cpu"]
    if backend == "torch":
        import torch

        return [
            torch.cuda.get_device_name(index)
            for index in range(torch.cuda.device_count())
        ]
    return []
