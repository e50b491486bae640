/* Begins: unpacks, draws, and listens. */

const root = document.documentElement;
const prefersDark = matchMedia("(prefers-color-scheme: dark)");
let ownTheme = null; /* what the button has chosen */

function setTheme(printing) {
  root.dataset.theme = printing ? "light" : ownTheme || (prefersDark.matches ? "dark" : "light");
}

async function main() {
  setTheme(false);
  const data = element("data");
  const scene = await unpack(data.content.textContent);
  data.remove();
  const view = new View(scene, makeLanes(scene));
  const panel = new Panel(view);
  new Input(view, panel);
  const recolour = (printing) => {
    setTheme(printing);
    view.recolour();
    panel.drawLegend(panel.searchFor);
  };
  const print = (printing) => {
    if (view.printing !== printing) {
      setTheme(printing);
      view.print(printing);
      panel.drawLegend(panel.searchFor);
    }
  };
  recolour(false);
  prefersDark.addEventListener("change", () => recolour(view.printing));
  element("theme").addEventListener("click", () => {
    ownTheme = root.dataset.theme === "dark" ? "light" : "dark";
    recolour(false);
  });
  matchMedia("print").addEventListener("change", (event) => print(event.matches));
  window.addEventListener("beforeprint", () => print(true));
  window.addEventListener("afterprint", () => print(false));
  new ResizeObserver(() => view.printing || view.resize()).observe(view.stage);
  view.drawNow();
  root.dataset.drawn = String(Math.round(performance.now()));
}

main().catch((fault) => {
  element("span").textContent = `This page cannot be shown: ${fault}`;
});
