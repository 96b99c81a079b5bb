"""The environment of a run: versions, hardware, commit, and a digest of the code."""

import contextlib
import copy
import functools
import hashlib
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import keras

from keras_ccar.benchmark.spec.recipes import BACKBONE
from keras_ccar.benchmark.training import devices
from keras_ccar.replicas import process_count

_PACKAGE = Path(__file__).parents[2]
_PACKAGES = (
    "keras_ccar",
    "keras",
    "keras-hub",
    "tensorflow",
    "jax",
    "jaxlib",
    "torch",
    "numpy",
    "scikit-learn",
)
# These files plan, keep and show runs, or find and count the data, whose digest is part
# of a run's identity.
_NOT_HASHED = (
    "benchmark/cli/",
    "benchmark/comparison.py",
    "benchmark/own_data/",
    "benchmark/python_api.py",
    "benchmark/report/",
    "benchmark/results_checks.py",
    "benchmark/results_format.py",
    "benchmark/runner/",
    "benchmark/spec/ablations.py",
    "benchmark/spec/published.py",
    "benchmark/statistics/",
    "datasets/",
    "files.py",
    "json_checks.py",
    "requirements.py",
    "serving/",
)
# These decode streamed images, whose pixels no digest covers.
_HASHED_ANYWAY = ("datasets/images/",)


def comparability_key(
    environment: dict[str, Any], recipe: dict[str, Any]
) -> dict[str, Any]:
    """Returns the parts of an environment on which the numbers of a run depend.

    Numbers differ slightly between backends and versions, and when several devices sum
    up a batch in another order; they may differ more when the code changes. Other
    hardware is recorded, but a plan may be finished on it.

    Args:
        environment: as `current_environment` returns it.
        recipe: the `Recipe` of the run as a dict.
    """
    backend, versions = environment["backend"], environment["versions"]
    packages = ["keras_ccar", "keras", "numpy", backend]
    if recipe["model"].startswith("imagenet-") or recipe["model"] == BACKBONE:
        packages.append("keras-hub")
    if recipe["image_size"]:  # tf.data streams the images on every backend.
        packages.append("tensorflow")
    found = {
        "backend": backend,
        "versions": {name: versions[name] for name in packages if name in versions},
        "code": environment.get("code"),
    }
    if "devices" in environment["hardware"]:
        found["devices"] = environment["hardware"]["devices"]
    return found


def current_environment() -> dict[str, Any]:
    """Returns what a result depends on besides its configuration, as plain JSON.

    It is computed once: the process runs the code as it was when the process began.
    Callers get a copy of their own, which they may add to.
    """
    return copy.deepcopy(_environment())


@functools.cache
def _environment() -> dict[str, Any]:
    return {
        "backend": keras.backend.backend(),
        "versions": versions(),
        "hardware": hardware(),
        "commit": commit(),
        "code": code_digest(),
    }


def versions() -> dict[str, str]:
    """Returns the versions of Python, of this package and of its dependencies."""
    # A source tree that is not installed has no version to look up.
    found = {"python": platform.python_version(), "keras_ccar": "not installed"}
    for package in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def hardware() -> dict[str, Any]:
    """Returns the processor, the cores this process may use, and the accelerators.

    If several devices share every batch, also the number of devices and of hosts.
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


def commit() -> str | None:
    """Returns the git commit that the package runs from, None if installed.

    The commit of a tree with uncommitted changes ends in `-dirty`. Changes to the
    measured results do not count.
    """

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(_PACKAGE), *arguments]
        output = subprocess.check_output(command, stderr=subprocess.DEVNULL, text=True)
        return output.strip()

    try:
        # An installed copy may lie below another project's repository.
        git("ls-files", "--error-unmatch", "__init__.py")
        but_results = (":(top)", ":(top,exclude)benchmarks/results")
        dirty = git("status", "--porcelain", "--untracked-files=no", "--", *but_results)
        return git("rev-parse", "HEAD") + ("-dirty" if dirty else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def code_digest() -> str:
    """Returns a digest of the source files that can change the result of a run."""
    digest = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*.py")):
        name = path.relative_to(_PACKAGE).as_posix()
        if name.startswith(_HASHED_ANYWAY) or not name.startswith(_NOT_HASHED):
            digest.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _accelerators() -> list[str]:
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        details = tf.config.experimental.get_device_details
        return [
            details(device).get("device_name", device.name)
            for kind in ("GPU", "TPU")
            for device in tf.config.list_physical_devices(kind)
        ]
    if backend == "jax":
        import jax

        return [d.device_kind for d in jax.devices() if d.platform != "cpu"]
    if backend == "torch":
        import torch

        return list(map(torch.cuda.get_device_name, range(torch.cuda.device_count())))
    return []
