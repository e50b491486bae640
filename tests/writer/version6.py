"""trace-cmd.dat.v6(5): one fixed sequence."""

from __future__ import annotations

from collections.abc import Sequence

from .buffer import Buffer, TextBuffer
from .encoder import Encoder, to_bytes
from .options import OPTION_BUFFER, OPTION_DONE, CpuCount
from .parts import Writer


class Writer6(Writer):
    """trace-cmd.dat.v6(5): one fixed sequence."""

    def run(self) -> Encoder:
        self.initial()
        parts = (
            ("headers", self.headers),
            ("ftrace events", self.ftrace_formats),
            ("event formats", self.event_formats),
            ("kallsyms", self.kallsyms),
            ("printk", self.printk),
            ("cmdlines", self.cmdlines),
        )
        for name, write in parts:
            with self.e.structure(name):
                write(self.e)
        self.e.u32(self.trace.cpus, "CPUs")
        instances = [b for b in self.trace.buffers if b.name]
        if self.trace.options_part:
            self.options(instances)
        tops = [b for b in self.trace.buffers if not b.name]
        self.block(tops[0] if tops else Buffer(), self.trace.cpus)
        for instance in instances:
            if isinstance(instance, TextBuffer):
                raise ValueError("version 6 has no texts in instances")
            place = self.e.marks[self._mark(f"option BUFFER {instance.name}/offset")].offset
            self.e.patch(place, 8, len(self.e))
            rows = max(self.trace.cpus, instance.cpu_count or 0)
            self.block(instance, rows)
        return self.e

    def _mark(self, ending: str) -> int:
        return next(i for i, m in enumerate(self.e.marks) if m.name.endswith(ending))

    def options(self, instances: Sequence[Buffer | TextBuffer]) -> None:
        e = self.e
        with e.structure("options"):
            e.raw(b"options  \0", "mark")
            for option in self.trace.options:
                self.option(e, option)
            for instance in instances:
                payload = e.nested()
                payload.u64(0, "offset")
                payload.string(instance.name, "name")
                self.option_payload(e, OPTION_BUFFER, f"BUFFER {instance.name}", payload)
                if isinstance(instance, Buffer) and instance.cpu_count is not None:
                    self.option(e, CpuCount(instance.cpu_count))
            e.u16(OPTION_DONE, "end of options")

    def block(self, buffer: Buffer | TextBuffer, rows: int) -> None:
        """What stands between the options and the end of the file, or an instance's likewise."""
        e = self.e
        with e.structure(f"buffer {buffer.name}"):
            if isinstance(buffer, TextBuffer):
                e.raw(b"latency  \0", "mark")
                e.raw(to_bytes(buffer.text), "text")
                return
            e.raw(b"flyrecord\0", "mark")
            places = []
            for cpu in range(rows):
                with e.structure(f"row {cpu}"):
                    places.append(len(e))
                    e.u64(0, "offset")
                    e.u64(0, "size")
            if self.trace.clock_trailer:
                with e.structure("clock"):
                    self.text64(e, f"[{self.trace.clock}]")
            for cpu, place in enumerate(places):
                e.align(self.trace.page_size)
                start = len(e)
                with e.structure(f"CPU {cpu}"):
                    self.pages(e, buffer.cpus.get(cpu, ()), self.trace.page_size)
                e.patch(place, 8, start)
                e.patch(place + 8, 8, len(e) - start)
