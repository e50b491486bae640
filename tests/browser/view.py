"""Looks at a page as somebody does who sees and points."""

from __future__ import annotations

from collections import Counter
from typing import Any

Colour = tuple[int, int, int]


class View:
    """The picture on a page."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def window(self) -> tuple[int, int]:
        """The times that are shown, in ns; what was asked for before is drawn by then."""
        self.settle()
        stage = self.page.locator("#stage")
        return int(stage.get_attribute("data-from")), int(stage.get_attribute("data-to"))

    def settle(self) -> None:
        """Wait for the next frame but one."""
        self.page.evaluate(
            "new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))"
        )

    def x(self, time: float) -> float:
        """Where a time is in the window of the browser."""
        start, end, left, width = self.page.evaluate("""() => {
          const { from, to } = document.getElementById("stage").dataset;
          const box = document.getElementById("picture").getBoundingClientRect();
          return [from, to, box.left, box.width];
        }""")
        return float(left + width * (time - int(start)) / (int(end) - int(start)))

    def y(self, label: str) -> float:
        """The middle of the row with a label."""
        box = self.page.locator("#labels div", has_text=label).first.bounding_box()
        return float(box["y"] + box["height"] / 2 - 2)

    def hover(self, label: str, time: float) -> dict[str, str]:
        """Point at a time of a row; gives what the tooltip says, its heading under ""."""
        self.page.mouse.move(self.x(time), self.y(label))
        return self.tip()

    def tip(self) -> dict[str, str]:
        """What the tooltip says; nothing if there is none."""
        tip = self.page.locator("#tip")
        if not tip.is_visible():
            return {}
        titles = tip.locator("dt").all_text_contents()
        texts = tip.locator("dd").all_text_contents()
        return {"": tip.locator("h3").inner_text(), **dict(zip(titles, texts, strict=True))}

    def colours(self, label: str, time: float, width: int = 1) -> set[str]:
        """The colours at a time of a row, and to the right of that."""
        x, y = self.x(time), self.y(label)
        return set(
            self.page.evaluate(
                """([x, y, width]) => {
                  const picture = document.getElementById("picture");
                  const box = picture.getBoundingClientRect();
                  const scale = picture.width / box.width;
                  const data = picture.getContext("2d").getImageData(
                    (x - box.left) * scale, (y - box.top) * scale, width, 1).data;
                  return Array.from({length: width}, (_, i) => "#" + [0, 1, 2].map(
                    (k) => data[4 * i + k].toString(16).padStart(2, "0")).join(""));
                }""",
                [x, y, width],
            )
        )

    def column(self, label: str, x: float) -> Counter[str]:
        """Points by colour of one column of a row's bar, at an x of the picture."""
        return Counter(
            self.page.evaluate(
                """([label, x]) => {
                  const row = [...document.querySelectorAll("#labels div")].find(
                    (each) => each.textContent === label);
                  const top = row.offsetTop + 3, high = row.offsetHeight - 7;
                  const data = document.getElementById("picture").getContext("2d").getImageData(
                    x, top, 1, high).data;
                  return Array.from({length: high}, (_, i) => "#" + [0, 1, 2].map(
                    (k) => data[4 * i + k].toString(16).padStart(2, "0")).join(""));
                }""",
                [label, x],
            )
        )

    def labels(self) -> list[str]:
        """The rows in sight."""
        found: list[str] = self.page.locator("#labels div:not(.heading)").all_text_contents()
        return found

    def wheel(self, turn: int, count: int = 1) -> None:
        """Turn the wheel where the pointer is."""
        for _ in range(count):
            self.page.mouse.wheel(0, turn)
        self.settle()

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)
        self.settle()
