"""Counting the GPUs of a machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from lmms_eval_ja.compare.devices import gpus_here


@pytest.fixture
def nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path / "nvidia-smi"


def says(command: Path, script: str) -> None:
    command.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    command.chmod(0o755)


@pytest.mark.parametrize(
    ("visible", "count"),
    [("0,1,3", 3), ("GPU-8c,GPU-9d", 2), ("", 0), ("-1", 0), ("0,-1,1", 1), ("NoDevFiles", 0), ("0, 1", 2)],
)
def test_the_variable_of_cuda_decides(nvidia_smi, monkeypatch, visible, count):
    says(nvidia_smi, "echo GPU 0: x")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpus_here() == count


def test_else_nvidia_smi_is_asked(nvidia_smi):
    says(nvidia_smi, '[ "$1" = -L ] && echo "GPU 0: H100 (UUID: a)" && echo "  MIG 1g Device 0" && echo "GPU 1: H100"')
    assert gpus_here() == 2


def test_no_driver_is_no_gpu(nvidia_smi):
    assert gpus_here() == 0
    says(nvidia_smi, "echo NVIDIA-SMI has failed; exit 9")
    assert gpus_here() == 0
