/* What is said beside the picture: tooltip, legend, markers. All texts are set as texts. */

class Panel {
  constructor(view) {
    this.view = view;
    this.names = new Map(view.scene.names);
    this.tip = element("tip");
    const scene = view.scene;
    const { times } = view;
    element("span").textContent =
      `${times.text(0)} \u2013 ${times.text(scene.span)}, ${times.length(scene.span)}`;
  }

  /* Swatches with their meanings; a task's is a button that searches for it. */
  drawLegend(search) {
    const { scene, theme } = this.view;
    const legend = element("legend");
    legend.replaceChildren();
    for (const kind of scene.kinds) {
      const group = make("div");
      group.append(make("strong", kind.title));
      for (const shade of kind.shades) {
        const isName = kind.found_by.length > 0 && kind.text === kind.found_by[0];
        const isTask = isName && !["other", "idle", scene.hatched].includes(shade.colour);
        const entry = make(isTask ? "button" : "span");
        entry.append(this.swatch(kind, shade, theme), make("span", shade.label));
        if (entry.tagName === "BUTTON") {
          entry.title = "Search for it";
          entry.addEventListener("click", () => search(shade.label));
        }
        group.append(entry);
      }
      legend.append(group);
    }
  }

  swatch(kind, shade, theme) {
    const { scene } = this.view;
    const swatch = make("i");
    const colour = scene.palette[shade.colour][theme];
    swatch.className = kind.strip ? "swatch strip" : "swatch";
    swatch.style.background = colour;
    if (shade.colour === scene.hatched) {
      const stripe = theme === "dark" ? "#9aa0aa" : "#6d6d6d";
      swatch.style.background =
        `repeating-linear-gradient(135deg, ${colour} 0 3px, ${stripe} 3px 4.2px)`;
    }
    return swatch;
  }

  /* What is known of an interval, as pairs of texts. */
  told(found) {
    const { lane, i } = found;
    const { times, scene } = this.view;
    if (i < 0) {
      const rest = lane.kind.rest;
      return rest === null ? [] : [["", lane.kind.shades[rest].label], ["row", lane.label]];
    }
    const kind = lane.kind, row = lane.rows[i];
    const pairs = [["", kind.shades[kind.own[this.place(lane, i)]].label], ["row", lane.label]];
    for (const detail of kind.details) {
      const value = valueOf(kind.columns[detail.column], row);
      if (value !== null && value !== pairs[0][1]) {
        const name = detail.show === "task" ? this.names.get(value) : undefined;
        pairs.push([detail.title, name === undefined ? String(value) : `${name} [${value}]`]);
      }
    }
    const start = lane.starts[i], end = lane.ends[i];
    pairs.push(["from", times.text(start)], ["to", times.text(end)]);
    pairs.push([scene.unit === "ns" ? "duration" : "length", times.exact(end - start)]);
    return pairs;
  }

  /* The place of an interval among all of its kind. */
  place(lane, i) {
    return lane.shades.byteOffset - lane.kind.shown.byteOffset + i;
  }

  /* Shows the tooltip beside a place of the window; without anything to tell it goes. */
  show(found, x, y) {
    const pairs = found ? this.told(found) : [];
    this.tip.hidden = pairs.length === 0;
    if (this.tip.hidden) {
      return;
    }
    const { lane, i } = found;
    const heading = make("h3");
    const shade = i < 0 ? lane.kind.rest : lane.kind.own[this.place(lane, i)];
    const swatch = this.swatch(lane.kind, lane.kind.shades[shade], this.view.theme);
    heading.append(swatch, make("span", pairs[0][1]));
    const list = make("dl");
    for (const [title, text] of pairs.slice(1)) {
      list.append(make("dt", title), make("dd", text));
    }
    this.tip.replaceChildren(heading, list);
    const box = this.tip.getBoundingClientRect();
    const left = x + 16 + box.width > innerWidth ? x - 16 - box.width : x + 16;
    const top = y + 18 + box.height > innerHeight ? y - 14 - box.height : y + 18;
    this.tip.style.left = Math.max(4, Math.min(left, innerWidth - box.width - 4)) + "px";
    this.tip.style.top = Math.max(4, top) + "px";
  }

  hide() {
    this.tip.hidden = true;
  }

  /* For those who hear the page. */
  say(found) {
    element("said").textContent = this.told(found).map((pair) => pair.join(" ").trim()).join(", ");
  }

  /* The markers, and what is between them. */
  drawMarks() {
    const { marks, times } = this.view;
    const list = element("marks");
    list.replaceChildren();
    list.hidden = marks.a === null && marks.b === null;
    for (const name of ["a", "b"]) {
      if (marks[name] !== null) {
        const entry = make("span");
        entry.append(make("b", name.toUpperCase()), " " + times.text(marks[name]));
        list.append(entry);
      }
    }
    if (marks.a !== null && marks.b !== null) {
      const entry = make("span");
      entry.append(make("b", "B \u2212 A"), " " + times.exact(marks.b - marks.a));
      list.append(entry);
    }
    const away = make("button", "Clear");
    away.title = "No markers (x)";
    away.addEventListener("click", () => this.mark(null));
    list.append(away);
    this.view.resize(); /* the stage may be less high now */
  }

  /* Puts a marker at a time, or takes both away. */
  mark(name, time = null) {
    const marks = this.view.marks;
    if (name === null) {
      marks.a = marks.b = null;
    } else {
      marks[name] = Math.max(0, Math.min(Math.round(time), this.view.scene.span));
    }
    this.drawMarks();
  }
}

function make(tag, text = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}
