/* Times as texts, and the ticks of the axis. Times are ns after the scene's beginning. */

class Times {
  constructor(scene) {
    this.start = BigInt(scene.start);
    this.seconds = scene.unit === "ns";
  }

  /* A time on the recording's clock. */
  whole(time) {
    return this.start + BigInt(Math.round(time));
  }

  /* As trace-cmd report has it, with so many decimals. */
  text(time, decimals = 9) {
    const whole = this.whole(time);
    if (!this.seconds) {
      return String(whole);
    }
    const parts = String(whole).padStart(10, "0");
    const point = parts.length - 9;
    return parts.slice(0, point) + (decimals ? "." + parts.slice(point, point + decimals) : "");
  }

  /* How long something took, in a unit that fits. */
  length(ns) {
    if (!this.seconds) {
      return grouped(ns) + " cycles";
    }
    const size = Math.abs(ns);
    const [unit, digits] =
      size >= 1e9 ? ["s", 9] : size >= 1e6 ? ["ms", 6] : size >= 1e3 ? ["\u00b5s", 3] : ["ns", 0];
    const text = String(size).padStart(digits + 1, "0");
    const point = text.length - digits;
    const decimals = text.slice(point).replace(/0+$/, "");
    return (ns < 0 ? "\u2212" : "") + text.slice(0, point) + (decimals && "." + decimals) + " " + unit;
  }

  /* The same to the last ns. */
  exact(ns) {
    const text = this.length(ns);
    return this.seconds && Math.abs(ns) >= 1000 ? `${text} (${grouped(ns)} ns)` : text;
  }

  /* Ticks from one time to another, as many as there is room for: times and texts. */
  ticks(from, to, width, letter) {
    const whole = String(this.whole(to)).length + 1;
    let step = 1n, decimals = 9;
    for (let k = 0; ; k++) {
      step = [1n, 2n, 5n][k % 3] * 10n ** BigInt(Math.floor(k / 3));
      decimals = Math.max(0, 9 - Math.floor(k / 3));
      const letters = this.seconds ? whole - (decimals ? 9 - decimals : 10) : whole;
      if (Number(step) >= ((to - from) / width) * (letters * letter + 44)) {
        break;
      }
    }
    const ticks = [];
    const first = this.start + BigInt(Math.ceil(from));
    let time = first % step === 0n ? first : first + step - (first % step);
    for (; Number(time - this.start) <= to; time += step) {
      const relative = Number(time - this.start);
      ticks.push({ time: relative, text: this.text(relative, decimals) });
    }
    return ticks;
  }
}

/* A whole number in groups of three digits. */
function grouped(number) {
  const sign = number < 0 ? "\u2212" : "";
  return sign + String(Math.abs(number)).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}
