"""What the kernel itself prints: expressions, helpers and conversions that libtraceevent lacks."""

from __future__ import annotations

import pytest

import tracecmd

from ..conftest import Trace, Write
from ..writer import Buffer, Event, EventFormat, Field, Machine, Page, fill_pages
from .test_newer_kernels import FAILED, FIELDS, said

UUID = bytes.fromhex("00112233445566778899aabbccddeeff")


def kernel(write: Write, print_fmt: str) -> str:
    return said(write, print_fmt, kernel=True)


@pytest.mark.parametrize(
    ("print_fmt", "text"),
    [
        # addresses, and what lies there
        ('"%u", *(u32 *)REC->r', "67305985"),
        ('"%x", *(u32 *)(REC->r + 4)', "8070605"),
        ('"%x", ((u16 *)REC->r)[3]', "807"),
        ('"%x", *((u16 *)REC->r + 3)', "807"),
        ('"%x", *(1 + (u16 *)REC->r)', "403"),
        ('"%x", *((u16 *)(REC->r + 4) - 1)', "403"),
        ('"%x", *&REC->w', "1020304"),
        ('"%x", ((u8 *)&REC->w)[1]', "3"),
        ('"%x", *(u16 *)&REC->r[2]', "403"),
        ('"%d", *(s8 *)&REC->n', "-2"),
        ('"%u", *((__u16 *)__get_dynamic_array(d))', "7"),
        ('"%u", *((u32 *)__get_dynamic_array(d) + 2)', "9"),
        ('"%s", __get_str(d)[0] ? "some" : "none"', "some"),
        ('"%x", *(u32 *)(REC->r + 4000)', "0"),
        ('"%lx", (u32 *)REC->a + 1', "ffffffff81000108"),
        ('"%lx", (void *)REC->a + 1', "ffffffff81000105"),
        ('"%s", __print_array(&REC->r, 2, 4)', "{0x4030201,0x8070605}"),
        ('"%s", __print_hex((u8 *)&REC->w, 4)', "04 03 02 01"),
        ('"%d", ("") * 3', "0"),
        ('"%d", ("a*") * 3', "0"),
        ('"%d", &3', FAILED),
        ('"%d", &(REC->a + 1)', FAILED),
        ('"%d", REC->ent.pid + REC->ent.flags', "17"),
        ('"%d", REC->ent.nosuch', FAILED),
        ('"%lx", (unsigned long)pte_val(native_make_pte(REC->b))', "1000"),
        ('"%llu", (unsigned long long)(((ktime_t) { .tv64 = REC->b }).tv64)', "4096"),
        ('"%llu", ((ktime_t) { .tv64 = REC->b })', "4096"),
        ('"%llu", ((ktime_t) { REC->b }).tv64', FAILED),
        ('"%llu", (REC->b).tv64', FAILED),
        # statements in expressions
        ('"%d", ({ int x_1 = (REC->n); int y_2 = (128); ((x_1) < (y_2) ? (x_1) : (y_2)); })', "-2"),
        ('"%u", ({ u8 x = REC->w; x + 1; })', "5"),
        ('"%u", ({ unsigned int x = 3; ({ u8 x = x + 255; x; }) + x; }) * 2', "10"),
        ('"%d", ({ REC->n; })', "-2"),
        ('"%d", ({ __auto_type x = REC->n; x - 1; })', "-3"),
        ('"%d", ({ int x = REC->n; })', FAILED),
        ('"%d", ({ int x = x; x; }) + x', "0"),
        ('"%d", ({ int x; x; })', FAILED),
        ('"%d", ({ int x = 1; x })', FAILED),
        ('"%d", ({ typeof(REC->n) x = 1; x; })', FAILED),
        ('"%d", ({ ' + "".join(f"u64 v{n} = v{n - 1} + v{n - 1};" for n in range(1, 60))
         + " v59; })", FAILED),  # it would be worked out 2 ** 59 times
        # sizes and words
        ('"%d", (int)sizeof(char)', "1"),
        ('"%d", (int)sizeof(REC->r)', "8"),
        ('"%d", (int)(sizeof(REC->d) + sizeof(u32 *) + sizeof(unsigned long long))', "20"),
        ('"%d", __get_dynamic_array_len(d) / sizeof(u32)', "3"),
        ('"%d", (int)sizeof(struct nosuch)', FAILED),
        ('"%d", true + (REC->n == false)', "1"),
        ('"%d", __builtin_choose_expr(1, 3, 4)', "3"),
        ('"%d", __builtin_choose_expr(REC->n > 0, 3, 4)', "4"),
        ('"%d", __builtin_constant_p(REC->n + 1) ? 1 : 2', "2"),
        # byte orders, of a little-endian machine
        ('"%u", ntohs(REC->p)', "80"),
        ('"%x", htonl(REC->w)', "4030201"),
        ('"%x", be16_to_cpu(REC->p)', "50"),
        ('"%x", __be32_to_cpu(REC->w)', "4030201"),
        ('"%llx", cpu_to_be64(REC->b)', "10000000000000"),
        ('"%x", le32_to_cpu(REC->w)', "1020304"),
        ('"%x", be16_to_cpup((__be16 *)&REC->p)', "50"),
        ('"%x", __swab32(REC->w)', "4030201"),
        ('"%u", __builtin_bswap16(REC->p)', "80"),
        ('"%d", be8_to_cpu(REC->p)', FAILED),
        # helpers
        ('"%s", __print_flags_u64(REC->b, "|", { 0x1000ULL, "X" })', "X"),
        ('"%s", __print_symbolic_u64(REC->b, { 0x1000ULL, "X" })', "X"),
        ('"%llu.%09u", __print_ns_to_secs(REC->b), __print_ns_without_secs(REC->b)', "0.000004096"),
        # conversions
        ('"%pS %ps", (void *)REC->a, (void *)REC->a', "do_one+0x4/0x80 do_one"),
        ('"%pSR|%pSb|", (void *)REC->a, (void *)REC->a', "do_one+0x4/0x80|do_one+0x4/0x80|"),
        ('"%pB", (void *)(REC->a - 4 + 0x80)', "do_one+0x80/0x80"),
        ('"%pS", (void *)REC->b', "0x1000"),
        ('"%pa %pad", &REC->b, &REC->b', "0x0000000000001000 0x0000000000001000"),
        ('"%pap", &REC->w', "0x01020304"),
        ('"%pI4 %pI4", &REC->r, &REC->w', "1.2.3.4 4.3.2.1"),
        ('"%*phN %*ph", 8, &REC->r, 3, REC->r', "0102030405060708 01 02 03"),
        ('"%*pbl", 64, &REC->b', "12"),
        ('"%*pb %*pbl", 20, &REC->w, 20, &REC->w', "20304 2,8-9,17"),
        ('"%*pb", 64, &REC->b', "00000000,00001000"),
        ('"%pe %pe", ERR_PTR(-2), ERR_PTR(REC->n)', "-ENOENT -ENOENT"),
        ('"%pe %pe", ERR_PTR(-4000), (void *)REC->a', "-4000 ffffffff81000104"),
        ('"%ptTd %ptTt %ptT %ptTs", &REC->b, &REC->b, &REC->b, &REC->b',
         "1970-01-01 01:08:16 1970-01-01T01:08:16 1970-01-01 01:08:16"),
        ('"%ju %td % d|% 5d", REC->b, REC->n, 5, 5', "4096 -2  5|    5"),
    ],
)  # fmt: skip
def test_texts(write: Write, print_fmt: str, text: str) -> None:
    assert kernel(write, print_fmt) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00"),
        (-1, "1969-12-31T23:59:59"),
        (951_782_400, "2000-02-29T00:00:00"),
        (4_107_542_399, "2100-02-28T23:59:59"),
        (4_107_542_400, "2100-03-01T00:00:00"),
        (-62_135_596_800, "0001-01-01T00:00:00"),
    ],
)
def test_times(write: Write, seconds: int, text: str) -> None:
    event = EventFormat("made", "made", 1000, (Field("s64 t", 8),), '"%ptT", &REC->t')
    pages = [Page(1, [Event(0, event.values(t=seconds % (1 << 64)))])]
    made = write(Trace(buffers=[Buffer(cpus={0: pages})], events=[event]))
    with tracecmd.open(made) as trace:
        (only,) = trace
        assert only.text(kernel=True) == text


def test_default_text_is_not_the_kernels(write: Write) -> None:
    """libtraceevent knows none of it; the fields are shown, or the letters."""
    assert said(write, '"%d", *(u32 *)REC->r') == FAILED
    assert said(write, '"%d", (int)sizeof(char)') == FAILED
    assert said(write, '"%u", ntohs(REC->p)') == FAILED
    assert said(write, '"%ju", REC->b') == ">j<u"
    assert said(write, '"%pB", (void *)REC->a') == "0xffffffff81000104B"


@pytest.mark.parametrize("big_endian", [False, True])
def test_byte_orders(write: Write, big_endian: bool) -> None:
    """Numbers of the network are turned round on a little-endian machine only."""
    event = EventFormat(
        "made", "made", 1000, FIELDS,
        '"%x %x %x %*pbl", ntohs(REC->p), le16_to_cpu(REC->p), __swab16(REC->p), 64, &REC->b',
    )  # fmt: skip
    pages = [Page(1, [Event(0, event.values(p=0x1234, b=(1 << 40) | 3))])]
    made = write(Trace(buffers=[Buffer(cpus={0: pages})], events=[event], big_endian=big_endian))
    with tracecmd.open(made) as trace:
        (only,) = trace
        swapped = "1234 3412 3412" if big_endian else "3412 1234 3412"
        assert only.text(kernel=True) == f"{swapped} 0-1,40"


def test_real_statements(write: Write) -> None:
    """dma_map_sg, as kernels from 6.12 on have it."""
    fields = (Field("int full_nents", 4, signed=True), Field("bool truncated", 1))
    fmt = (
        '"nents=%d/%d%s", ({ int __UNIQUE_ID_x__915 = (REC->full_nents); int __UNIQUE_ID_y__916 = '
        "(128); ((__UNIQUE_ID_x__915) < (__UNIQUE_ID_y__916) ? (__UNIQUE_ID_x__915) : "
        '(__UNIQUE_ID_y__916)); }), REC->full_nents, REC->truncated ? " [TRUNCATED]" : ""'
    )
    form = EventFormat("dma", "dma_map_sg", 940, fields, fmt)
    events = [(1000 + n, form.values(pid=1, full_nents=n, truncated=n > 128)) for n in (-3, 7, 300)]
    pages = fill_pages([(ts + 10, event) for ts, event in events], Machine(False, 8))
    with tracecmd.open(write(Trace(events=(form,), buffers=[Buffer(cpus={0: pages})]))) as trace:
        assert [event.text(kernel=True) for event in trace] == [
            "nents=-3/-3", "nents=7/7", "nents=128/300 [TRUNCATED]",
        ]  # fmt: skip
