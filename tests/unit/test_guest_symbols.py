"""Where a guest was: its own kernel's symbols in the text of the host's kvm events."""

from __future__ import annotations

from pathlib import Path

import pytest

import tracecmd

from .. import writer
from ..writer import Field

HOST_ID, GUEST_ID = 0x1000, 0x2000
RIP = Field("unsigned long rip", "long")
EXIT = writer.EventFormat(
    "kvm", "kvm_exit", 1001,
    (Field("unsigned int exit_reason", 4), Field("unsigned long guest_rip", "long"),
     Field("u32 isa", 4), Field("u64 info1", 8), Field("u64 info2", 8)),
    '"%u", REC->exit_reason',
)  # fmt: skip
ENTRY = writer.EventFormat(
    "kvm", "kvm_entry", 1002, (Field("unsigned int vcpu_id", 4), RIP), '"%u", REC->vcpu_id'
)
INSN = writer.EventFormat(
    "kvm", "kvm_emulate_insn", 1003,
    (Field("__u64 rip", 8), Field("__u32 csbase", 4), Field("__u8 len", 1),
     Field("__u8 insn[15]", 15), Field("__u8 flags", 1), Field("__u8 failed", 1)),
    '"%llx", REC->rip',
)  # fmt: skip
NESTED = writer.EventFormat(
    "kvm", "kvm_nested_vmexit", 1004,
    (Field("__u64 rip", 8), Field("__u32 exit_code", 4), Field("__u32 isa", 4),
     *(Field(f"__u64 exit_{name}", 8) for name in ("info1", "info2", "int_info", "int_info_err"))),
    '"%llx", REC->rip',
)  # fmt: skip
AT = 0xFFFFFFFF81000104


def write_session(folder: Path) -> list[Path]:
    machine = writer.Machine(False, 8)
    insn = bytes.fromhex("0f30").ljust(15, b"\0")
    host_events = [
        (1000, ENTRY.values(pid=500, vcpu_id=0, rip=AT)),
        (2000, EXIT.values(pid=500, exit_reason=12, guest_rip=AT - 4, isa=1, info1=1, info2=2)),
        (3000, INSN.values(pid=500, rip=AT, len=2, insn=insn)),
        (4000, NESTED.values(pid=500, rip=AT, exit_code=12, isa=1)),
        (5000, INSN.values(pid=500, rip=0x10, len=2, insn=insn)),
        (6000, INSN.values(pid=7, rip=AT, len=2, insn=insn, failed=1)),
    ]
    host = writer.Trace(
        events=(*writer.EVENTS, EXIT, ENTRY, INSN, NESTED),
        options=[writer.TraceId(HOST_ID), writer.Guest("G", GUEST_ID, {0: 500})],
        buffers=[writer.Buffer(cpus={0: writer.fill_pages(host_events, machine)})],
    )
    guest = writer.Trace(
        options=[writer.TraceId(GUEST_ID)],
        kallsyms="ffffffff81000100 t guest_fn\nffffffff81000180 t other_fn\n",
        buffers=[writer.Buffer(cpus={0: writer.fill_pages(
            [(1500, writer.TICK.values(pid=1, n=1))], machine)})],
    )  # fmt: skip
    paths = [folder / "host.dat", folder / "guest.dat"]
    for path, trace in zip(paths, (host, guest), strict=True):
        path.write_bytes(trace.write().data)
    return paths


@pytest.mark.parametrize("threads", [1, 2])
def test_guest_symbols(tmp_path: Path, threads: int) -> None:
    """Of the thread that runs the guest's vCPU; addresses without a symbol stay bare."""
    with tracecmd.open_session(*write_session(tmp_path)) as session:
        lines = b"".join(session.report(threads=threads)).decode().splitlines()[2:]
    said = [line.split(": ", 3)[3].lstrip() for line in lines if " kvm_" in line]
    assert said == [
        "vcpu 0 rip 0xffffffff81000104 guest_fn+0x4",
        "reason HLT rip 0xffffffff81000100 guest_fn info 1 2",
        "0:ffffffff81000104 guest_fn+0x4: 0f 30",
        "rip ffffffff81000104 guest_fn+0x4reason HLT info1 0 info2 0 int_info 0 int_info_err 0",
        "0:10: 0f 30",
        "0:ffffffff81000104: 0f 30 FAIL",
    ]


def test_host_alone(tmp_path: Path) -> None:
    """Without the guest's file nothing is known of its addresses."""
    with tracecmd.open(write_session(tmp_path)[0]) as trace:
        assert b"guest_fn" not in b"".join(trace.report())
