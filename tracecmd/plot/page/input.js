/* Mouse, wheel, fingers and keys. */

const DRAG = 4; /* CSS pixels that a click may move by */
const SNAP = 6; /* CSS pixels within which a marker goes to an interval's end */

class Input {
  constructor(view, panel) {
    this.view = view;
    this.panel = panel;
    this.search = new Search(view, panel, (found) => this.choose(found));
    this.fingers = new Map();
    this.moved = false;
    this.listen();
    this.buttons();
  }

  listen() {
    const { stage } = this.view;
    const picture = element("picture");
    picture.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    picture.addEventListener("pointerdown", (event) => this.down(event));
    picture.addEventListener("pointermove", (event) => this.move(event));
    picture.addEventListener("pointerup", (event) => this.up(event));
    picture.addEventListener("pointercancel", (event) => this.lift(event));
    picture.addEventListener("pointerleave", (event) => this.leave(event));
    picture.addEventListener("dblclick", () => this.fill());
    stage.addEventListener("scroll", () => this.view.draw());
    window.addEventListener("keydown", (event) => this.key(event));
  }

  buttons() {
    const { view, panel, search } = this;
    const on = (id, act) => element(id).addEventListener("click", act);
    on("in", () => view.zoom(0.5));
    on("out", () => view.zoom(2));
    on("all", () => view.show(0, view.scene.span));
    on("mark-a", () => this.mark("a"));
    on("mark-b", () => this.mark("b"));
    on("ask", () => element("help").showModal());
    on("enough", () => element("help").close());
    on("before", () => search.go(false));
    on("after", () => search.go(true));
    const word = element("word");
    word.addEventListener("input", () => search.look(word.value));
    word.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        search.go(!event.shiftKey);
      }
    });
    panel.searchFor = (text) => {
      word.value = text;
      search.look(text);
    };
  }

  place(event) {
    const box = element("picture").getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  wheel(event) {
    if (event.altKey) {
      return; /* up and down, as of every page */
    }
    event.preventDefault();
    const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? this.view.height : 1;
    const { x } = this.place(event);
    const along = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      this.view.pan(along * unit);
    } else {
      const turn = Math.max(-240, Math.min(240, event.deltaY * unit));
      this.view.zoom(Math.exp(turn * 0.0025), x);
    }
    this.panel.hide();
  }

  down(event) {
    if (event.button > 0) {
      return;
    }
    const place = this.place(event);
    element("picture").setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, place);
    this.moved = this.fingers.size > 1;
    this.began = place;
    this.began.scroll = this.view.stage.scrollTop;
  }

  move(event) {
    const { view, panel } = this;
    const place = this.place(event);
    const before = this.fingers.get(event.pointerId);
    if (!before) {
      view.pointer = place;
      view.drawOver();
      panel.show(view.at(place.x, place.y), event.clientX, event.clientY);
      return;
    }
    if (!this.moved && Math.hypot(place.x - this.began.x, place.y - this.began.y) < DRAG) {
      return;
    }
    this.moved = true;
    panel.hide();
    view.pointer = null;
    element("picture").classList.add("held");
    if (this.fingers.size === 2) {
      this.pinch(event.pointerId, before, place);
    } else {
      view.pan(before.x - place.x);
      if (event.pointerType === "mouse") {
        view.stage.scrollTop = this.began.scroll + this.began.y - place.y;
      }
    }
    this.fingers.set(event.pointerId, place);
  }

  /* Two fingers keep the times that they lie on. */
  pinch(id, before, place) {
    const [other] = [...this.fingers].filter(([each]) => each !== id).map(([, at]) => at);
    const { view } = this;
    const apart = Math.abs(before.x - other.x), now = Math.abs(place.x - other.x);
    if (apart > 4 && now > 4) {
      view.zoom(apart / now, other.x);
    } else {
      view.pan(before.x - place.x);
    }
  }

  up(event) {
    const place = this.place(event);
    const isClick = this.fingers.has(event.pointerId) && !this.moved;
    this.lift(event);
    if (isClick) {
      const found = this.view.at(place.x, place.y);
      this.cursor = this.view.time(place.x);
      this.choose(found && found.i >= 0 ? found : null, event);
      this.view.stage.focus({ preventScroll: true });
    }
  }

  lift(event) {
    this.fingers.delete(event.pointerId);
    element("picture").classList.remove("held");
  }

  leave(event) {
    if (event.pointerType === "mouse" && !this.fingers.size) {
      this.view.pointer = null;
      this.view.drawOver();
      this.panel.hide();
    }
  }

  /* Chooses an interval, or none, and shows what is known of it. */
  choose(found, event = null) {
    const { view, panel } = this;
    view.chosen = found;
    panel.hide();
    if (!found) {
      view.draw();
      return;
    }
    view.reveal(found.lane, found.i);
    view.drawNow();
    panel.say(found);
    const row = view.rows.find((each) => each.lane === found.lane);
    const box = element("picture").getBoundingClientRect();
    const middle = (found.lane.starts[found.i] + found.lane.ends[found.i]) / 2;
    if (event) {
      panel.show(found, event.clientX, event.clientY);
    } else if (row) {
      const x = Math.max(0, Math.min(view.x(middle), view.width));
      panel.show(found, box.left + x, box.top + row.y - view.stage.scrollTop + view.bar);
    }
  }

  /* As close as to have the chosen interval, or that under the pointer, fill the view. */
  fill() {
    const { view } = this;
    const found = view.chosen || (view.pointer && view.at(view.pointer.x, view.pointer.y));
    if (found && found.i >= 0) {
      const start = found.lane.starts[found.i], end = found.lane.ends[found.i];
      const more = (end - start) * 0.05;
      view.show(start - more, end + more);
      this.panel.hide();
    }
  }

  /* The next interval in the row of the one that is chosen; or the same time in another row. */
  step(by) {
    const { chosen } = this.view;
    if (!chosen) {
      this.first();
    } else if (chosen.i + by >= 0 && chosen.i + by < chosen.lane.count) {
      this.choose({ lane: chosen.lane, i: chosen.i + by });
    }
  }

  climb(by) {
    const { view } = this;
    const lanes = view.rows.filter((row) => row.lane && row.lane.count).map((row) => row.lane);
    if (!view.chosen) {
      this.first();
      return;
    }
    const { lane, i } = view.chosen;
    const other = lanes[lanes.indexOf(lane) + by];
    if (other) {
      const middle = Math.max(view.from, Math.min((lane.starts[i] + lane.ends[i]) / 2, view.to));
      this.choose({ lane: other, i: Math.min(other.after(middle), other.count - 1) });
    }
  }

  first() {
    const row = this.view.visible.find((each) => each.lane && each.lane.count);
    if (row) {
      this.choose({ lane: row.lane, i: Math.min(row.lane.after(this.view.from), row.lane.count - 1) });
    }
  }

  /* Puts a marker where the pointer is, at what was clicked, or in the middle. */
  mark(name) {
    const { view } = this;
    let time = this.cursor === undefined ? view.time(view.width / 2) : this.cursor;
    if (view.chosen && !view.pointer) {
      const { lane, i } = view.chosen;
      time = name === "a" ? lane.starts[i] : lane.ends[i];
    } else if (view.pointer) {
      time = this.snapped(view.pointer);
    }
    this.panel.mark(name, time);
  }

  /* The time of a place; the beginning or end of an interval if that is near. */
  snapped({ x, y }) {
    const { view } = this;
    const row = view.rowAt(y);
    let time = view.time(x), least = SNAP;
    if (row) {
      const first = row.lane.after(view.time(x - SNAP));
      for (let i = first; i < Math.min(first + 64, row.lane.count); i++) {
        for (const edge of [row.lane.starts[i], row.lane.ends[i]]) {
          const apart = Math.abs(view.x(edge) - x);
          if (apart < least) {
            least = apart;
            time = edge;
          }
        }
      }
    }
    return time;
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || element("help").open) {
      return;
    }
    if (event.key === "Escape") {
      this.escape();
      return;
    }
    if (["INPUT", "BUTTON"].includes(event.target.tagName) && !["/", "?"].includes(event.key)) {
      return;
    }
    if (event.target.tagName === "INPUT") {
      return;
    }
    const act = this.keys(event.shiftKey)[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  }

  keys(shift) {
    const { view } = this;
    const page = (part) => view.stage.scrollBy(0, part * view.height);
    return {
      "+": () => view.zoom(0.7, this.middle()),
      "=": () => view.zoom(0.7, this.middle()),
      "-": () => view.zoom(1 / 0.7, this.middle()),
      "0": () => view.show(0, view.scene.span),
      Home: () => view.show(0, view.scene.span),
      ArrowLeft: () => view.pan(-view.width * (shift ? 0.5 : 0.1)),
      ArrowRight: () => view.pan(view.width * (shift ? 0.5 : 0.1)),
      ArrowUp: () => (shift ? this.climb(-1) : view.stage.scrollBy(0, -view.row)),
      ArrowDown: () => (shift ? this.climb(1) : view.stage.scrollBy(0, view.row)),
      PageUp: () => page(-0.9),
      PageDown: () => page(0.9),
      n: () => this.step(1),
      p: () => this.step(-1),
      Enter: () => this.fill(),
      a: () => this.mark("a"),
      b: () => this.mark("b"),
      x: () => this.panel.mark(null),
      "/": () => element("word").focus(),
      "?": () => element("help").showModal(),
    };
  }

  /* What keys come closer to: the pointer, or what is chosen if it is in sight. */
  middle() {
    const { view } = this;
    if (view.pointer) {
      return view.pointer.x;
    }
    if (view.chosen) {
      const { lane, i } = view.chosen;
      const x = view.x((lane.starts[i] + lane.ends[i]) / 2);
      return x >= 0 && x <= view.width ? x : view.width / 2;
    }
    return view.width / 2;
  }

  escape() {
    element("word").value = "";
    this.search.look("");
    this.choose(null);
    this.view.stage.focus({ preventScroll: true });
  }
}
