"""Why vCPUs left the guest, as the kvm_exit of each machine says it."""

from __future__ import annotations

import pytest

import tracecmd
from tracecmd.session.vcpu_timeline import _kvm

from ..conftest import Trace, Write
from ..writer import EventFormat, Field, Machine

LE8 = Machine(False, 8)
ARM64 = EventFormat(
    "kvm",
    "kvm_exit",
    402,
    (Field("int ret", 4, signed=True), Field("unsigned int esr_ec", 4),
     Field("unsigned long vcpu_pc", "long")),
    '"%s: HSR_EC: 0x%04x (%s), PC: 0x%016lx", __print_symbolic(REC->ret, {{ 0, "IRQ" }}, '
    '{{ 1, "SERROR" }}, {{ 2, "TRAP" }}), REC->esr_ec, __print_symbolic(REC->esr_ec, '
    '{0}), REC->vcpu_pc',
)  # fmt: skip
OLDER = '{ (0x00), "UNKNOWN" }, { (0x01), "WFx" }, { (0x24), "DABT_LOW" }'
NEWER = '{ ((0x00UL)), "UNKNOWN" }, { ((0x01UL)), "WFx" }, { ((0x24UL)), "DABT_LOW" }'


def name_of(write: Write, form: EventFormat, **values: int) -> str:
    with tracecmd.open(write(Trace(events=(form,)))) as trace:
        name = _kvm.exit_reasons(trace.events["kvm_exit"], "little")
    assert name is not None
    payload = form.values(**values).encode(LE8)
    return name(b"xx" + payload, 2, 2 + len(payload))


@pytest.mark.parametrize("classes", [OLDER, NEWER])
@pytest.mark.parametrize(("ret", "esr_ec", "expected"), [
    (0, 0, "IRQ"), (2, 0x24, "DABT_LOW"), (2, 1, "WFx"), (2, 0x3F, "TRAP 0x3f"), (7, 1, "7"),
    (-1, 1, "-1"),
])  # fmt: skip
def test_arm64(write: Write, classes: str, ret: int, esr_ec: int, expected: str) -> None:
    form = EventFormat(ARM64.system, ARM64.name, ARM64.id, ARM64.fields,
                       ARM64.print_fmt.format(classes))  # fmt: skip
    assert name_of(write, form, ret=ret, esr_ec=esr_ec) == expected


X86 = EventFormat(
    "kvm",
    "kvm_exit",
    402,
    (Field("unsigned int exit_reason", 4), Field("u32 isa", 4)),
    '"%s%s", (REC->isa == 1) ? __print_symbolic(REC->exit_reason & 0xffff, { 12, "HLT" }, '
    '{ 0x60, "vmx" }) : __print_symbolic(REC->exit_reason, { 0x060, "interrupt" }, '
    '{ -1, "invalid" }), (REC->isa == 1 && REC->exit_reason & ~0xffff) ? " " : ""',
)


@pytest.mark.parametrize(("reason", "isa", "expected"), [
    (12, 1, "HLT"), (1 << 31 | 12, 1, "HLT"), (0x60, 1, "vmx"), (0x60, 2, "interrupt"),
    (0xFFFFFFFF, 2, "invalid"), (1 << 31 | 0x60, 2, str(1 << 31 | 0x60)), (77, 1, "77"),
])  # fmt: skip
def test_x86(write: Write, reason: int, isa: int, expected: str) -> None:
    assert name_of(write, X86, exit_reason=reason, isa=isa) == expected
