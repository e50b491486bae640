"""Why vCPUs left the guest, as the kvm_exit of each machine says it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tracecmd.session.vcpu_timeline import summarize

from ..writer import EventFormat, Field
from . import scenes

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


NameOf = Callable[..., str]


@pytest.fixture
def name_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NameOf:
    """What a host that records such a kvm_exit makes of one."""

    def name(form: EventFormat, **values: int) -> str:
        others = [each for each in scenes.FORMATS if each.name != form.name]
        monkeypatch.setattr(scenes, "FORMATS", (*others, form))
        made = scenes.Scene({"G": [101]})
        made.host.add(1000, 0, form.values(pid=101, **values))
        with made.open(tmp_path) as session:
            (summary,) = summarize(session)
            (sums,) = session.exits()
        (found,) = summary.exits
        assert sums.reason == found  # whoever is asked
        return found

    return name


@pytest.mark.parametrize("classes", [OLDER, NEWER])
@pytest.mark.parametrize(("ret", "esr_ec", "expected"), [
    (0, 0, "IRQ"), (2, 0x24, "DABT_LOW"), (2, 1, "WFx"), (2, 0x3F, "TRAP 0x3f"), (7, 1, "7"),
    (-1, 1, "-1"),
])  # fmt: skip
def test_arm64(name_of: NameOf, classes: str, ret: int, esr_ec: int, expected: str) -> None:
    form = EventFormat(ARM64.system, ARM64.name, ARM64.id, ARM64.fields,
                       ARM64.print_fmt.format(classes))  # fmt: skip
    assert name_of(form, ret=ret, esr_ec=esr_ec) == expected


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
def test_x86(name_of: NameOf, reason: int, isa: int, expected: str) -> None:
    assert name_of(X86, exit_reason=reason, isa=isa) == expected
