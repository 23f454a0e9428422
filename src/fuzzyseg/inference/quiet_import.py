"""Engines of other makers, imported so that they call nobody: these machines hold patients.

Both do so by default: ONNX Runtime from 1.29 on sends events to its maker's host, and OpenVINO
counts its imports. Either must be told before it is imported, and then says and stores nothing
for as long as the process lives.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

# The first is today's name, in Privacy.md of ONNX Runtime; builds between had the second.
_ORT_SWITCHES = ("ORT_DISABLE_TELEMETRY", "ORT_TELEMETRY_DISABLED")
_OPENVINO_TELEMETRY = "openvino_telemetry"


def import_onnxruntime() -> Any:
    """Import ONNX Runtime with its telemetry off."""
    for switch in _ORT_SWITCHES:
        os.environ[switch] = "1"
    return import_module("onnxruntime")


def import_openvino() -> Any:
    """Import OpenVINO as if its package for telemetry were not installed."""
    with _without(_OPENVINO_TELEMETRY):
        return import_module("openvino")


@contextmanager
def _without(package: str) -> Iterator[None]:
    """Let `import package` fail meanwhile; OpenVINO then takes stubs that do nothing."""
    before = sys.modules.get(package)
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if before is None:
            del sys.modules[package]
        else:
            sys.modules[package] = before
