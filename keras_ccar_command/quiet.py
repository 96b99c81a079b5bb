"""Holds back the log lines of frameworks, so that only our own are shown."""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator

# As the C++ of TensorFlow and XLA logs. Fatal errors, with an F, are shown.
_LOG_LINE = re.compile(
    r"WARNING: All log messages before absl::InitializeLog|"
    r"[IWE]\d{4} [\d:.]+ +\d+ \S+:\d+\] "
)


@contextlib.contextmanager
def without_log_lines() -> Iterator[None]:
    """Holds back what is written to the standard error, and then shows the rest of it.

    Some lines are written before TensorFlow reads `TF_CPP_MIN_LOG_LEVEL`, by C++, which
    knows nothing of `sys.stderr`.
    """
    # TensorFlow reads it once, when it is imported.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    with tempfile.TemporaryFile() as file, os.fdopen(os.dup(2), "w") as kept:
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept.fileno(), 2)
            file.seek(0)
            for line in file.read().decode(errors="replace").splitlines(keepends=True):
                if not _LOG_LINE.match(line):
                    sys.stderr.write(line)
